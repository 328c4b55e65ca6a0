// torchft's lighthouse, as its repository describes it before meta-pytorch/torchft#71: with a minimum of replicas below the majority,
// two halves train the same steps in two quorums.
//
// Node 0 is the lighthouse, the others are replicas. A replica sends heartbeats from the start, loads its model, and asks for a quorum
// before every step. The lighthouse forms one as soon as all of the last one have asked; or from MIN_REPLICAS on, when those who are
// missing had their time. A quorum goes on from the newest state in it, and commits a step when all have all gradients.

import type { Effect, Event, NodeId, Protocol, View } from 'rankfall/protocol';

const LIGHTHOUSE = 0;
const MIN_REPLICAS = 2;
/** In milliseconds. */
const TICK = 100;
const HEARTBEAT = 100;
const HEARTBEAT_TIMEOUT = 5_000;
const JOIN_TIMEOUT = 300;
const LOAD = { ms: 50, upTo: 1_500 };
const COMPUTE = { ms: 100, upTo: 1_000 };

type Message =
  | { kind: 'heartbeat' }
  /** A replica that has done this many steps asks for a quorum. */
  | { kind: 'join'; step: number }
  | { kind: 'quorum'; id: number; members: NodeId[]; step: number }
  | { kind: 'gradient'; quorum: number; step: number };

interface Lighthouse {
  role: 'lighthouse';
  /** When each replica was heard of last. */
  heartbeats: Map<NodeId, number>;
  /** Who has asked, and how many steps it has done. */
  asking: Map<NodeId, number>;
  firstAsked: number;
  quorum: number;
  members: NodeId[];
}

interface Replica {
  role: 'replica';
  step: number;
  quorum: number;
  members: NodeId[];
  /** Whose gradients have come, as `quorum/step/member`. */
  gradients: Set<string>;
  /** The members of the quorum in which it committed a step. */
  committed: Map<number, NodeId[]>;
}

/** The rule that the race is about: whether so many may form a quorum, of those whose heartbeats come. */
type IsEnough = (asking: number, healthy: number) => boolean;
type State = Lighthouse | Replica;
type Effects = Effect<Message>[];

const send = (to: NodeId, message: Message): Effect<Message> => ({ kind: 'send', to, message });
const report = (what: string): Effect<Message> => ({ kind: 'report', what });

function lighthouseHears(lighthouse: Lighthouse, from: NodeId, message: Message, now: number): void {
  const { heartbeats, asking } = lighthouse;
  if (message.kind === 'heartbeat') heartbeats.set(from, now);
  if (message.kind !== 'join') return;
  if (asking.size === 0) lighthouse.firstAsked = now;
  asking.set(from, message.step);
}

function formQuorum(lighthouse: Lighthouse, now: number, isEnough: IsEnough): Effects {
  if (!isQuorum(lighthouse, now, isEnough)) return [];
  const { asking } = lighthouse;
  const members = [...asking.keys()].sort((a, b) => a - b);
  const isNew = members.join() !== lighthouse.members.join();
  if (isNew) lighthouse.quorum += 1;
  lighthouse.members = members;
  const id = lighthouse.quorum;
  const step = Math.max(...asking.values());
  asking.clear();
  return [
    ...(isNew ? [report(`quorum ${id} is ${members.join(', ')}`)] : []),
    ...members.map((to) => send(to, { kind: 'quorum', id, members, step })),
  ];
}

function isQuorum(lighthouse: Lighthouse, now: number, isEnough: IsEnough): boolean {
  const { heartbeats, asking, members, firstAsked } = lighthouse;
  // Fast: nobody of the last one is missing.
  if (members.length > 0 && members.every((member) => asking.has(member))) return true;
  const healthy = [...heartbeats].filter(([, at]) => now - at < HEARTBEAT_TIMEOUT).map(([id]) => id);
  if (asking.size < MIN_REPLICAS || !isEnough(asking.size, healthy.length)) return false;
  return healthy.every((id) => asking.has(id)) || now - firstAsked >= JOIN_TIMEOUT;
}

function replicaHears(replica: Replica, from: NodeId, message: Message): Effects {
  if (message.kind === 'quorum') {
    const { id, members, step } = message;
    // Whoever is behind is healed on the way.
    Object.assign(replica, { quorum: id, members, step });
    return [{ kind: 'setTimer', name: 'compute', ...COMPUTE }];
  }
  if (message.kind !== 'gradient') return [];
  const { quorum, members, step, gradients, committed } = replica;
  gradients.add(`${message.quorum}/${message.step}/${from}`);
  // Its own gradient comes to it as well.
  if (members.length === 0 || !members.every((member) => gradients.has(`${quorum}/${step}/${member}`)))
    return [];
  committed.set(step, members);
  replica.step += 1;
  replica.members = [];
  return [
    report(`commits step ${step} with ${members.join(', ')}`),
    send(LIGHTHOUSE, { kind: 'join', step: replica.step }),
  ];
}

function replicaWakes({ step, quorum, members }: Replica, timer: string): Effects {
  if (timer === 'load') return [send(LIGHTHOUSE, { kind: 'join', step })];
  if (timer === 'compute') return members.map((to) => send(to, { kind: 'gradient', quorum, step }));
  return [send(LIGHTHOUSE, { kind: 'heartbeat' }), { kind: 'setTimer', name: 'heartbeat', ms: HEARTBEAT }];
}

function step(state: State, event: Event<Message>, now: number, isEnough: IsEnough): Effects {
  if (state.role === 'lighthouse') {
    if (event.kind === 'message') lighthouseHears(state, event.from, event.message, now);
    if (event.kind !== 'start' && event.kind !== 'timer') return [];
    return [...formQuorum(state, now, isEnough), { kind: 'setTimer', name: 'tick', ms: TICK }];
  }
  if (event.kind === 'linkUp' && event.peer === LIGHTHOUSE)
    return [...replicaWakes(state, 'heartbeat'), { kind: 'setTimer', name: 'load', ...LOAD }];
  if (event.kind === 'timer') return replicaWakes(state, event.name);
  return event.kind === 'message' ? replicaHears(state, event.from, event.message) : [];
}

const createLighthouse = (): Lighthouse => ({
  role: 'lighthouse',
  heartbeats: new Map(),
  asking: new Map(),
  firstAsked: 0,
  quorum: 0,
  members: [],
});
const createReplica = (): Replica => ({
  role: 'replica',
  step: 0,
  quorum: 0,
  members: [],
  gradients: new Set(),
  committed: new Map(),
});

const replicas = ({ nodes }: View<State>): readonly Replica[] =>
  nodes.map(({ state }) => state).filter((state) => state.role === 'replica');

export const torchft = (isEnough: IsEnough): Protocol<State, Message> => ({
  name: 'torchft-quorum',
  ranks: 5,
  steps: 3,
  // Slow links are enough.
  faults: ['delay'],
  create: ({ id }) => (id === LIGHTHOUSE ? createLighthouse() : createReplica()),
  step: (state, event, now) => step(state, event, now, isEnough),
  invariants: {
    'a step is committed by one quorum only': (view) => {
      const first = new Map<number, NodeId[]>();
      for (const { committed } of replicas(view))
        for (const [step, members] of committed) {
          const other = first.get(step) ?? members;
          first.set(step, other);
          if (members.join() !== other.join())
            return `Step ${step} is committed by ${other.join(' and ')}, and again by ${members.join(' and ')}.`;
        }
      return true;
    },
  },
  eventually: {
    'everybody has done all steps': (view) => replicas(view).every(({ step }) => step >= view.steps),
  },
  committed: (view) => Math.max(...replicas(view).map(({ step }) => step)),
});

/** As it was: the minimum is enough. */
export const protocol = torchft(() => true);
