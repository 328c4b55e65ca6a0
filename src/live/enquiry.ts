// Asking the ranks of other pages and machines something, and answering them. Beside the protocol: nothing of it is decided by what is
// said here, and nothing of it is recorded.

import type { Clock } from '../ports/clock.ts';
import type { MemberId } from '../ports/ids.ts';

/** Whoever has not answered by then is silent. */
const ANSWER_MS = 1000;
/** One that asks all the time is answered no more often. */
const APART_MS = 500;
/** Peers whose last question is remembered. */
const REMEMBERED = 1024;

export interface Enquiry<Answer> {
  /** A peer asks. */
  asked(from: MemberId): void;
  /** A peer answers. */
  told(from: MemberId, answer: Answer): void;
  /** The answers that came in time, by who gave them. */
  ask(peers: readonly MemberId[]): Promise<ReadonlyMap<MemberId, Answer>>;
}

export function createEnquiry<Answer>(host: {
  readonly clock: Clock;
  readonly ask: (peer: MemberId) => void;
  readonly answer: (to: MemberId) => void;
}): Enquiry<Answer> {
  const answeredAt = new Map<MemberId, number>();
  /** What has come of the question that is open: answers that nobody has asked for are dropped. */
  let open:
    | {
        readonly wanted: ReadonlySet<MemberId>;
        readonly answers: Map<MemberId, Answer>;
        readonly done: () => void;
        readonly all: Promise<ReadonlyMap<MemberId, Answer>>;
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
      host.answer(from);
    },
    told(from, answer) {
      if (open?.wanted.has(from) !== true) return;
      open.answers.set(from, answer);
      if (open.answers.size === open.wanted.size) open.done();
    },
    ask(peers) {
      if (open !== undefined) return open.all;
      const answers = new Map<MemberId, Answer>();
      if (peers.length === 0) return Promise.resolve(answers);
      let done = (): void => undefined;
      const all = new Promise<ReadonlyMap<MemberId, Answer>>((resolve) => {
        const cancel = host.clock.after(ANSWER_MS, () => {
          done();
        });
        done = () => {
          cancel();
          open = undefined;
          resolve(answers);
        };
      });
      open = { wanted: new Set(peers), answers, done, all };
      for (const peer of peers) host.ask(peer);
      return all;
    },
  };
}
