// How many messages a server takes of each page in a second. Whoever sends more is not read for a while: an honest page is only slowed, and
// what everybody else sends does not wait behind a flood, however little each message of it says.

import type { Clock } from '../ports/clock.ts';

export interface PaceLimits {
  /** Messages of one page in a second, */
  readonly ofOne: number;
  /** and of all pages of one network together: past it, each has an equal share of it. */
  readonly ofNetwork: number;
  /** Messages that a page may send at once. */
  readonly atOnce: number;
}

/** What is read of a page, and when not. */
export interface Paced {
  pause(): void;
  resume(): void;
}

export interface Pace {
  /** The page has sent a message: it counts, also where it came with others before the page was paused. */
  spend(): void;
  readonly paused: boolean;
  /** The page is gone. */
  close(): void;
}

/** Paused pages are looked at this often, in milliseconds. */
const TURN_MS = 50;

/** Messages that may still be sent; below 0, those that were sent too many. */
interface Budget {
  left: number;
  since: number;
}

interface Network extends Budget {
  pages: number;
}

interface Page extends Budget {
  readonly network: Network;
  readonly socket: Paced;
}

export interface Pacing {
  open(network: string, socket: Paced): Pace;
}

export function createPacing({ ofOne, ofNetwork, atOnce }: PaceLimits, clock: Clock): Pacing {
  const networks = new Map<string, Network>();
  const paused = new Set<Page>();
  let turning = false;

  const refill = (budget: Budget, perSecond: number, most: number): void => {
    const now = clock.now();
    budget.left = Math.min(most, budget.left + ((now - budget.since) * perSecond) / 1000);
    budget.since = now;
  };

  function refillPage(page: Page): void {
    const { network } = page;
    refill(network, ofNetwork, ofNetwork);
    refill(page, network.left < 0 ? Math.min(ofOne, ofNetwork / network.pages) : ofOne, atOnce);
  }

  function turn(): void {
    turning = false;
    for (const page of [...paused]) {
      refillPage(page);
      if (page.left < 0) continue;
      paused.delete(page);
      page.socket.resume();
    }
    turnLater();
  }

  function turnLater(): void {
    if (turning || paused.size === 0) return;
    turning = true;
    clock.after(TURN_MS, turn);
  }

  return {
    open(name, socket) {
      const network = networks.get(name) ?? { left: ofNetwork, since: clock.now(), pages: 0 };
      networks.set(name, network);
      network.pages += 1;
      const page: Page = { network, socket, left: atOnce, since: clock.now() };
      let gone = false;
      return {
        spend() {
          if (gone) return;
          refillPage(page);
          page.left -= 1;
          network.left -= 1;
          if (page.left >= 0 || paused.has(page)) return;
          paused.add(page);
          socket.pause();
          turnLater();
        },
        get paused() {
          return paused.has(page);
        },
        close() {
          if (gone) return;
          gone = true;
          paused.delete(page);
          network.pages -= 1;
          if (network.pages === 0) networks.delete(name);
        },
      };
    },
  };
}
