// How much a server reads of each page. Whoever sends too many messages in a second is not read for a while; and of a page that sends long
// ones little is read in one go, then others have their turn. An honest page is only slowed, and what everybody else sends does not wait
// behind a flood, however little or much each message of it says.

import type { Clock } from '../ports/clock.ts';

export interface PaceLimits {
  /** Messages of one page in a second, */
  readonly ofOne: number;
  /** and of all pages of one network together: past it, each has an equal share of it. */
  readonly ofNetwork: number;
  /** Messages that a page may send at once. */
  readonly atOnce: number;
  /** Bytes of one page that are read in one go, about, */
  readonly bytesInTurn: number;
  /** and of how many pages of one network in one turn, once they have had their first. */
  readonly pagesInTurn: number;
}

/** What is read of a page, and when not. */
export interface Paced {
  pause(): void;
  resume(): void;
}

export interface Pace {
  /** The page has sent a message of so many bytes: it counts, also where it came with others before the page was paused. */
  spend(bytes: number): void;
  /** Not read now: for what it sent, or until it has its turn. */
  readonly paused: boolean;
  /** The page is gone. */
  close(): void;
}

/** Pages that have sent too many messages are looked at this often, in milliseconds. */
const LOOK_MS = 50;

/** Messages that may still be sent; below 0, those that were sent too many. */
interface Budget {
  left: number;
  since: number;
}

interface Network extends Budget {
  pages: number;
  /** Pages that wait for their turn, who has waited longest first. */
  readonly resting: Set<Page>;
}

interface Page extends Budget {
  readonly network: Network;
  readonly socket: Paced;
  /** Bytes that were read since its last turn began. */
  read: number;
}

export interface Pacing {
  open(network: string, socket: Paced): Pace;
}

/** `soon` calls back once everybody else that has sent something was read: in Node, `setImmediate`. */
export function createPacing(
  { ofOne, ofNetwork, atOnce, bytesInTurn, pagesInTurn }: PaceLimits,
  clock: Clock,
  soon: (act: () => void) => void,
): Pacing {
  const networks = new Map<string, Network>();
  /** Pages that have sent too many messages. */
  const owing = new Set<Page>();
  let looking = false;
  let turning = false;

  const isPaused = (page: Page): boolean => owing.has(page) || page.network.resting.has(page);

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

  function look(): void {
    looking = false;
    for (const page of [...owing]) {
      refillPage(page);
      if (page.left < 0) continue;
      owing.delete(page);
      if (!isPaused(page)) page.socket.resume();
    }
    lookLater();
  }

  function lookLater(): void {
    if (looking || owing.size === 0) return;
    looking = true;
    clock.after(LOOK_MS, look);
  }

  function turn(): void {
    turning = false;
    for (const { resting } of networks.values()) {
      for (const page of [...resting].slice(0, pagesInTurn)) {
        resting.delete(page);
        page.read = 0;
        if (!isPaused(page)) page.socket.resume();
      }
      if (resting.size > 0) turnSoon();
    }
  }

  function turnSoon(): void {
    if (turning) return;
    turning = true;
    soon(turn);
  }

  return {
    open(name, socket) {
      const network = networks.get(name) ?? {
        left: ofNetwork,
        since: clock.now(),
        pages: 0,
        resting: new Set(),
      };
      networks.set(name, network);
      network.pages += 1;
      const page: Page = { network, socket, left: atOnce, since: clock.now(), read: 0 };
      let gone = false;
      return {
        spend(bytes) {
          if (gone) return;
          const wasPaused = isPaused(page);
          refillPage(page);
          page.left -= 1;
          network.left -= 1;
          if (page.left < 0) {
            owing.add(page);
            lookLater();
          }
          page.read += bytes;
          if (page.read >= bytesInTurn) {
            network.resting.add(page);
            turnSoon();
          }
          if (!wasPaused && isPaused(page)) socket.pause();
        },
        get paused() {
          return isPaused(page);
        },
        close() {
          if (gone) return;
          gone = true;
          owing.delete(page);
          network.resting.delete(page);
          network.pages -= 1;
          if (network.pages === 0) networks.delete(name);
        },
      };
    },
  };
}
