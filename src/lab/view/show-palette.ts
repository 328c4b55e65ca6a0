// Takes a person from a rank, or a link, to the fault palette that is set on it.

import type { MemberId } from '../../ports/ids.ts';
import type { Lab } from '../model/lab.ts';

/** `peer`: the other end, where it is the link that is to be broken. */
export function showPalette(lab: Lab, rank: MemberId, peer?: MemberId): void {
  lab.target.value = rank;
  if (peer !== undefined) lab.aim.value = { peer };
  document.querySelector('#faults')?.scrollIntoView({ block: 'center' });
  document
    .querySelector<HTMLElement>(peer === undefined ? '#faults input:checked' : '#faults .fault-what select')
    ?.focus({ preventScroll: true });
}
