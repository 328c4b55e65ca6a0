// The lab's hold on its simulators: what is run, what came of it, and an end at once to what is cancelled.

import { batch, signal, type ReadonlySignal, type Signal } from '@preact/signals';
import type { Recorded } from '../../simulator/pasted.ts';
import { sentenceIn } from '../lab-error.ts';
import { language } from '../language/language.ts';
import type {
  BranchRequest,
  BranchResult,
  Doing,
  RunResult,
  SeedRequest,
  Subject,
  SubjectInfo,
  Whole,
} from './api.ts';
import { createCrew, type Crew } from './crew.ts';
import { isDifference } from './exactly.ts';
import { hunt, type HuntProgress } from './hunting.ts';

/** How a run came to be. */
export type Origin =
  | ({ readonly kind: 'seed' } & SeedRequest)
  | { readonly kind: 'shrunk'; readonly seed: number; readonly size: number }
  | { readonly kind: 'replay' };

export interface Run {
  readonly subject: Subject;
  readonly origin: Origin;
  readonly result: RunResult;
}

/** Why a run that somebody brings is not run here. */
export type NotRun =
  /** It is of another version of the core. */
  | { readonly kind: 'core'; readonly found: number }
  /** It names this version, and comes out otherwise than it was recorded. */
  | { readonly kind: 'differs' }
  /** A bug is planted in it, and pages hold none. */
  | { readonly kind: 'bug'; readonly bug: string }
  /** It is of a protocol whose file is not here. */
  | { readonly kind: 'protocol'; readonly name: string; readonly hash: string };

/** A run as it was recorded, to be looked at. */
export interface Kept {
  readonly why: NotRun;
  /** Undefined: the string brought no diagram. */
  readonly recorded: Recorded | undefined;
}

/** Where the search found nothing. */
export interface Nothing {
  readonly seeds: number;
}

export interface Simulation {
  readonly subject: ReadonlySignal<Subject>;
  /** Undefined until the subject was opened. */
  readonly info: ReadonlySignal<SubjectInfo | undefined>;
  readonly doing: ReadonlySignal<Doing | undefined>;
  readonly last: ReadonlySignal<Run | undefined>;
  readonly progress: ReadonlySignal<HuntProgress | undefined>;
  readonly nothing: ReadonlySignal<Nothing | undefined>;
  readonly problem: ReadonlySignal<string | undefined>;
  open(subject: Subject): Promise<void>;
  run(request: SeedRequest): Promise<void>;
  /** A replay file's text, or a pasted string, of the subject that is open; and how it was seen where it comes from. */
  replayText(text: string, recorded: Recorded | undefined): Promise<void>;
  /** What is shown of a run that is not run here. */
  readonly kept: ReadonlySignal<Kept | undefined>;
  keep(kept: Kept): void;
  /** Searches from the seed on; what it finds is made small and shown. */
  hunt(from: number, ranks: number): Promise<void>;
  /** The last run made small. */
  shrink(): Promise<void>;
  /** What could have come of the last run. */
  branch(request: BranchRequest): Promise<void>;
  /** The last branch of the last run. */
  readonly branched: Signal<BranchResult | undefined>;
  /** The last run as one string; undefined where that failed or was cancelled. */
  replay(): Promise<Whole | undefined>;
  /** Runs the last run again, so that what happened in it is told in the language that was chosen meanwhile. */
  retell(): Promise<void>;
  complain(problem: string): void;
  readonly cancel: () => void;
}

const SHRINK_MS = 10_000;
const MAX_HUNTERS = 8;
const MAX_SEEDS = 100_000;

type Hired = Awaited<ReturnType<Crew['hire']>>;

export function createSimulation(): Simulation {
  const subject = signal<Subject>({ kind: 'room' });
  const info = signal<SubjectInfo | undefined>(undefined);
  const doing = signal<Doing | undefined>(undefined);
  const last = signal<Run | undefined>(undefined);
  const progress = signal<HuntProgress | undefined>(undefined);
  const nothing = signal<Nothing | undefined>(undefined);
  const problem = signal<string | undefined>(undefined);
  const branched = signal<BranchResult | undefined>(undefined);
  const kept = signal<Kept | undefined>(undefined);
  let crew: Crew | undefined;
  let hunters: Crew | undefined;
  let hired: Promise<Hired> | undefined;
  /** Settles what its workers were at when they are ended. */
  let abandon: (() => void) | undefined;
  /** Resolves once nothing is under way. */
  let settled: Promise<unknown> = Promise.resolve();
  let opens = 0;

  const hire = (): Promise<Hired> => {
    crew ??= createCrew(subject.value);
    hired ??= crew.hire();
    return hired;
  };
  const dismiss = (): void => {
    crew?.dismiss();
    hunters?.dismiss();
    crew = undefined;
    hunters = undefined;
    hired = undefined;
  };

  const cancel = (): void => {
    dismiss();
    abandon?.();
  };

  /** One thing at a time. Resolves with undefined where it came to nothing. */
  async function busy<T>(what: Doing, work: (hired: Hired) => Promise<T>): Promise<T | undefined> {
    if (doing.value !== undefined) return undefined;
    batch(() => {
      doing.value = what;
      problem.value = undefined;
      nothing.value = undefined;
      kept.value = undefined;
    });
    const ended = new Promise<undefined>((resolve) => {
      abandon = () => {
        resolve(undefined);
      };
    });
    const begin = async (): Promise<T> => {
      const main = await hire();
      await main.worker.speak(language.value);
      return work(main);
    };
    const outcome = Promise.race([begin(), ended]);
    settled = outcome.catch(() => undefined);
    try {
      return await outcome;
    } catch (error) {
      problem.value = sentenceIn(error);
      return undefined;
    } finally {
      batch(() => {
        abandon = undefined;
        doing.value = undefined;
        progress.value = undefined;
      });
    }
  }

  /** What is shown when it is done belongs to who asked, not to what was cancelled meanwhile. */
  const show = (origin: Origin, result: RunResult | undefined): void => {
    if (result === undefined) return;
    batch(() => {
      branched.value = undefined;
      last.value = { subject: subject.value, origin, result };
    });
  };

  const keep = (wanted: Kept): void => {
    batch(() => {
      last.value = undefined;
      branched.value = undefined;
      kept.value = wanted;
    });
  };

  async function shrinkLast({ worker }: Hired, seed: number): Promise<void> {
    doing.value = 'shrinking';
    const { replay, size } = await worker.shrink(SHRINK_MS);
    show({ kind: 'shrunk', seed, size }, await worker.run({ kind: 'replay', text: replay }));
  }

  return {
    subject,
    info,
    doing,
    last,
    progress,
    nothing,
    problem,
    branched,
    async open(wanted) {
      const mine = ++opens;
      cancel();
      await settled;
      // Somebody has chosen another meanwhile.
      if (mine !== opens) return;
      batch(() => {
        subject.value = wanted;
        info.value = undefined;
      });
      info.value = await busy('opening', ({ info: opened }) => Promise.resolve(opened));
    },
    async run(request) {
      const asked = { kind: 'seed', ...request } as const;
      show(asked, await busy('running', ({ worker }) => worker.run(asked)));
    },
    async replayText(text, recorded) {
      const result = await busy('running', ({ worker }) =>
        worker.run({ kind: 'replay', text }).catch((error: unknown) => {
          if (isDifference(error)) return 'differs' as const;
          throw error;
        }),
      );
      if (result === 'differs') keep({ why: { kind: 'differs' }, recorded });
      else show({ kind: 'replay' }, result);
    },
    kept,
    keep,
    async hunt(from, ranks) {
      await busy('hunting', async (main) => {
        hunters = createCrew(subject.value);
        const finding = await hunt(hunters, {
          from,
          ranks,
          workers: Math.min(navigator.hardwareConcurrency, MAX_HUNTERS),
          seeds: MAX_SEEDS,
          onProgress(now) {
            progress.value = now;
          },
        }).finally(() => hunters?.dismiss());
        if (finding === undefined) {
          nothing.value = { seeds: MAX_SEEDS };
          return;
        }
        const asked = { kind: 'seed', scenario: undefined, seed: finding.seed, ranks } as const;
        show(asked, await main.worker.run(asked));
        await shrinkLast(main, finding.seed);
      });
    },
    async shrink() {
      const seed = last.value?.result.seed ?? 0;
      await busy('shrinking', (main) => shrinkLast(main, seed));
    },
    async branch(request) {
      branched.value = await busy('branching', ({ worker }) => worker.branch(request));
    },
    replay: () => busy('recording', ({ worker }) => worker.replay()),
    async retell() {
      const told = last.value;
      // A reader's own protocol tells in its own words.
      if (told?.subject.kind !== 'room' || doing.value !== undefined) return;
      const { origin, result } = told;
      const text = result.pasteable;
      if (origin.kind !== 'seed' && text === undefined) return;
      const again = origin.kind === 'seed' ? origin : ({ kind: 'replay', text: text ?? '' } as const);
      show(origin, await busy('running', ({ worker }) => worker.run(again)));
    },
    complain(sentence) {
      problem.value = sentence;
    },
    cancel,
  };
}

/** How the protocol of a subject is named to the command; its file is where the person has it. */
const protocolFlag = (subject: Subject): string => {
  switch (subject.kind) {
    case 'room':
      return '';
    case 'example':
      return ` --protocol examples/${subject.name}.ts`;
    case 'file':
      return ` --protocol ${subject.name}`;
  }
};

/** A run in a terminal, from one string. */
export const replayCommand = (subject: Subject, pasteable: string): string =>
  `npx rankfall replay${protocolFlag(subject)} '${pasteable}'`;

/** The same run in a terminal, as short as that is said; undefined: it is too long for that. */
export function commandOf({ subject, origin, result: { pasteable } }: Run): string | undefined {
  if (origin.kind !== 'seed') return pasteable === undefined ? undefined : replayCommand(subject, pasteable);
  const flag = protocolFlag(subject);
  const { scenario, seed, ranks } = origin;
  return `npx rankfall sim${flag}${scenario === undefined ? '' : ` --scenario ${scenario}`} --seed ${seed} --ranks ${ranks}`;
}
