// Simulated Web Locks: each seat is held by one living page, and goes to a waiting page of the same profile when its holder is gone.

import type { SeatId } from '../ports/ids.ts';
import type { Host } from './host.ts';

export interface Locks {
  /** A new page holds its own seat. */
  hold(host: Host): void;
  /** A page asks for the seats that it watches. */
  request(host: Host): void;
  release(host: Host, seat: SeatId): void;
  /** A page is gone: all its locks go to those who wait. */
  drop(host: Host): void;
}

/** Pages of one browser, in the order in which they were opened: only among them do locks change hands. */
interface Browser {
  readonly pages: Host[];
  /** In code-unit order. */
  readonly seats: SeatId[];
}

/** `granted` is called at once; telling the page takes its time. */
export function createLocks(granted: (host: Host, seat: SeatId) => void): Locks {
  const holders = new Map<SeatId, Host>();
  const browsers = new Map<string, Browser>();

  function browserOf({ profile }: Host): Browser {
    let browser = browsers.get(profile);
    if (browser === undefined) {
      browser = { pages: [], seats: [] };
      browsers.set(profile, browser);
    }
    return browser;
  }

  /** To a page that waits for it, if it is free. */
  function grant(seat: SeatId, host: Host): void {
    if (holders.has(seat) || !host.watching.includes(seat)) return;
    holders.set(seat, host);
    granted(host, seat);
  }

  function handOver(seat: SeatId, from: Host): void {
    holders.delete(seat);
    for (const host of browserOf(from).pages) if (host.alive) grant(seat, host);
  }

  return {
    hold(host) {
      const { pages, seats } = browserOf(host);
      pages.push(host);
      seats.push(host.seat);
      seats.sort();
      holders.set(host.seat, host);
    },
    request(host) {
      for (const seat of browserOf(host).seats) grant(seat, host);
    },
    release(host, seat) {
      if (holders.get(seat) === host) handOver(seat, host);
    },
    drop(host) {
      const held = [...holders].filter(([, holder]) => holder === host);
      for (const [seat] of held) handOver(seat, host);
    },
  };
}
