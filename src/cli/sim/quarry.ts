// What a hunt is after: the built-in protocol, or one that a person brings (see ../guest/hunt.ts).

import { drawExperiment, type ExperimentOptions } from '../../simulator/draw-experiment.ts';
import { drawRoom } from '../../simulator/drawing.ts';
import { pasteable } from '../../simulator/pasteable.ts';
import { encodeReplay } from '../../simulator/replay.ts';
import { replayOf, replayRun, shrink } from '../../simulator/shrink.ts';
import { storyOf } from '../../simulator/story.ts';
import { rulesWith } from './bugs.ts';
import type { HuntSetup } from './hunt-worker.ts';

/** A failing run, made small. */
export interface SmallRun {
  readonly size: number;
  readonly runs: number;
  /** The text of its replay file. */
  readonly replay: string;
  /** Undefined: it is too long for one string. */
  readonly pasteable: string | undefined;
  readonly story: readonly string[];
}

export interface Quarry {
  /** What its hunting threads need. */
  readonly setup: HuntSetup;
  /** Makes the run of a failing seed small within this much time. */
  shrink(seed: number, budgetMs: number): Promise<SmallRun>;
}

export function roomQuarry(options: ExperimentOptions, situations: boolean): Quarry {
  const rules = rulesWith(options.bug);
  return {
    setup: { options, situations },
    async shrink(seed, budgetMs) {
      const withRules = rules === undefined ? {} : { rules };
      const start = replayOf(drawExperiment(seed, options), withRules);
      const { replay, size, runs } = shrink(start, { rules, now: () => performance.now(), budgetMs });
      const drawing = drawRoom();
      const outcome = replayRun(replay, { ...withRules, ...drawing });
      return {
        size,
        runs,
        replay: encodeReplay(replay),
        pasteable: pasteable(replay, { ...outcome, diagram: drawing.diagram(outcome) }),
        story: storyOf(replay, rules),
      };
    },
  };
}
