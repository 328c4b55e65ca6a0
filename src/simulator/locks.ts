// Simulated Web Locks: each seat is held by one living page, and goes to a waiting page of the same profile when its holder is gone.

import type { MemberId, SeatId } from '../ports/ids.ts';
import type { Host } from './host.ts';

export interface Locks {
  /** A new page holds its own seat. */
  hold(seat: SeatId, member: MemberId): void;
  /** A page asks for the seats that it watches. */
  request(host: Host): void;
  release(host: Host, seat: SeatId): void;
  /** A page is gone: all its locks go to those who wait. */
  drop(member: MemberId): void;
}

/** `granted` is called at once; telling the page takes its time. */
export function createLocks(
  hosts: ReadonlyMap<MemberId, Host>,
  hasBallots: (host: Host, seat: SeatId) => boolean,
  granted: (host: Host, seat: SeatId) => void,
): Locks {
  const holders = new Map<SeatId, MemberId>();

  function grant(seat: SeatId, host: Host): void {
    if (holders.has(seat) || !hasBallots(host, seat)) return;
    holders.set(seat, host.member);
    granted(host, seat);
  }

  function handOver(seat: SeatId): void {
    for (const host of hosts.values()) {
      if (host.alive && host.watching.includes(seat)) grant(seat, host);
      if (holders.has(seat)) return;
    }
  }

  return {
    hold(seat, member) {
      holders.set(seat, member);
    },
    request(host) {
      for (const seat of host.watching) grant(seat, host);
    },
    release(host, seat) {
      if (holders.get(seat) !== host.member) return;
      holders.delete(seat);
      handOver(seat);
    },
    drop(member) {
      for (const [seat, holder] of [...holders]) {
        if (holder !== member) continue;
        holders.delete(seat);
        handOver(seat);
      }
    },
  };
}
