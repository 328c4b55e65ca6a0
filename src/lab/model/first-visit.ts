// Whether the page should greet: somebody made the room with it, alone, nothing has been trained in it, and nothing will be by itself
// or was asked for already.

import type { Lab } from './lab.ts';

/** With this many ranks, somebody has found the buttons already. */
const ENOUGH = 4;

export function isFirstVisit(lab: Lab): boolean {
  const { state, step, running, ranks } = lab.room.value;
  const waiting = state === 'ready' || state === 'opening' || state === 'joining';
  const isAsked = lab.busy.value.has('start-four');
  return (
    lab.fresh &&
    !lab.inClass &&
    !lab.autostart &&
    waiting &&
    !isAsked &&
    step === 0 &&
    !running &&
    ranks.length < ENOUGH
  );
}
