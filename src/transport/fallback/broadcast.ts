// Pages of one browser reach each other over BroadcastChannel. It tells nobody that a page has died; a Web Lock that each page holds
// does, since the browser releases it with the page.

import * as v from 'valibot';
import { isMemberId, type MemberId } from '../../ports/ids.ts';
import {
  isEndpointId,
  MAX_ENDPOINTS,
  newEndpointId,
  type EndpointId,
  type MediumHandlers,
  type OpenMedium,
} from './medium.ts';

const endpointId = v.custom<EndpointId>(isEndpointId);
const memberId = v.custom<MemberId>((value) => typeof value === 'string' && isMemberId(value));

const WordSchema = v.variant('say', [
  /** I am here; `answer`: and who else is? */
  v.strictObject({ say: v.literal('here'), endpoint: endpointId, member: memberId, answer: v.boolean() }),
  /** The page of this member goes: said by the page itself, whose worker may be busy. */
  v.strictObject({ say: v.literal('goodbye'), member: memberId }),
]);
type Word = v.InferOutput<typeof WordSchema>;

const LetterSchema = v.strictObject({
  from: endpointId,
  bytes: v.custom<Uint8Array<ArrayBuffer>>((value) => value instanceof Uint8Array),
});

const presenceName = (room: string): string => `rankfall ${room}`;
const inboxName = (room: string, endpoint: EndpointId): string => `rankfall ${room} ${endpoint}`;
const lockName = (endpoint: EndpointId): string => `rankfall page ${endpoint}`;

/**
 * Tells the other pages of this browser that a member's page goes. For the page itself, in `pagehide`. Whoever runs scripts of this
 * origin is trusted with it: they could as well delete the room's stored votes.
 */
export function broadcastGoodbye(room: string, member: MemberId): void {
  if (typeof BroadcastChannel === 'undefined') return;
  const channel = new BroadcastChannel(presenceName(room));
  channel.postMessage({ say: 'goodbye', member } satisfies Word);
  channel.close();
}

export const broadcastIsThere = (): boolean =>
  typeof BroadcastChannel !== 'undefined' && typeof navigator !== 'undefined' && 'locks' in navigator;

export const openBroadcast =
  (room: string): OpenMedium =>
  (member: MemberId, handlers: MediumHandlers) => {
    const self = newEndpointId();
    const presence = new BroadcastChannel(presenceName(room));
    const inbox = new BroadcastChannel(inboxName(room, self));
    /** Pages that are here: where to write to them, and how to stop waiting for their lock. */
    const others = new Map<
      EndpointId,
      { readonly member: MemberId; readonly outbox: BroadcastChannel; readonly unwatch: AbortController }
    >();
    const closing = new AbortController();

    const say = (word: Word): void => presence.postMessage(word);
    const sayHere = (answer: boolean): void => say({ say: 'here', endpoint: self, member, answer });

    const forget = (endpoint: EndpointId, evidence: 'goodbye' | 'channel-closed'): void => {
      const other = others.get(endpoint);
      if (other === undefined) return;
      others.delete(endpoint);
      other.unwatch.abort();
      other.outbox.close();
      handlers.gone(endpoint, evidence);
    };

    const meet = (endpoint: EndpointId, who: MemberId): void => {
      if (endpoint === self || others.has(endpoint) || others.size >= MAX_ENDPOINTS) return;
      const unwatch = new AbortController();
      others.set(endpoint, { member: who, outbox: new BroadcastChannel(inboxName(room, endpoint)), unwatch });
      // Granted when the page that holds it is gone.
      navigator.locks
        .request(lockName(endpoint), { mode: 'shared', signal: unwatch.signal }, () => {
          forget(endpoint, 'channel-closed');
        })
        .catch(() => undefined);
      handlers.here(endpoint, who);
    };

    presence.onmessage = ({ data }: MessageEvent<unknown>) => {
      const parsed = v.safeParse(WordSchema, data);
      if (!parsed.success) return;
      const word = parsed.output;
      switch (word.say) {
        case 'here':
          meet(word.endpoint, word.member);
          if (word.answer) sayHere(false);
          return;
        case 'goodbye':
          for (const [endpoint, other] of [...others])
            if (other.member === word.member) forget(endpoint, 'goodbye');
      }
    };
    inbox.onmessage = ({ data }: MessageEvent<unknown>) => {
      const parsed = v.safeParse(LetterSchema, data);
      if (parsed.success) handlers.datagram(parsed.output.from, parsed.output.bytes);
    };

    // Nobody may wait for the lock before it is held, or they would take the page for dead.
    navigator.locks
      .request(lockName(self), { signal: closing.signal }, () => {
        sayHere(true);
        return new Promise<void>((resolve) => {
          closing.signal.addEventListener('abort', () => resolve());
        });
      })
      .catch(() => undefined);

    return {
      kind: 'broadcast',
      self,
      send(to, bytes) {
        others.get(to)?.outbox.postMessage({ from: self, bytes });
      },
      close() {
        closing.abort();
        for (const { outbox, unwatch } of others.values()) {
          unwatch.abort();
          outbox.close();
        }
        others.clear();
        presence.close();
        inbox.close();
      },
    };
  };
