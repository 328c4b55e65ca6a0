// What a person should know that the core does not, by where it comes from. The last source to speak up is shown.

/** Where a problem comes from. */
export type Complaint = 'halted' | 'invariant' | 'votes' | 'links' | 'signalling';

export interface Complaints {
  /** `undefined` once it is over. */
  readonly complain: (source: Complaint, problem: string | undefined) => void;
  /** `core`: what the core has to say. A rank that has stopped itself says that before anything else. */
  readonly shown: (core: string | undefined) => string | undefined;
}

export function createComplaints(): Complaints {
  const problems = new Map<Complaint, string>();
  return {
    complain(source, problem) {
      problems.delete(source);
      if (problem !== undefined) problems.set(source, problem);
    },
    shown: (core) => problems.get('halted') ?? core ?? [...problems.values()].at(-1),
  };
}
