// The page's half of the transport: finds the room's other pages, opens exactly one RTCPeerConnection to each, and hands its
// channels to the worker, which authenticates. Connections live in the page because workers have none.

import type { DataConnection } from 'peerjs';
import type { MemberId } from '../ports/ids.ts';
import { createAcquaintances } from './acquaintances.ts';
import { createAdmission } from './admission.ts';
import { parseWorkerMessage } from './bridge.ts';
import type { PageMessage, WorkerMessage } from './bridge.ts';
import { broadcastGoodbye } from './fallback/broadcast.ts';
import type { LinkRole } from './handshake.ts';
import { openPageLink } from './page-link.ts';
import type { PageLink } from './page-link.ts';
import { backoff, calls, checkRoomName, MAX_RENEWALS, parseCall, slotsToGreet } from './rendezvous.ts';
import type { Greeting, PageId, PageWord, Restart } from './rendezvous.ts';
import { openSignalling } from './signalling.ts';
import type { SignalServer, Signalling } from './signalling.ts';
import { TransportError } from './transport-error.ts';

export interface PageTransportOptions {
  /** Names the room's places on the PeerServer: letters and digits, with single - or _ between them. */
  readonly room: string;
  /** Whose page it is, for its goodbye to pages that are linked over another carrier. */
  readonly member: MemberId;
  /** Any PeerServer: the one that `npm start` embeds, or another. It learns the room's name and never its secret. */
  readonly signal: SignalServer;
  /** STUN and TURN for rooms across networks. Empty by default: pages of one machine or one network need no outside service. */
  readonly iceServers?: readonly RTCIceServer[];
  /** The other end of the port is `openWorkerTransport`'s. */
  readonly worker: MessagePort;
}

export interface PageTransport {
  /** Whether this page says goodbye when it goes; else it goes without a word, as if it had been killed: the fault injector's doing. */
  goodbyes(on: boolean): void;
  /** Whether the signalling server is in reach, as the fault injector has it: while it is not, this page meets nobody. Links that stand go on. */
  signalling(reached: boolean): void;
  /** Says goodbye to all peers and closes every connection. Happens by itself when the page goes. */
  close(): void;
}

/** A connection that has not been authenticated in this time is given up, in milliseconds. */
const CONNECT_MS = 20_000;
/** A peer that says it has no link to us while we have one to it is believed once the link is this old. */
const SETTLED_MS = 3_000;
const FIRST_GREETING_MS = 250;
const MOST_GREETING_MS = 10_000;
/** Browsers count every RTCPeerConnection that a tab constructs against 500, closed ones included. */
const MAX_CONNECTIONS = 450;
/** How often it is looked whether calls were turned away, in milliseconds. */
const TURNED_AWAY_MS = 1_000;
/** A connection whose link is over is kept for new channels this long, in milliseconds: longer than any cooling. */
const REST_MS = 150_000;
/** The other end is asked for new channels until it answers, so often, in milliseconds. */
const ASK_AGAIN_MS = 2_000;
/** A connection that falters gets this long to come back by itself, in milliseconds; then, and so often, new ways are tried. */
const RESTART_MS = 3_000;
/**
 * And so long until it is given up, in milliseconds. Left alone a browser does that itself after ten seconds; one that has offered new
 * ways waits for an answer for ever.
 */
const FALTERING_MS = 12_000;
/** From a goodbye to the closing of its connection, in milliseconds. */
const LAST_WORDS_MS = 100;

type Again = Extract<WorkerMessage, { kind: 'close' }>['again'];

interface Entry {
  /** Of the link in the worker; a renewed one has another. */
  id: number;
  readonly role: LinkRole;
  readonly page: PageId;
  readonly slot: number;
  since: number;
  readonly link: PageLink;
  giveUp: ReturnType<typeof setTimeout> | undefined;
  /** Asks for new channels. */
  asking: ReturnType<typeof setTimeout> | undefined;
  /** Looks whether the connection still falters. */
  faltering: ReturnType<typeof setTimeout> | undefined;
  falteringSince: number | undefined;
  /** Of its channels. */
  round: number;
  authenticated: boolean;
  /** Has been authenticated: the connection is worth keeping. */
  proven: boolean;
  /** Its link is over, and its connection is kept. */
  resting: boolean;
}

/**
 * Opens the page's half. It starts when the worker's half listens.
 *
 * @throws {TransportError} for a room name that cannot be used
 */
export function openPageTransport(options: PageTransportOptions): PageTransport {
  const { room, signal, worker } = options;
  checkRoomName(room);
  const self: PageId = randomPageId();
  const admission = createAdmission();
  const entries = new Map<number, Entry>();
  const acquaintances = createAcquaintances();
  const heardOf = new Set<number>();
  let nextLink = 0;
  let connections = 0;
  let goodbyes = true;
  let closed = false;
  let signalling: Signalling | undefined;
  /** Undefined: not started. */
  let rtc: RTCConfiguration | undefined;
  /** Whether the signalling server is in reach. */
  let reached = true;
  let greetingRound = 0;
  let greetingTimer: ReturnType<typeof setTimeout> | undefined;

  const tell = (message: PageMessage, transfer: Transferable[] = []): void =>
    worker.postMessage(message, transfer);

  const entriesOf = (page: PageId): Entry[] => [...entries.values()].filter((entry) => entry.page === page);
  const linkedSlots = (): Set<number> =>
    new Set([...entries.values()].filter((entry) => entry.authenticated).map((entry) => entry.slot));

  async function start(): Promise<void> {
    // Missing, against its type, where a browser or its owner has no WebRTC.
    if (typeof RTCPeerConnection === 'undefined') {
      fail(
        'Expected a browser with WebRTC, found none: use a current Chrome, Edge, Firefox or Safari, and allow WebRTC in it.',
      );
      return;
    }
    // One certificate for the page: its fingerprint then says whether two connections are from the same page.
    const certificate = await RTCPeerConnection.generateCertificate({
      name: 'ECDSA',
      namedCurve: 'P-256',
    } as AlgorithmIdentifier);
    if (closed) return;
    rtc = { iceServers: [...(options.iceServers ?? [])], certificates: [certificate] };
    meet();
  }

  /** Takes a place on the signalling server. */
  function meet(): void {
    if (rtc === undefined || closed || !reached || signalling !== undefined) return;
    signalling = openSignalling({
      room,
      server: signal,
      rtc,
      admission,
      handlers: {
        state(state) {
          tell({ kind: 'signalling', signalling: state });
          if (state.state === 'open') greetAgainSoon();
        },
        greeted,
        called,
        restart: (slot, restart) => void restarted(slot, restart),
      },
    });
  }

  /** Greets every place that may hold a page, now and then ever more seldom: to find the room, and to find it again. */
  function greetAll(): void {
    const own = signalling?.slot();
    if (closed || own === undefined) return;
    const without = linkedSlots();
    for (const slot of acquaintances.coolingSlots(performance.now())) without.add(slot);
    for (const slot of slotsToGreet(own, heardOf, without)) greet(slot, false);
    heardOf.clear();
    greetingTimer = setTimeout(
      greetAll,
      backoff(greetingRound, FIRST_GREETING_MS, MOST_GREETING_MS, Math.random()),
    );
    greetingRound += 1;
  }

  function greetAgainSoon(): void {
    clearTimeout(greetingTimer);
    greetingRound = 0;
    greetAll();
  }

  const greet = (slot: number, linked: boolean): void =>
    signalling?.greet(slot, { rankfall: 'hello', page: self, linked });

  function greeted(slot: number, greeting: Greeting): void {
    const { page } = greeting;
    const now = performance.now();
    if (page === self || acquaintances.cooling({ page, slot }, now)) return;
    // Not the tries with somebody else who says that he is this page.
    const mine = entriesOf(page).filter((entry) => entry.proven || entry.slot === slot);
    if (!calls(self, page)) {
      // It is the other page's part to call, and the answer tells it that there is someone to call.
      const linked = mine.some((entry) => entry.authenticated);
      if (!linked || !greeting.linked) greet(slot, linked);
      return;
    }
    const believed = mine.every((entry) => entry.authenticated && now - entry.since > SETTLED_MS);
    const worthwhile = mine.length === 0 || (!greeting.linked && believed);
    if (worthwhile && acquaintances.mayCall({ page, slot }, now)) call(slot, page);
  }

  function call(slot: number, page: PageId): void {
    if (exhausted() || !admission.call(performance.now())) return;
    const connection = signalling?.call(slot, { rankfall: 'call', page: self });
    if (connection !== undefined) open('caller', slot, page, connection);
  }

  function called(slot: number, connection: DataConnection): void {
    const caller = parseCall(connection.metadata);
    const welcome =
      caller !== undefined &&
      caller.page !== self &&
      calls(caller.page, self) &&
      !acquaintances.cooling({ page: caller.page, slot }, performance.now()) &&
      !exhausted();
    if (!welcome) {
      connection.close();
      return;
    }
    // A caller that calls again has given up its earlier call. A link that stands stays until the new one proves itself, and another's
    // call by the same id is another's.
    for (const entry of entriesOf(caller.page)) {
      if (entry.authenticated || entry.slot !== slot) continue;
      tell({ kind: 'down', link: entry.id, evidence: 'ice' });
      forget(entry);
    }
    open('callee', slot, caller.page, connection);
  }

  function open(role: LinkRole, slot: number, page: PageId, connection: DataConnection): void {
    connections += 1;
    const link = openPageLink(connection, {
      bound: (local, remote) => tell({ kind: 'bound', link: entry.id, local, remote }),
      connected: () => signalling?.detach(connection),
      word: (word) => hear(entry, word),
      faltering: () => falter(entry),
      down(evidence) {
        tell({ kind: 'down', link: entry.id, evidence });
        lost(entry);
      },
    });
    const entry: Entry = {
      id: nextLink,
      role,
      page,
      slot,
      since: 0,
      link,
      giveUp: undefined,
      asking: undefined,
      faltering: undefined,
      falteringSince: undefined,
      round: 0,
      authenticated: false,
      proven: false,
      resting: false,
    };
    handOver(entry);
  }

  /** Moves the channels of the entry's round to the worker, as a new link. */
  function handOver(entry: Entry): void {
    const id = nextLink++;
    entry.id = id;
    entry.since = performance.now();
    entry.resting = false;
    entries.set(id, entry);
    const { control, bulk } = entry.link.open(entry.round);
    tell({ kind: 'link', link: id, role: entry.role, control, bulk }, [control, bulk]);
    clearTimeout(entry.giveUp);
    entry.giveUp = setTimeout(() => {
      tell({ kind: 'down', link: id, evidence: 'ice' });
      lost(entry);
    }, CONNECT_MS);
  }

  function hear(entry: Entry, word: PageWord): void {
    switch (word.say) {
      case 'goodbye':
        return;
      case 'slots': {
        if (!entry.authenticated) return;
        const own = signalling?.slot();
        const linked = linkedSlots();
        for (const heard of word.slots) {
          if (heard === own || linked.has(heard) || heardOf.has(heard)) continue;
          heardOf.add(heard);
          greet(heard, false);
        }
        return;
      }
      case 'renew':
        if (entry.proven) renew(entry, word.stage, word.round);
    }
  }

  /** The link is over and its connection stands: it waits for new channels, which the caller asks for after `delayMs`. */
  function rest(entry: Entry, delayMs: number): void {
    entry.authenticated = false;
    entry.resting = true;
    clearTimeout(entry.giveUp);
    entry.giveUp = setTimeout(() => lost(entry), REST_MS);
    if (entry.role === 'caller') entry.asking = setTimeout(() => ask(entry), delayMs);
  }

  function ask(entry: Entry): void {
    if (!entry.link.stands() || entry.round === MAX_RENEWALS) {
      lost(entry);
      return;
    }
    entry.round += 1;
    entry.link.say({ say: 'renew', stage: 'ask', round: entry.round });
    entry.asking = setTimeout(() => ask(entry), ASK_AGAIN_MS);
  }

  function renew(entry: Entry, stage: 'ask' | 'made' | 'go', round: number): void {
    switch (stage) {
      case 'ask':
        if (entry.role !== 'callee' || round <= entry.round) return;
        if (acquaintances.cooling(entry, performance.now())) return;
        // The caller has given up a link whose end is not known here yet.
        tell({ kind: 'down', link: entry.id, evidence: 'channel-closed' });
        entries.delete(entry.id);
        entry.authenticated = false;
        entry.round = round;
        handOver(entry);
        entry.link.say({ say: 'renew', stage: 'made', round });
        return;
      case 'made':
        if (entry.role !== 'caller' || round !== entry.round || !entry.resting) return;
        clearTimeout(entry.asking);
        entries.delete(entry.id);
        handOver(entry);
        entry.link.bind();
        entry.link.say({ say: 'renew', stage: 'go', round });
        return;
      case 'go':
        // Its handshake starts only now: what came before the caller had its channels would have been lost.
        if (entry.role === 'callee' && round === entry.round) entry.link.bind();
    }
  }

  /**
   * Watches a connection that does not come back by itself: its caller tries new ways, and after some time both ends give it up. Its
   * channels, and what is in them, go on if it comes back.
   */
  function falter(entry: Entry): void {
    entry.falteringSince ??= performance.now();
    clearTimeout(entry.faltering);
    entry.faltering = setTimeout(() => void restart(entry), RESTART_MS);
  }

  async function restart(entry: Entry): Promise<void> {
    if (!entry.link.falters()) {
      entry.falteringSince = undefined;
      return;
    }
    if (performance.now() - (entry.falteringSince ?? 0) >= FALTERING_MS) {
      tell({ kind: 'down', link: entry.id, evidence: 'ice' });
      lost(entry);
      return;
    }
    falter(entry);
    if (entry.role !== 'caller') return;
    try {
      const description = await entry.link.restart();
      if (description !== undefined) sendRestart(entry.slot, description);
    } catch {
      // It has been closed meanwhile, and told so.
    }
  }

  async function restarted(slot: number, { page, description }: Restart): Promise<void> {
    for (const entry of entriesOf(page)) {
      if (!entry.proven) continue;
      try {
        const answer = await entry.link.restarted(description);
        if (answer !== undefined) sendRestart(slot, answer);
      } catch {
        // A description that the browser refuses: the connection goes on as it was.
      }
    }
  }

  const sendRestart = (slot: number, { type, sdp }: RTCSessionDescriptionInit): void => {
    if ((type === 'offer' || type === 'answer') && sdp !== undefined)
      signalling?.greet(slot, { rankfall: 'restart', page: self, description: { type, sdp } });
  };

  function forget(entry: Entry): void {
    clearTimeout(entry.giveUp);
    clearTimeout(entry.asking);
    clearTimeout(entry.faltering);
    entries.delete(entry.id);
    entry.link.close();
  }

  /** A connection broke or never stood. Its peer may have gone, or may be found again. */
  function lost(entry: Entry): void {
    if (entries.get(entry.id) !== entry) return;
    forget(entry);
    acquaintances.failed(entry, performance.now(), Math.random());
    greetAgainSoon();
  }

  function linked(id: number): void {
    const entry = entries.get(id);
    if (entry === undefined) return;
    entry.authenticated = true;
    if (!entry.proven) admission.proven();
    entry.proven = true;
    clearTimeout(entry.giveUp);
    acquaintances.proven(entry);
    const own = signalling?.slot();
    const slots = [...linkedSlots(), ...(own === undefined ? [] : [own])];
    for (const other of entries.values()) if (other.authenticated) other.link.say({ say: 'slots', slots });
  }

  function closeLink(id: number, again: Again): void {
    const entry = entries.get(id);
    if (entry === undefined) return;
    const kept = entry.proven && entry.link.stands();
    const now = performance.now();
    switch (again) {
      case 'never':
        forget(entry);
        return;
      case 'seldom':
        forget(entry);
        acquaintances.linkedOtherwise(entry, now);
        return;
      case 'soon':
        if (kept) rest(entry, acquaintances.failed(entry, now, Math.random()));
        else lost(entry);
        return;
      case 'later': {
        const pauseMs = acquaintances.refused(entry, now, Math.random());
        if (kept) rest(entry, pauseMs);
        else forget(entry);
      }
    }
  }

  function exhausted(): boolean {
    if (connections < MAX_CONNECTIONS) return false;
    fail(
      `This page has opened ${MAX_CONNECTIONS} connections, and browsers allow a tab only so many: reload it.`,
    );
    return true;
  }

  const fail = (message: string): void =>
    tell({ kind: 'signalling', signalling: { state: 'failed', problem: 'unsupported', message } });

  function sayGoodbye(): void {
    broadcastGoodbye(room, options.member);
    for (const entry of entries.values()) entry.link.say({ say: 'goodbye' });
  }

  function close(): void {
    if (closed) return;
    closed = true;
    clearTimeout(greetingTimer);
    clearInterval(counting);
    removeEventListener('pagehide', onPageHide);
    worker.onmessage = null;
    sayGoodbye();
    signalling?.close();
    // A closing channel can be seen by the peer's worker before the goodbye by its page: let the goodbye go first.
    setTimeout(() => {
      for (const entry of [...entries.values()]) forget(entry);
    }, LAST_WORDS_MS);
  }

  const counting = setInterval(() => {
    const count = admission.turnedAway();
    if (count > 0) tell({ kind: 'turned-away', count });
  }, TURNED_AWAY_MS);

  const onPageHide = (): void => {
    // A killed page says nothing. Nobody closes anything here: the browser does, without a word to the peers, and a channel
    // that was seen to close would overtake the goodbye.
    if (!goodbyes) return;
    sayGoodbye();
    for (const entry of entries.values()) entry.link.flush();
  };
  addEventListener('pagehide', onPageHide);

  function receive(message: WorkerMessage): void {
    switch (message.kind) {
      case 'ready':
        if (rtc === undefined) void start();
        break;
      case 'linked':
        linked(message.link);
        break;
      case 'close':
        closeLink(message.link, message.again);
        break;
      case 'close-all':
        close();
        break;
    }
  }
  worker.onmessage = ({ data }: MessageEvent<unknown>) => {
    const parsed = parseWorkerMessage(data);
    if (!parsed.ok) {
      throw new TransportError(
        'bad-bridge',
        `Expected a message of the worker's transport: ${parsed.detail}`,
      );
    }
    receive(parsed.message);
  };

  return {
    goodbyes(on) {
      goodbyes = on;
    },
    signalling(inReach) {
      reached = inReach;
      if (reached) meet();
      else {
        signalling?.close();
        signalling = undefined;
        const message =
          'Expected an answer of the signalling server, found it out of reach: an injected fault.';
        tell({ kind: 'signalling', signalling: { state: 'failed', problem: 'unreachable', message } });
      }
    },
    close,
  };
}

const randomPageId = (): PageId =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join(
    '',
  );
