// Asking the ranks of other pages and machines what they were at last, and answering them. Beside the protocol: nothing of it is decided
// by what is said here, and nothing of it is recorded.

import type { Clock } from '../ports/clock.ts';
import type { MemberId } from '../ports/ids.ts';
import type { Recalled } from '../protocol/messages.ts';
import type { Flight } from '../trace/flight-recorder.ts';

/** Whoever has not answered by then is silent. */
const ANSWER_MS = 1000;
/** One that asks all the time is answered no more often. */
const APART_MS = 500;
/** Peers whose last question is remembered. */
const REMEMBERED = 1024;

export interface Recalls {
  /** A peer asks. */
  asked(from: MemberId): void;
  /** A peer answers. */
  told(from: MemberId, entries: Flight['entries']): void;
  ask(peers: readonly MemberId[]): Promise<readonly Flight[]>;
}

export function createRecalls(host: {
  readonly clock: Clock;
  readonly own: () => Flight['entries'];
  readonly send: (to: MemberId, message: Recalled) => void;
}): Recalls {
  const answeredAt = new Map<MemberId, number>();
  /** What has come of the question that is open: answers that nobody has asked for are dropped. */
  let open:
    | {
        readonly wanted: ReadonlySet<MemberId>;
        readonly flights: Map<MemberId, Flight>;
        readonly done: () => void;
        readonly answer: Promise<readonly Flight[]>;
      }
    | undefined;

  return {
    asked(from) {
      const now = host.clock.now();
      if (now - (answeredAt.get(from) ?? -Infinity) < APART_MS) return;
      answeredAt.delete(from);
      answeredAt.set(from, now);
      const [oldest] = answeredAt.keys();
      if (answeredAt.size > REMEMBERED && oldest !== undefined) answeredAt.delete(oldest);
      host.send(from, { kind: 'flight', entries: host.own() });
    },
    told(from, entries) {
      if (open?.wanted.has(from) !== true) return;
      open.flights.set(from, { member: from, entries });
      if (open.flights.size === open.wanted.size) open.done();
    },
    ask(peers) {
      if (open !== undefined) return open.answer;
      const flights = new Map<MemberId, Flight>();
      if (peers.length === 0) return Promise.resolve([]);
      let done = (): void => undefined;
      const answer = new Promise<readonly Flight[]>((resolve) => {
        const cancel = host.clock.after(ANSWER_MS, () => {
          done();
        });
        done = () => {
          cancel();
          open = undefined;
          resolve([...flights.values()]);
        };
      });
      open = { wanted: new Set(peers), flights, done, answer };
      for (const peer of peers) host.send(peer, { kind: 'recall' });
      return answer;
    },
  };
}
