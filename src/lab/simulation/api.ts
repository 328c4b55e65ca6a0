// What the lab asks of a simulator in a worker. Types only: the simulators themselves are loaded when somebody opens the laboratory.

import type { Diagram } from '../../trace/diagram.ts';
import type { Language } from '../language/language.ts';

/** Whose protocol is run. */
export type Subject =
  | { readonly kind: 'room' }
  /** One of examples/, by its name without the ending. */
  | { readonly kind: 'example'; readonly name: string }
  /** What a person has picked or dropped: code, and never from a link. */
  | { readonly kind: 'file'; readonly name: string; readonly text: string };

/** What the laboratory is at. */
export type Doing = 'opening' | 'running' | 'branching' | 'hunting' | 'shrinking' | 'recording';

export interface Scenario {
  readonly name: string;
  /** What happens in it, in a sentence without its full stop. */
  readonly tells: string;
}

export interface SubjectInfo {
  readonly protocol: string;
  readonly ranks: number;
  /** Empty where the seed always draws what happens. */
  readonly scenarios: readonly Scenario[];
}

export interface SeedRequest {
  /** Absent: the seed draws the faults as well. */
  readonly scenario: string | undefined;
  readonly seed: number;
  readonly ranks: number;
}

export type RunRequest =
  | ({ readonly kind: 'seed' } & SeedRequest)
  /** A replay file's text, or a pasted string. */
  | { readonly kind: 'replay'; readonly text: string };

export interface RunResult {
  readonly verdict: 'held' | 'violated' | 'unrecoverable';
  /** The number or the sentence of the one that broke. */
  readonly invariant: number | string | undefined;
  readonly reason: string | undefined;
  readonly traceHash: string;
  readonly stateHash: string | undefined;
  readonly seed: number;
  readonly ranks: number;
  readonly steps: number;
  readonly committed: number;
  readonly events: number;
  readonly virtualMs: number;
  readonly wallMs: number;
  /** Milliseconds over all ranks, by what they went into. */
  readonly ledger: Readonly<Record<string, number>>;
  readonly diagram: Diagram;
  /** The run alone as one string that `rankfall replay` takes; undefined: it is too long for one. */
  readonly pasteable: string | undefined;
}

export interface HuntChunk {
  readonly from: number;
  readonly count: number;
  readonly ranks: number;
}

export interface HuntFinding {
  readonly seed: number;
  readonly invariant: number | string | undefined;
  readonly reason: string | undefined;
}

export interface HuntResult {
  readonly count: number;
  readonly events: number;
  readonly virtualMs: number;
  /** The first of the chunk. */
  readonly finding: HuntFinding | undefined;
}

export interface Whole {
  /** Undefined: it is too long for one string. */
  readonly text: string | undefined;
}

export interface Shrunk {
  /** The text of its replay file. */
  readonly replay: string;
  /** What is left to tell. */
  readonly size: number;
  readonly runs: number;
}

/** What could have come of the last run, from a moment of its diagram on. */
export type BranchRequest =
  /** So many futures with other chance. */
  | { readonly kind: 'chance'; readonly seq: number; readonly futures: number }
  /** The message that was sent then comes so many milliseconds later. */
  | { readonly kind: 'later'; readonly seq: number; readonly ms: number };

export interface BranchResult {
  readonly request: BranchRequest;
  /** Of the futures, those in which the same invariant breaks, and all that were run. */
  readonly violated: number;
  readonly futures: number;
  /** One that ended otherwise than the run; else the first. */
  readonly example: Diagram;
}

/** One at a time; a worker that is to stop is ended. */
export interface RaceWorker {
  /** What the rest is about. Throws a sentence for the person who brought the file. */
  open(subject: Subject): Promise<SubjectInfo>;
  /** In which language runs are told from now on, where it can be chosen. */
  speak(language: Language): Promise<void>;
  /** Throws a `ReplayDiffersError` where a replay does not come out as it was recorded. */
  run(request: RunRequest): Promise<RunResult>;
  /** The last run as one string, with its diagram. */
  replay(): Promise<Whole>;
  branch(request: BranchRequest): Promise<BranchResult>;
  hunt(chunk: HuntChunk): Promise<HuntResult>;
  /** The last run, made as small as it gets within this time in milliseconds. */
  shrink(budgetMs: number): Promise<Shrunk>;
}
