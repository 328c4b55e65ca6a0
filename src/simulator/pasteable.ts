// A run as one string for a chat, a shell or a link (`pasted.ts` reads it). As much of its diagram goes with it as there is room for.

import type * as v from 'valibot';
import { condense, sizeOfDiagram } from '../trace/condensed.ts';
import type { Diagram } from '../trace/diagram.ts';
import { MAX_PACKED, pack } from './packed.ts';
import { PASTED_PREFIX, type PastedSchema, type Recorded } from './pasted.ts';
import { encodeReplay, type Replay } from './replay.ts';

/** Characters of a string that brings its diagram along: what chats and mail still take as an address, with room for the place. */
export const MAX_WITH_DIAGRAM = 15_000;
/** A diagram of fewer moments shows nothing. */
const LEAST_MOMENTS = 8;
/** Rounds of halving, after which a 64th of the room may be empty. */
const ROUNDS = 6;

/** What a run was seen to come to. */
export interface Seen {
  readonly verdict: Recorded['verdict'];
  readonly reason: string | undefined;
  /** Undefined: nobody drew it. */
  readonly diagram: Diagram | undefined;
}

/** Undefined: even the replay alone is too long to be pasted anywhere. */
export function pasteable(replay: Replay<object>, seen?: Seen): string | undefined {
  const content = JSON.parse(encodeReplay(replay)) as v.InferInput<typeof PastedSchema>['replay'];
  const text = (recorded: v.InferInput<typeof PastedSchema>['recorded']): string =>
    `${PASTED_PREFIX}${pack(JSON.stringify({ replay: content, recorded } satisfies v.InferInput<typeof PastedSchema>))}`;
  const bare = text(undefined);
  if (bare.length > MAX_PACKED) return undefined;
  if (seen?.diagram === undefined) return bare;

  const { verdict, reason, diagram } = seen;
  const withMoments = (moments: number): string =>
    text({ verdict, reason, diagram: condense(diagram, moments) });
  let fits = bare;
  // No moment takes less than a character.
  let [low, high] = [LEAST_MOMENTS, Math.min(sizeOfDiagram(diagram), MAX_WITH_DIAGRAM)];
  let moments = high;
  for (let round = 0; round <= ROUNDS && low <= high; round++) {
    const candidate = withMoments(moments);
    if (candidate.length <= MAX_WITH_DIAGRAM) {
      fits = candidate;
      low = moments + 1;
    } else high = moments - 1;
    moments = Math.ceil((low + high) / 2);
  }
  return fits;
}
