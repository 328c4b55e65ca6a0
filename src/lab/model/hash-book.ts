// Whether the ranks of this page hold the same state: the hashes that they reported for the steps they committed, compared.

import type { GenerationId, MemberId, StateHash } from '../../ports/ids.ts';

/** A rank's state beside that of the page's other ranks, at one step. */
export interface Agreement {
  readonly kind: 'agrees' | 'differs';
  readonly step: number;
  readonly hash: StateHash;
  /** How many were compared, itself included. */
  readonly ranks: number;
}

export interface HashBook {
  note(member: MemberId, generation: GenerationId, step: number, hash: StateHash): void;
  /**
   * Compares the given ranks at the newest step that all of them have reported, else that two of them have. Ranks that have
   * nothing to be compared with are missing from the answer.
   */
  readonly compare: (members: readonly MemberId[]) => ReadonlyMap<MemberId, Agreement>;
}

const MAX_STEPS = 256;

interface Report {
  readonly step: number;
  readonly hashes: Map<MemberId, StateHash>;
}

export function createHashBook(): HashBook {
  /** By incarnation and step, oldest first: two incarnations may rightly differ. */
  const reports = new Map<string, Report>();

  return {
    note(member, generation, step, hash) {
      const key = `${generation.incarnation}/${step}`;
      const report = reports.get(key) ?? { step, hashes: new Map<MemberId, StateHash>() };
      report.hashes.set(member, hash);
      reports.set(key, report);
      if (reports.size <= MAX_STEPS) return;
      const [oldest] = reports.keys();
      if (oldest !== undefined) reports.delete(oldest);
    },
    compare(members) {
      const reporters = (report: Report): number =>
        members.filter((member) => report.hashes.has(member)).length;
      const newestFirst = [...reports.values()].reverse();
      const chosen =
        members.length < 2
          ? undefined
          : (newestFirst.find((report) => reporters(report) === members.length) ??
            newestFirst.find((report) => reporters(report) > 1));
      return chosen === undefined ? new Map() : agreements(chosen, members);
    },
  };
}

function agreements(
  { step, hashes }: Report,
  members: readonly MemberId[],
): ReadonlyMap<MemberId, Agreement> {
  const held = members.flatMap((member) => {
    const hash = hashes.get(member);
    return hash === undefined ? [] : [{ member, hash }];
  });
  return new Map(
    held.map(({ member, hash }) => {
      const kind = held.every((other) => other.hash === hash) ? 'agrees' : 'differs';
      return [member, { kind, step, hash, ranks: held.length }];
    }),
  );
}
