// What a page may have the PeerServer pass on. Anybody may connect to it, and it passes on whatever it is given, to whomever, as often
// as he likes; what it cannot serialize costs the receiver its connection, and a receiver that is no string the whole process.

import * as v from 'valibot';
import { createAllowance, type Allowance } from './classroom/allowance.ts';

/** In a second, at length. A page greets up to 263 places at once, at first four times a second, and calls whom it finds. */
const MESSAGES = { atOnce: 2_000, everyMs: 2 };
/** KiB of one page. A page that calls 63 others at once needs less than 1 MiB for it. */
const KIB = { atOnce: 4 * 1024, everyMs: 2 };
/** KiB of all pages for places that nobody holds, where they wait for seconds. */
const KIB_FOR_NOBODY = { atOnce: 8 * 1024, everyMs: 1 };
/** Bytes that may wait for a page that does not read; more is not passed on to it. */
const MAX_WAITING_BYTES = 1024 * 1024;
/** A session description lies three levels deep. */
const MAX_LEVELS = 8;

/** What PeerJS sends. A server says the rest. */
const MessageSchema = v.variant('type', [
  v.object({ type: v.literal('HEARTBEAT') }),
  v.object({
    type: v.picklist(['OFFER', 'ANSWER', 'CANDIDATE']),
    dst: v.pipe(v.string(), v.minLength(1), v.maxLength(128)),
    payload: v.custom<unknown>((payload) => isShallow(payload, MAX_LEVELS)),
  }),
]);

const isShallow = (value: unknown, levels: number): boolean =>
  typeof value !== 'object' ||
  value === null ||
  (levels > 0 && Object.values(value).every((inner) => isShallow(inner, levels - 1)));

export interface SignalGate {
  /** Of a page that has come. */
  open(): PageGate;
}

export interface PageGate {
  /** Whether this message goes on. `waitingFor` tells what waits for the page of that name; undefined: there is none. */
  passes(text: string, now: number, waitingFor: (page: string) => number | undefined): boolean;
}

export function createSignalGate(): SignalGate {
  const forNobody = createAllowance(KIB_FOR_NOBODY);
  return {
    open() {
      const messages = createAllowance(MESSAGES);
      const kib = createAllowance(KIB);
      return {
        passes(text, now, waitingFor) {
          if (!messages.spend(now) || !spendAll(kib, text, now)) return false;
          const message = parse(text);
          if (message === undefined || message.type === 'HEARTBEAT') return message !== undefined;
          const waiting = waitingFor(message.dst);
          return waiting === undefined ? spendAll(forNobody, text, now) : waiting <= MAX_WAITING_BYTES;
        },
      };
    },
  };
}

function parse(text: string): v.InferOutput<typeof MessageSchema> | undefined {
  try {
    const parsed = v.safeParse(MessageSchema, JSON.parse(text));
    return parsed.success ? parsed.output : undefined;
  } catch {
    return undefined;
  }
}

/** One for each KiB that it has begun. */
function spendAll(kib: Allowance, { length }: string, now: number): boolean {
  for (let spent = 0; spent <= length; spent += 1024) if (!kib.spend(now)) return false;
  return true;
}
