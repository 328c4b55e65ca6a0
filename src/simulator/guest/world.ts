// A seeded world of nodes that run a user's protocol: the network, timers, disk, faults and chance of the simulated room, with another
// state machine in them.

import { beginWrite, createDisk, endWrite, settleWrites, type Disk } from '../disk.ts';
import type { Endpoint, LinkEvent } from '../link.ts';
import { createMachineFaults } from '../machine-faults.ts';
import { happen, type Due } from '../due.ts';
import { createNetwork } from '../network.ts';
import { createQueue } from '../queue.ts';
import type { Entropy } from '../random.ts';
import { createScheduler, type Scheduler, type SchedulerName } from '../scheduler.ts';
import { setTimer, type TimerSlot } from '../timers.ts';
import type { GuestFault, GuestStrike } from './experiment.ts';
import { ProtocolError } from './protocol-error.ts';
import type { NodeId, Send, View } from './protocol.ts';
import { parseEffects, type GuestEffect, type GuestEvent, type GuestProtocol } from './shape.ts';

/** Durations in virtual milliseconds, each drawn between its bounds. */
const DISK = [2, 12] as const;
/** How long a machine takes to start again. */
const RESTART = [1, 1000] as const;

/** `gone`: it left by itself, and does not come back. */
export type Condition = 'running' | 'frozen' | 'crashed' | 'gone';

/** What makes no difference to a node that has crashed. */
const NEEDS_LIFE: ReadonlySet<string> = new Set<GuestFault['kind']>([
  'close',
  'kill',
  'freeze',
  'mute',
  'command',
]);

/** A message is JSON text on its way, so that no two nodes share an object. */
export interface Letter {
  readonly text: string;
}

export interface Node extends Endpoint<Node, NodeId, Letter> {
  state: unknown;
  /** How often it has started: writes and answers belong to one life. */
  life: number;
  gone: boolean;
  readonly timers: Map<string, TimerSlot>;
  readonly disk: Disk<string, string, number>;
  /** What reaches a frozen node waits here until it wakes; undefined while it is awake. */
  waiting: (() => void)[] | undefined;
  clockRate: number;
  clockAhead: number;
  /** Since when it has been in its condition, and how long in each one before. */
  since: number;
  readonly spent: Map<Condition, number>;
}

/** A step that was taken: what the log holds. */
export interface GuestRecord {
  readonly node: NodeId;
  /** Its place among the steps of all nodes, from 1. */
  readonly seq: number;
  readonly at: number;
  readonly event: GuestEvent;
  readonly effects: readonly GuestEffect[];
}

export interface Broken {
  readonly invariant: string;
  readonly sentence: string;
}

export interface GuestWorldOptions {
  readonly protocol: GuestProtocol;
  readonly ranks: number;
  readonly steps: number;
  readonly scheduler: SchedulerName | Scheduler;
  readonly entropy: Entropy;
  readonly onRecord: (record: GuestRecord) => void;
  readonly onStrike?: ((strike: GuestStrike, at: number) => void) | undefined;
  readonly onSend?: ((from: NodeId, to: NodeId, letter: Letter, at: number) => void) | undefined;
  readonly onState?: ((node: NodeId, state: unknown, at: number) => void) | undefined;
  readonly onCondition?: ((node: NodeId, condition: Condition, at: number) => void) | undefined;
  readonly onMessage?: ((from: NodeId, to: NodeId, letter: Letter, sentAt: number) => void) | undefined;
}

export interface GuestWorld {
  readonly now: () => number;
  readonly nodes: readonly Node[];
  readonly events: () => number;
  /** The first invariant that broke, if one has. */
  readonly broken: () => Broken | undefined;
  readonly view: () => View;
  /** Carries a strike out, and says so before; one that names a node which is not there does nothing. */
  strike(strike: GuestStrike): void;
  /** All faults end, and the crashed start again. */
  calm(): void;
  at(time: number, action: () => void): void;
  /** Runs until the condition holds; false when `ms` of virtual time pass first. */
  runUntil(condition: () => boolean, ms: number): boolean;
  /** How long each condition lasted, in milliseconds over all nodes. */
  ledger(): Readonly<Record<Condition, number>>;
}

const conditionOf = (node: Node): Condition =>
  node.gone ? 'gone' : !node.alive ? 'crashed' : node.waiting === undefined ? 'running' : 'frozen';

export function createGuestWorld(options: GuestWorldOptions): GuestWorld {
  const { protocol, ranks, steps, entropy } = options;
  const scheduler =
    typeof options.scheduler === 'string' ? createScheduler(options.scheduler, entropy) : options.scheduler;
  const queue = createQueue<Due>();
  const nodes: Node[] = [];
  const reports: View['reports'][number][] = [];
  let now = 0;
  let events = 0;
  let broken: Broken | undefined;

  const at = (time: number, due: Due): void => queue.push(time, due);

  const view = (): View => ({
    now,
    ranks,
    steps,
    nodes: nodes.filter(({ alive }) => alive).map(({ member, state }) => ({ id: member, state })),
    reports,
  });

  function violate(invariant: string, sentence: string): void {
    broken ??= { invariant, sentence };
  }

  /** Runs in this life of the node, once it is awake. */
  function whenAwake(node: Node, action: () => void): void {
    const { life } = node;
    const run = (): void => {
      if (node.life !== life || !node.alive) return;
      if (node.waiting === undefined) action();
      else node.waiting.push(run);
    };
    run();
  }

  function handle(node: Node, event: GuestEvent): void {
    if (broken !== undefined) return;
    events += 1;
    const seq = events;
    const where = (): string => `Node ${node.member}, at ${now} ms, on ${JSON.stringify(event)},`;
    let answer: unknown;
    try {
      if (event.kind === 'start') node.state = protocol.create({ id: node.member, ranks, steps });
      answer = protocol.step(node.state, event, now * node.clockRate + node.clockAhead);
    } catch (error) {
      options.onRecord({ node: node.member, seq, at: now, event, effects: [] });
      violate(
        'no step throws',
        `The protocol threw at node ${node.member}, on "${event.kind}": ${String(error)}.`,
      );
      return;
    }
    const effects = parseEffects(answer, where);
    options.onRecord({ node: node.member, seq, at: now, event, effects });
    for (const effect of effects) if (node.alive) perform(node, effect);
    options.onState?.(node.member, node.state, now);
    check();
  }

  function check(): void {
    if (broken !== undefined) return;
    const seen = view();
    for (const [sentence, holds] of protocol.invariants) {
      const answer = holds(seen);
      if (answer !== true) violate(sentence, answer === false ? 'It does not hold.' : answer);
    }
  }

  const deliver = (node: Node, event: GuestEvent): void => whenAwake(node, () => handle(node, event));

  function deliverLink(node: Node, event: LinkEvent<NodeId, Letter>): void {
    switch (event.kind) {
      case 'message':
        deliver(node, {
          kind: 'message',
          from: event.from,
          message: JSON.parse(event.message.text) as unknown,
        });
        return;
      case 'linkUp':
        deliver(node, { kind: 'linkUp', peer: event.peer });
        return;
      case 'linkDown': {
        const evidence = event.evidence === 'goodbye' ? 'goodbye' : 'lost';
        deliver(node, { kind: 'linkDown', peer: event.peer, evidence });
        return;
      }
      case 'garbled':
      case 'unsent':
        // A checksum drops it: to the receiver it is lost.
        return;
    }
  }

  const network = createNetwork<Node, NodeId, Letter>({
    now: () => now,
    entropy,
    at,
    delay: (site, [low, high], node) => scheduler.delay('net', site, low, high, node.ordinal),
    deliver: deliverLink,
    left: (from, to, letter) => options.onSend?.(from.member, to.member, letter, now),
    arrived(from, to, letter, sentAt) {
      // One that is down hears nothing.
      if (to.alive) options.onMessage?.(from.member, to.member, letter, sentAt);
    },
  });

  const clockwork = { now: () => now, at, fire: deliver };

  function send(node: Node, { to, message }: Send<unknown>): void {
    const letter = { text: JSON.stringify(message) };
    if (to === 'all') for (const link of [...node.links.values()]) network.send(node, link.to.member, letter);
    else if (to === node.member)
      at(now, () => deliverLink(node, { kind: 'message', from: to, message: letter }));
    else {
      if (nodes[to] === undefined)
        throw new ProtocolError(
          `Node ${node.member} sends to node ${to}: expected a node below ${nodes.length}, or "all".`,
        );
      network.send(node, to, letter);
    }
  }

  function store(node: Node, effect: Extract<GuestEffect, { readonly kind: 'store' }>): void {
    const { disk } = node;
    const { key, value, thenSend = [] } = effect;
    disk.busyUntil = Math.max(now, disk.busyUntil) + scheduler.delay('disk', 'store', ...DISK, node.ordinal);
    const write = beginWrite(disk, node.life, key, JSON.stringify(value));
    at(disk.busyUntil, () => {
      const landed = endWrite(disk, write);
      if (landed === 'settled') return;
      whenAwake(node, () => {
        if (landed) for (const one of thenSend) send(node, one);
        handle(node, { kind: landed ? 'stored' : 'notStored', key });
      });
    });
  }

  function perform(node: Node, effect: GuestEffect): void {
    switch (effect.kind) {
      case 'send':
        send(node, effect);
        return;
      case 'store':
        store(node, effect);
        return;
      case 'setTimer': {
        const { name, ms, upTo } = effect;
        const drawn = upTo === undefined ? ms : entropy.between('sched', `timer ${name}`, ms, upTo);
        setTimer(clockwork, node, name, drawn);
        return;
      }
      case 'clearTimer':
        setTimer(clockwork, node, effect.name, undefined);
        return;
      case 'report':
        reports.push({ at: now, node: node.member, what: effect.what });
        return;
      case 'exit':
        end(node, 'close');
        change(node, () => (node.gone = true));
        return;
    }
  }

  /** A change of its condition, entered in the books. */
  function change(node: Node, action: () => void): void {
    const before = conditionOf(node);
    node.spent.set(before, (node.spent.get(before) ?? 0) + now - node.since);
    node.since = now;
    action();
    const after = conditionOf(node);
    if (after !== before) options.onCondition?.(node.member, after, now);
  }

  function end(node: Node, how: 'close' | 'kill'): void {
    if (!node.alive) return;
    change(node, () => {
      node.alive = false;
      node.waiting = undefined;
    });
    for (const slot of node.timers.values()) slot.due = Infinity;
    // What was sent before an orderly end still arrives before it is noticed.
    const sent = how === 'close' ? network.lastArrival(node) : 0;
    const { life } = node;
    at(Math.max(now, sent), () => {
      if (node.life === life) network.depart(node, how);
    });
    settleWrites(node.disk, node.life, (count) => entropy.between('disk', 'landed', 0, count));
    node.disk.busyUntil = now;
  }

  function begin(node: Node): void {
    if (node.alive || node.gone) return;
    change(node, () => {
      node.alive = true;
      node.life += 1;
    });
    const stored = Object.fromEntries(
      [...node.disk.records].map(([key, text]) => [key, JSON.parse(text) as unknown]),
    );
    handle(node, { kind: 'start', stored });
    for (const other of nodes) {
      if (other === node || !other.alive) continue;
      // Peers that have not noticed the crash do so now.
      network.disconnect(node, other, 'channel-closed');
      network.connect(node, other);
    }
  }

  function restart(node: Node): void {
    end(node, 'kill');
    const { life } = node;
    at(now + scheduler.delay('sched', 'restart', ...RESTART, node.ordinal), () => {
      if (node.life === life) begin(node);
    });
  }

  function open(): void {
    if (nodes.length >= ranks + protocol.joins) return;
    const node: Node = {
      member: nodes.length,
      ordinal: nodes.length,
      alive: false,
      hidden: false,
      links: new Map(),
      state: undefined,
      life: 0,
      gone: false,
      timers: new Map(),
      disk: createDisk(),
      waiting: undefined,
      clockRate: 1,
      clockAhead: 0,
      since: now,
      spent: new Map(),
    };
    nodes.push(node);
    at(now, () => begin(node));
  }

  const faults = createMachineFaults<Node, Letter>({
    now: () => now,
    at,
    hosts: nodes,
    network,
    disk: ({ disk }) => disk,
    depart: end,
    open,
    reload: (node) => {
      if (!node.gone) restart(node);
    },
    freeze(node) {
      if (node.alive) change(node, () => (node.waiting ??= []));
    },
    // A node is never hidden (see shape.ts).
    hide: () => undefined,
    wake(node) {
      const waiting = node.waiting ?? [];
      if (node.waiting !== undefined) change(node, () => (node.waiting = undefined));
      for (const action of waiting) action();
    },
    // All nodes know each other from the start.
    signalling: () => undefined,
  });

  for (let i = 0; i < ranks; i++) open();

  return {
    now: () => now,
    nodes,
    events: () => events,
    broken: () => broken,
    view,
    strike(strike) {
      const { fault } = strike;
      const node = nodes[strike.node];
      if (node === undefined || node.gone || faults.isCalm()) return;
      if (!node.alive && NEEDS_LIFE.has(fault.kind)) return;
      options.onStrike?.(strike, now);
      if (fault.kind === 'command') deliver(node, { kind: 'command', command: fault.command });
      else faults.carryOut(fault, node, (named) => nodes[named]);
    },
    calm() {
      faults.healAll();
      for (const node of nodes) if (!node.alive && !node.gone) restart(node);
    },
    at,
    runUntil(condition, ms) {
      const deadline = now + ms;
      while (!condition()) {
        const next = queue.nextAt();
        if (next > deadline) {
          now = deadline;
          return condition();
        }
        now = next;
        const due = queue.pop();
        if (due !== undefined) happen(due);
      }
      return true;
    },
    ledger() {
      const total = { running: 0, frozen: 0, crashed: 0, gone: 0 };
      for (const node of nodes) {
        change(node, () => undefined);
        for (const [condition, ms] of node.spent) total[condition] += ms;
      }
      return total;
    },
  };
}
