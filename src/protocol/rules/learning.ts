// Rules of learning beside the ring: who learns before it asks for a place, what it is taught, and when it asks.

import { PIECE_BYTES } from '../../collective/state-transfer.ts';
import type { Job } from '../../job/job.ts';
import type { GenerationId } from '../../ports/ids.ts';
import { STATE_BYTES } from './state.ts';

export interface LearningRules {
  /** Whether a newcomer that lacks so many steps of a state with so many parameters learns it before it asks for a place. */
  learnsFirst(parameters: number, lacks: number): boolean;
  /** Whether it asks as it is, after so many lessons that came to nothing. */
  stopsLearning(lessons: number): boolean;
  /** Whether a learner at that step is as far as a room that has committed so many: what it lacks then, every member retains. */
  hasCaughtUp(step: number, committed: number): boolean;
  /** Whether a learner that has followed the room for so long gets no nearer, and had better come in as it is. */
  staysBehind(followedMs: number, policies: Job['policies']): boolean;
  /** The generation that vouches for a state which was learned of one of its members: none, before a generation has compared it. */
  vouchesForLearned(generation: GenerationId): GenerationId | undefined;
  /** Whether a teacher passes a gradient on at this moment: once all have applied it, so that no learner ever has what is taken back. */
  passesOnWhen(moment: 'committed' | 'applied'): boolean;
  /** Whether a teacher keeps so many gradients, of so many bytes, for all of its learners together. */
  keepsForLearners(gradients: number, bytes: number): boolean;
}

/** One step, that is: what the retained gradient heals. */
const RETAINED = 1;
/** Each of a teacher of its own. */
const MOST_LESSONS = 3;
const MOST_GRADIENTS = 128;
const MOST_BYTES = 64 * 1024 * 1024;

export const LEARNING_RULES: LearningRules = {
  learnsFirst: (parameters, lacks) => lacks > RETAINED && parameters * STATE_BYTES > PIECE_BYTES,

  stopsLearning: (lessons) => lessons >= MOST_LESSONS,

  hasCaughtUp: (step, committed) => step + RETAINED >= committed,

  staysBehind: (followedMs, { joinMs }) => followedMs > joinMs,

  vouchesForLearned: () => undefined,

  passesOnWhen: (moment) => moment === 'committed',

  keepsForLearners: (gradients, bytes) => gradients <= MOST_GRADIENTS && bytes <= MOST_BYTES,
};
