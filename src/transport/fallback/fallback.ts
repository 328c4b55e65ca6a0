// Where WebRTC does not open within five seconds, a link over another medium steps in. Who is there is seen on the medium; who it
// is, only the handshake proves, which is the same as on a data channel.

import type { Clock } from '../../ports/clock.ts';
import type { MemberId } from '../../ports/ids.ts';
import type { Evidence } from '../../ports/network.ts';
import type { LinkRole } from '../handshake.ts';
import type { Link, LinkChannel } from '../link.ts';
import { backoff } from '../rendezvous.ts';
import { createCarriedLanes, type CarriedLanes } from './carried-lanes.ts';
import { decodeDatagram, encodeDatagram, type Datagram } from './datagram.ts';
import { MAX_ENDPOINTS, type EndpointId, type Medium, type MediumKind, type OpenMedium } from './medium.ts';

/** A peer that is seen on a medium and has no link gets this long for a direct one, in milliseconds. */
export const DIRECT_MS = 5_000;
/** How often that is looked at, in milliseconds. */
const LOOK_MS = 500;
const FIRST_RETRY_MS = 2_000;
const MOST_RETRY_MS = 60_000;
/** A call that is not answered is over after this time, in milliseconds: a busy worker can be 2 s late. */
const ANSWER_MS = 10_000;
/**
 * A member that is seen in several places is called at one of them, and at the next when no link came of it in this time, in milliseconds:
 * anybody on the relay can say that it is this member.
 */
const NEXT_PLACE_MS = 3_000;
/** A medium waits this long at least, in milliseconds, for a better one to show the same member: it may only have been faster. */
const BETTER_MS = 1_000;
/** Calls of one place are answered this far apart, in milliseconds: an honest page's are, and each costs proofs. */
const CALL_APART_MS = 1_000;

export interface FallbackOptions {
  readonly self: MemberId;
  /** In order of preference. */
  readonly media: readonly OpenMedium[];
  readonly clock: Clock;
  /** How long a direct link is waited for; 0 where there can be none. */
  readonly directMs?: number;
  /** Whether there is a link to this member, over whatever carrier. */
  readonly linked: (member: MemberId) => boolean;
  /** So many calls came that these were not answered. */
  readonly turnedAway: (count: number) => void;
  /** Somebody came who has another secret, and was kept apart. */
  readonly keptApart: (pages: number) => void;
  /** A page of this browser said that it goes: so it does, whatever carries its link. */
  readonly left?: (member: MemberId) => void;
  /** Makes a link over these lanes. `closed` must be called when it is over. */
  carry(spec: {
    readonly role: LinkRole;
    readonly carrier: MediumKind;
    readonly control: LinkChannel;
    readonly bulk: LinkChannel;
    readonly closed: () => void;
  }): Link;
}

export interface Fallback {
  close(): void;
}

interface Stream {
  readonly number: number;
  readonly since: number;
  readonly lanes: CarriedLanes;
  readonly link: Link;
  /** The other end takes the call. */
  answered(): void;
}

interface Endpoint {
  readonly medium: Medium;
  /** Place of the medium in the order of preference, from 0. */
  readonly preference: number;
  readonly id: EndpointId;
  member: MemberId;
  attempts: number;
  notBefore: number;
  stream: Stream | undefined;
  /** Number of the next call from here, or the highest one that came. */
  streams: number;
  /** When the last one came that was answered. */
  calledAt: number;
}

/** Of two members the greater calls, so that two never call each other at once. */
const calls = (self: MemberId, peer: MemberId): boolean => self > peer;

export function openFallback(options: FallbackOptions): Fallback {
  const { self, clock, linked, directMs = DIRECT_MS } = options;
  const endpoints = new Map<string, Endpoint>();
  /** Since when a member is here, on whatever medium, without a link. */
  const missing = new Map<MemberId, number>();
  let closed = false;
  let cancelLook: (() => void) | undefined;
  /** Calls that were not answered, since this was last told. */
  let ignored = 0;

  const keyOf = (medium: Medium, id: EndpointId): string => `${medium.kind} ${id}`;

  const say = ({ medium, id }: Endpoint, datagram: Datagram): void =>
    medium.send(id, encodeDatagram(datagram));

  function begin(endpoint: Endpoint, role: LinkRole, number: number): void {
    const { medium, id } = endpoint;
    const cancelAnswer =
      role === 'caller' ? clock.after(ANSWER_MS, () => link.lost('channel-closed')) : undefined;
    const lanes = createCarriedLanes({
      stream: number,
      state: role === 'caller' ? 'opening' : 'open',
      send: (datagram) => say(endpoint, datagram),
      hangup: () => say(endpoint, { kind: 'hangup', stream: number }),
    });
    const link = options.carry({
      role,
      carrier: medium.kind,
      control: lanes.control,
      bulk: lanes.bulk,
      closed() {
        cancelAnswer?.();
        if (endpoint.stream?.number === number) endpoint.stream = undefined;
      },
    });
    endpoint.stream = {
      number,
      since: clock.now(),
      lanes,
      link,
      answered() {
        cancelAnswer?.();
        lanes.answered();
      },
    };
    say(endpoint, { kind: role === 'caller' ? 'call' : 'answer', stream: number });
    link.bind({ local: `${medium.kind}:${medium.self}`, remote: `${medium.kind}:${id}` });
  }

  /** Calls whoever has been here without a link for too long. */
  function look(): void {
    cancelLook = undefined;
    if (closed) return;
    if (ignored > 0) options.turnedAway(ignored);
    ignored = 0;
    const now = clock.now();
    const underWay = new Set(
      [...endpoints.values()]
        .filter(({ stream }) => stream !== undefined && now - stream.since < NEXT_PLACE_MS)
        .map(({ member }) => member),
    );
    const here = new Set([...endpoints.values()].map(({ member }) => member));
    for (const member of missing.keys()) if (!here.has(member) || linked(member)) missing.delete(member);
    for (const endpoint of [...endpoints.values()].sort((a, b) => a.preference - b.preference)) {
      const { member, preference } = endpoint;
      if (linked(member)) {
        endpoint.attempts = 0;
        continue;
      }
      const since = missing.get(member) ?? now;
      missing.set(member, since);
      if (endpoint.stream !== undefined || underWay.has(member) || !calls(self, member)) continue;
      const wait = Math.max(directMs, preference * BETTER_MS);
      if (now - since < wait || now < endpoint.notBefore) continue;
      endpoint.notBefore = now + backoff(endpoint.attempts, FIRST_RETRY_MS, MOST_RETRY_MS, Math.random());
      endpoint.attempts += 1;
      endpoint.streams += 1;
      begin(endpoint, 'caller', endpoint.streams);
      underWay.add(member);
    }
    if (endpoints.size > 0) cancelLook = clock.after(LOOK_MS, look);
  }

  function receive(endpoint: Endpoint, datagram: Datagram): void {
    const { stream } = endpoint;
    if (datagram.kind === 'call') {
      // Only the one whose part it is calls, each time with a higher number.
      if (calls(self, endpoint.member) || datagram.stream <= endpoint.streams) return;
      const now = clock.now();
      if (now - endpoint.calledAt < CALL_APART_MS) {
        ignored += 1;
        return;
      }
      stream?.link.lost('channel-closed');
      endpoint.streams = datagram.stream;
      endpoint.calledAt = now;
      begin(endpoint, 'callee', datagram.stream);
      return;
    }
    if (stream?.number !== datagram.stream) return;
    switch (datagram.kind) {
      case 'answer':
        stream.answered();
        return;
      case 'data':
      case 'credit':
        stream.lanes.receive(datagram);
        return;
      case 'hangup':
        stream.lanes.end();
        return;
    }
  }

  const open = (openMedium: OpenMedium, preference: number): Medium => {
    const medium: Medium = openMedium(self, {
      here(id, member) {
        const key = keyOf(medium, id);
        if (closed || member === self || endpoints.has(key) || endpoints.size >= 2 * MAX_ENDPOINTS) return;
        endpoints.set(key, {
          medium,
          preference,
          id,
          member,
          attempts: 0,
          notBefore: 0,
          stream: undefined,
          streams: 0,
          calledAt: -Infinity,
        });
        cancelLook ??= clock.after(0, look);
      },
      gone(id, evidence: Evidence) {
        const key = keyOf(medium, id);
        const endpoint = endpoints.get(key);
        endpoints.delete(key);
        endpoint?.stream?.link.lost(evidence);
        // On the relay anybody can say that he is this member.
        if (endpoint !== undefined && medium.kind === 'broadcast' && evidence === 'goodbye')
          options.left?.(endpoint.member);
      },
      elsewhere(pages) {
        if (!closed) options.keptApart(pages);
      },
      datagram(from, bytes) {
        const endpoint = endpoints.get(keyOf(medium, from));
        const datagram = decodeDatagram(bytes);
        if (!closed && endpoint !== undefined && datagram !== undefined) receive(endpoint, datagram);
      },
    });
    return medium;
  };
  const media = options.media.map(open);

  return {
    close() {
      closed = true;
      cancelLook?.();
      for (const medium of media) medium.close();
      endpoints.clear();
    },
  };
}
