// The link that a host gives to strangers: the same room, on the page that asks first.

import { formatRoomLink } from '../../live/link.ts';
import type { RoomLink } from '../../live/link.ts';

/** `lab`: the address of the host's lab. Where its pages meet goes with it; what else it says is the host's. */
export function volunteerLink(room: RoomLink, lab: string): string {
  const address = new URL('volunteer.html', lab);
  const said = new URL(lab).searchParams;
  for (const name of ['signal', 'ice']) {
    const value = said.get(name);
    if (value !== null) address.searchParams.set(name, value);
  }
  address.hash = formatRoomLink(room);
  return address.href;
}
