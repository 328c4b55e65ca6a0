// One link in the worker: two channels to one peer, from the handshake to the end. It tells its events in order: perhaps
// `linked`, then messages, then one `ended` and one `closed`.

import type { Clock } from '../ports/clock.ts';
import type { MemberId } from '../ports/ids.ts';
import { MAX_MESSAGE_BYTES } from '../ports/network.ts';
import type { Evidence, Lane, LateMessage, SendOutcome } from '../ports/network.ts';
import {
  createCreditDue,
  createCreditSpent,
  CREDIT_GRAIN_BYTES,
  CREDIT_WINDOW_BYTES,
  decodeCredit,
  encodeCredit,
  FLOOD_FRAMES,
  FLOOD_MS,
} from './credit.ts';
import { FRAME_HEADER_BYTES, decodeFrame, encodeLinkFrame } from './frame.ts';
import type { Frame } from './frame.ts';
import { HANDSHAKE_START, NONCE_BYTES, stepHandshake } from './handshake.ts';
import type { ChannelBinding, HandshakeEvent, HandshakeState, LinkRole } from './handshake.ts';
import type { Mac } from './mac.ts';
import { createOutbox } from './outbox.ts';
import type { LaneChannel } from './outbox.ts';
import { createReassembler } from './reassembly.ts';
import { decodeRefusal, encodeRefusal, refusal } from './refusal.ts';
import type { Refusal, RefusalCode } from './refusal.ts';

/** From the moment the channel is open to both proofs, in milliseconds. A busy worker can be 2 s late. */
export const HANDSHAKE_MS = 10_000;
/** Longest frame before the peer is authenticated. */
const MAX_HANDSHAKE_FRAME_BYTES = FRAME_HEADER_BYTES + 512;
/**
 * The page hears a peer's goodbye, the worker sees its channels close, and may see that first: the page gets this long to say
 * which it was, in milliseconds. It always says something, and mostly within 10 ms.
 */
const VERDICT_MS = 100;
/** A refusal that was just sent gets this long to leave before the channel closes, in milliseconds. */
const LAST_WORDS_MS = 200;

/** A lane of one carrier, as the link drives it. */
export interface LinkChannel extends LaneChannel {
  listen(handlers: {
    open(): void;
    /** `undefined` stands for a message that is no binary frame. */
    frame(bytes: Uint8Array<ArrayBuffer> | undefined): void;
    low(): void;
    closed(): void;
  }): void;
  close(): void;
}

export interface LinkEvents {
  /** The peer has proved the secret. The link is refused with the code that this returns, if any. */
  linked(peer: MemberId): RefusalCode | undefined;
  message(peer: MemberId, lane: Lane, bytes: Uint8Array<ArrayBuffer>): void;
  refused(refusal: Refusal): void;
  /** The link is over. `evidence` is absent when this side ended it on purpose. */
  ended(evidence: Evidence | undefined): void;
  /** Last words have left, where there were any: the connection under the link can be closed. */
  closed(): void;
}

export interface Link {
  readonly role: LinkRole;
  /** What the page has learned of the carrier; the handshake starts when the channel is open, too. */
  bind(binding: ChannelBinding): void;
  binding(): ChannelBinding | undefined;
  send(lane: Lane, message: Uint8Array<ArrayBuffer> | LateMessage): SendOutcome;
  queuedBytes(): number;
  /** Ends the link because of what was seen elsewhere, such as by the page. */
  lost(evidence: Evidence): void;
  /** Ends the link and tells the peer why. */
  drop(code: RefusalCode, detail: string): void;
}

export interface LinkOptions {
  readonly role: LinkRole;
  readonly room: string;
  readonly self: MemberId;
  readonly mac: Mac;
  readonly clock: Clock;
  readonly control: LinkChannel;
  readonly bulk: LinkChannel;
  readonly events: LinkEvents;
  /** Tighter bounds on received messages than `MAX_MESSAGE_BYTES`. */
  readonly maxMessageBytes?: Readonly<Record<Lane, number>> | undefined;
}

export function createLink(options: LinkOptions): Link {
  const { role, room, self, mac, clock, control, bulk, events } = options;
  const maxBytes = options.maxMessageBytes ?? MAX_MESSAGE_BYTES;
  const channels: Readonly<Record<Lane, LinkChannel>> = { control, bulk };
  const now = (): number => clock.now();
  const credits = {
    control: createCreditSpent(CREDIT_WINDOW_BYTES.control, CREDIT_GRAIN_BYTES.control, now),
    bulk: createCreditSpent(CREDIT_WINDOW_BYTES.bulk, CREDIT_GRAIN_BYTES.bulk, now),
  };
  const creditDue = {
    control: createCreditDue(CREDIT_GRAIN_BYTES.control),
    bulk: createCreditDue(CREDIT_GRAIN_BYTES.bulk),
  };
  const outboxes = {
    control: createOutbox({ lane: 'control', channel: control, clock, credit: credits.control }),
    bulk: createOutbox({ lane: 'bulk', channel: bulk, clock, credit: credits.bulk }),
  };
  const reassemblers = {
    control: createReassembler('control', Math.min(maxBytes.control, MAX_MESSAGE_BYTES.control)),
    bulk: createReassembler('bulk', Math.min(maxBytes.bulk, MAX_MESSAGE_BYTES.bulk)),
  };
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  let handshake: HandshakeState = HANDSHAKE_START;
  let binding: ChannelBinding | undefined;
  /** Frames that came on each lane since `secondBegan`. */
  const recent: Record<Lane, number> = { control: 0, bulk: 0 };
  let secondBegan = 0;
  let over = false;
  let cancelTimeout: (() => void) | undefined;
  let cancelVerdict: (() => void) | undefined;

  /** `lastWords`: something was just sent that should still leave. */
  function end(evidence: Evidence | undefined, lastWords = false): void {
    if (over) return;
    over = true;
    cancelTimeout?.();
    cancelVerdict?.();
    outboxes.control.close();
    outboxes.bulk.close();
    events.ended(evidence);
    const close = (): void => {
      control.close();
      bulk.close();
      events.closed();
    };
    if (lastWords && control.state === 'open') clock.after(LAST_WORDS_MS, close);
    else close();
  }

  /** False when the channel did not take it: it is closing, and tells so by itself. A lost handshake frame ends in the timeout. */
  function sendLinkFrame(kind: Exclude<Frame['kind'], 'data'>, payload: Uint8Array): boolean {
    if (control.state !== 'open') return false;
    try {
      control.send(encodeLinkFrame(kind, payload));
      return true;
    } catch {
      return false;
    }
  }

  function drop(code: RefusalCode, detail: string, evidence: Evidence | undefined): void {
    if (over) return;
    sendLinkFrame('refuse', encodeRefusal(code, detail));
    end(evidence, true);
  }

  function misbehaved(peer: MemberId, detail: string): void {
    if (over) return;
    events.refused(refusal('misbehaved', 'self', peer, detail));
    drop('misbehaved', detail, 'misbehaved');
  }

  function advance(event: HandshakeEvent): void {
    if (over) return;
    const next = stepHandshake({ role, room, self, nonce }, handshake, event);
    handshake = next.state;
    for (const effect of next.effects) {
      switch (effect.kind) {
        case 'send':
          sendLinkFrame(effect.frame, effect.payload);
          break;
        case 'mac':
          void Promise.all([mac(effect.own), mac(effect.expected)]).then(
            ([own, expected]) => advance({ kind: 'macs', own, expected }),
            // Then WebCrypto itself has failed, and the timeout says that there was no proof.
            () => undefined,
          );
          break;
        case 'linked': {
          cancelTimeout?.();
          const refused = events.linked(effect.peer);
          if (refused !== undefined) {
            events.refused(refusal(refused, 'self', effect.peer));
            drop(refused, '', undefined);
          }
          break;
        }
        case 'refused':
          events.refused(effect.refusal);
          end(undefined, effect.refusal.by === 'self');
          break;
      }
    }
  }

  function start(): void {
    if (binding === undefined || control.state !== 'open') return;
    cancelTimeout ??= clock.after(HANDSHAKE_MS, () => advance({ kind: 'timeout' }));
    advance({ kind: 'open', binding });
  }

  function receive(lane: Lane, bytes: Uint8Array<ArrayBuffer> | undefined): void {
    if (over) return;
    if (handshake.phase !== 'linked') {
      receiveBeforeLinked(lane, bytes);
      return;
    }
    const { peer } = handshake;
    if (bytes === undefined) {
      misbehaved(peer, `text on the ${lane} channel`);
      return;
    }
    const decoded = decodeFrame(bytes, lane);
    if (!decoded.ok) {
      misbehaved(peer, decoded.detail);
      return;
    }
    if (isFlood(lane)) {
      misbehaved(peer, `a flood: more than ${FLOOD_FRAMES[lane]} frames in a second on ${lane}`);
      return;
    }
    const { frame } = decoded;
    switch (frame.kind) {
      case 'data': {
        const due = creditDue[lane](bytes.length);
        // Credit that did not leave is given with the next.
        if (due > 0 && !sendLinkFrame('credit', encodeCredit({ lane, bytes: due }))) creditDue[lane](due);
        const result = reassemblers[lane].accept(frame);
        if (result.kind === 'message') events.message(peer, lane, result.bytes);
        else if (result.kind === 'fault') misbehaved(peer, result.detail);
        break;
      }
      case 'credit': {
        const credit = decodeCredit(frame.payload);
        if (credit === undefined || !credits[credit.lane].restore(credit.bytes))
          misbehaved(peer, 'credit for what was never sent');
        else outboxes[credit.lane].pump();
        break;
      }
      case 'refuse': {
        const said = decodeRefusal(frame.payload);
        events.refused(refusal(said?.code ?? 'malformed', 'peer', peer, said?.detail));
        end('channel-closed');
        break;
      }
      case 'accept':
        // Data on the bulk lane can arrive before it, and stood for it.
        break;
      case 'hello':
      case 'proof':
        misbehaved(peer, `a ${frame.kind} after the handshake`);
        break;
    }
  }

  function isFlood(lane: Lane): boolean {
    const now = clock.now();
    if (now - secondBegan >= FLOOD_MS) {
      secondBegan = now;
      recent.control = 0;
      recent.bulk = 0;
    }
    recent[lane] += 1;
    return recent[lane] > FLOOD_FRAMES[lane];
  }

  function receiveBeforeLinked(lane: Lane, bytes: Uint8Array<ArrayBuffer> | undefined): void {
    if (bytes === undefined) {
      advance({ kind: 'garbled', fault: 'malformed', detail: `text on the ${lane} channel` });
      return;
    }
    const decoded = decodeFrame(bytes, lane);
    if (!decoded.ok) {
      advance({ kind: 'garbled', fault: decoded.fault, detail: decoded.detail });
      return;
    }
    const { frame } = decoded;
    if (frame.kind !== 'data' && bytes.length > MAX_HANDSHAKE_FRAME_BYTES) {
      advance({ kind: 'garbled', fault: 'malformed', detail: `a ${frame.kind} of ${bytes.length} bytes` });
      return;
    }
    advance({ kind: 'frame', frame: frame.kind, payload: frame.payload });
    // An authenticated peer may speak on one lane before its acceptance arrives on the other.
    if (frame.kind === 'data') receive(lane, bytes);
  }

  for (const lane of ['control', 'bulk'] as const) {
    channels[lane].listen({
      open: () => (lane === 'control' ? start() : outboxes.bulk.pump()),
      frame: (bytes) => receive(lane, bytes),
      low: () => outboxes[lane].pump(),
      closed() {
        if (!over) cancelVerdict ??= clock.after(VERDICT_MS, () => end('channel-closed'));
      },
    });
  }

  return {
    role,
    bind(found) {
      binding ??= found;
      start();
    },
    binding: () => binding,
    send(lane, message) {
      if (over || cancelVerdict !== undefined || handshake.phase !== 'linked') return 'no-link';
      return outboxes[lane].push(message);
    },
    queuedBytes: () => outboxes.control.queuedBytes() + outboxes.bulk.queuedBytes(),
    lost: (evidence) => end(evidence),
    drop: (code, detail) => drop(code, detail, undefined),
  };
}
