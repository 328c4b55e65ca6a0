// How a page comes into a class: by the place that it had before, or by the card that asks for a nickname and the code.

import { render } from 'preact';
import type { ClassRoom } from '../../live/classroom/messages.ts';
import { formatRoomLink } from '../../live/link.ts';
import { forget, kept } from './kept.ts';
import type { Kept } from './kept.ts';
import { JoinPage } from './JoinPage.tsx';
import { takeSeat } from './seat.ts';
import type { NoSeat, Seat } from './seat.ts';
import './class.css';

export { attendClass } from './attending.ts';
export { ClassStrip } from './ClassStrip.tsx';

/**
 * The page's seat in the class of that name, or undefined for a page that is in none: it `hasRoom` already, by its address, or
 * somebody goes on alone.
 */
export async function arrive(place: HTMLElement, name: string, hasRoom: boolean): Promise<Seat | undefined> {
  const own = kept('tab', name);
  if (own !== undefined) {
    const seat = await comeBack(name, own, false);
    if (typeof seat !== 'string') return seat;
    if (seat === 'token') forget(own.token, name);
  }
  if (hasRoom) return undefined;
  const left = kept('browser', name);
  if (left !== undefined) {
    const seat = await comeBack(name, left, true);
    if (typeof seat !== 'string') return seat;
  }
  return new Promise((resolve) => {
    const settle = (seat: Seat | undefined): void => {
      render(null, place);
      resolve(seat);
    };
    render(
      <JoinPage
        join={async (nickname, code) => {
          const seat = await takeSeat(name, { say: 'enter', nickname, code }, move);
          if (typeof seat === 'string') return seat;
          settle(seat);
          return undefined;
        }}
        goAlone={() => settle(undefined)}
      />,
      place,
    );
  });
}

const comeBack = (name: string, { token }: Kept, ifAway: boolean): Promise<Seat | NoSeat> =>
  takeSeat(name, { say: 'return', token, ifAway }, move);

/** A page holds one room; the next one is opened by loading it anew. */
function move(room: ClassRoom): void {
  history.replaceState(null, '', `${location.pathname}${location.search}${formatRoomLink(room)}`);
  location.reload();
}
