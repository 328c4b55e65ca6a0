// `rankfall hunt --protocol FILE`: what the hunt needs to know of a user's protocol.

import { answering, loadProtocol } from './load.ts';
import type { Quarry } from '../sim/quarry.ts';
import { drawGuestExperiment, type GuestOptions } from '../../simulator/guest/experiment.ts';
import { drawGuest } from '../../simulator/guest/drawing.ts';
import { guestReplayOf, replayGuest, shrinkGuest } from '../../simulator/guest/shrink.ts';
import { guestStory } from '../../simulator/guest/story.ts';
import { pasteable } from '../../simulator/pasteable.ts';
import { encodeReplay } from '../../simulator/replay.ts';

export async function guestQuarry(path: string, options: GuestOptions): Promise<Quarry> {
  const { protocol, hash } = await loadProtocol(path);
  return {
    setup: { options, situations: false, protocol: path },
    shrink: (seed, budgetMs) =>
      answering(path, () => {
        const start = guestReplayOf(protocol, drawGuestExperiment(seed, protocol, hash, options));
        const { replay, size, runs } = shrinkGuest(protocol, start, {
          now: () => performance.now(),
          budgetMs,
        });
        const drawing = drawGuest();
        const outcome = replayGuest(protocol, replay, drawing);
        return {
          size,
          runs,
          replay: encodeReplay(replay),
          pasteable: pasteable(replay, { ...outcome, diagram: drawing.diagram(outcome) }),
          story: guestStory(protocol, replay),
        };
      }),
  };
}
