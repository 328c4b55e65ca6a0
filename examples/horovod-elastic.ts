// Horovod's elastic training, as its documentation and horovod#3494 describe it: a graceful leave below the minimum, while a joiner
// waits in the sync that the survivors skip.
//
// Node 0 is the driver, the others are workers. Workers meet at the driver's rendezvous, which opens with MIN_WORKERS. In between they
// run collectives, which complete when every member has come to the same one. Changes of the hosts are taken notice of
// after a step, by all at once. A worker that is new syncs first: the state is broadcast to it. One that was interrupted by
// removals only has the state already, and skips that.

import type { Effect, Event, NodeId, Protocol, View } from 'rankfall/protocol';

const DRIVER = 0;
const MIN_WORKERS = 2;
/** A step computes this long, in milliseconds; then it is all-reduced. */
const COMPUTE = { kind: 'setTimer', name: 'compute', ms: 100, upTo: 200 } as const;

/** What has happened to the hosts since the last rendezvous. */
type Change = 'none' | 'removed' | 'added';
/** A worker has come to this collective; `change` is what it has heard of the hosts. */
type Ready = { kind: 'ready'; generation: number; collective: string; step: number; change: Change };

type Message =
  /** To the driver: a worker waits for a world; or its host is to be taken out. */
  | { kind: 'rendezvous' }
  | { kind: 'leave' }
  /** From the driver: the hosts have changed; a new world; or there is no place in it. */
  | { kind: 'hosts'; change: Change }
  | { kind: 'world'; generation: number; members: NodeId[] }
  | { kind: 'dismissed' }
  | Ready;

interface Driver {
  role: 'driver';
  hosts: NodeId[];
  leaving: NodeId[];
  waiting: NodeId[];
  generation: number;
}

interface Worker {
  role: 'worker';
  generation: number;
  members: NodeId[];
  /** The collective that it is in; undefined while it computes or waits for a world. */
  collective: string | undefined;
  waits: boolean;
  skipsSync: boolean;
  step: number;
  change: Change;
  /** Who has come to which collective, by `generation/collective/member`. */
  heard: Map<string, Ready>;
}

/** The rule that the race is about: after which change of the hosts a worker skips the sync. */
type SkipsSync = (change: Change) => boolean;
type State = Driver | Worker;
type Effects = Effect<Message>[];

const send = (to: NodeId, message: Message): Effect<Message> => ({ kind: 'send', to, message });

function driverStep(driver: Driver, from: NodeId, message: Message): Effects {
  const effects: Effects = [];
  const tell = (change: Change): void => {
    // Whoever waits already will get a world with all hosts.
    for (const host of driver.hosts.filter((one) => !driver.waiting.includes(one)))
      effects.push(send(host, { kind: 'hosts', change }));
  };
  if (message.kind === 'rendezvous') {
    if (!driver.hosts.includes(from)) {
      tell('added');
      driver.hosts.push(from);
    }
    driver.waiting.push(from);
  } else if (message.kind === 'leave' && driver.hosts.includes(from)) {
    tell('removed');
    driver.leaving.push(from);
  }
  for (const gone of driver.leaving.filter((host) => driver.waiting.includes(host))) {
    driver.hosts = driver.hosts.filter((host) => host !== gone);
    driver.waiting = driver.waiting.filter((host) => host !== gone);
    effects.push(send(gone, { kind: 'dismissed' }));
  }
  const { hosts, waiting } = driver;
  if (hosts.length < MIN_WORKERS || waiting.length < hosts.length) return effects;
  driver.generation += 1;
  driver.waiting = [];
  const world: Message = { kind: 'world', generation: driver.generation, members: hosts };
  const what = `world ${driver.generation} is ${hosts.join(', ')}`;
  return [...effects, { kind: 'report', what }, ...hosts.map((host) => send(host, world))];
}

const ready = ({ generation, collective = '', step, change }: Worker): Ready => ({
  kind: 'ready',
  generation,
  collective,
  step,
  change,
});

/** Tells all members that it has come to a collective, itself too. */
function enter(worker: Worker, collective: string): Effects {
  worker.collective = collective;
  const what = `comes to ${collective}`;
  return [{ kind: 'report', what }, ...worker.members.map((to) => send(to, ready(worker)))];
}

/** Goes on when every member has come to the collective that it is in. */
function complete(worker: Worker, skipsSync: SkipsSync): Effects {
  const { generation, members, collective, heard } = worker;
  const [first, ...others] = members.map((member) => heard.get(`${generation}/${collective}/${member}`));
  if (collective === undefined || first === undefined || others.includes(undefined)) return [];
  worker.collective = undefined;
  // The first member is the root of the broadcast; and what it knows of the hosts is what all go by.
  worker.step = collective === 'broadcast' ? first.step : worker.step + 1;
  if (collective === 'broadcast' || first.change === 'none') return [COMPUTE];
  worker.skipsSync = skipsSync(first.change);
  worker.waits = true;
  return [send(DRIVER, { kind: 'rendezvous' })];
}

function workerStep(worker: Worker, event: Event<Message>, skipsSync: SkipsSync): Effects {
  if (event.kind === 'linkUp') {
    if (event.peer === DRIVER) return [send(DRIVER, { kind: 'rendezvous' })];
    // A member that is linked late has not heard of the collective yet.
    return worker.collective === undefined ? [] : [send(event.peer, ready(worker))];
  }
  if (event.kind === 'command') return [send(DRIVER, { kind: 'leave' })];
  if (event.kind === 'timer') return enter(worker, `all-reduce ${worker.step}`);
  if (event.kind !== 'message') return [];
  const { from, message } = event;
  switch (message.kind) {
    case 'hosts':
      if (!worker.waits && worker.change !== 'added') worker.change = message.change;
      return [];
    case 'world': {
      const { generation, members } = message;
      const syncs = !worker.skipsSync;
      Object.assign(worker, { generation, members, waits: false, skipsSync: false, change: 'none' });
      return enter(worker, syncs ? 'broadcast' : `all-reduce ${worker.step}`);
    }
    case 'ready':
      worker.heard.set(`${message.generation}/${message.collective}/${from}`, message);
      return complete(worker, skipsSync);
    case 'dismissed':
      return [{ kind: 'exit' }];
    case 'rendezvous':
    case 'leave':
      return [];
  }
}

const workers = ({ nodes }: View<State>): readonly Worker[] =>
  nodes.map(({ state }) => state).filter((state) => state.role === 'worker');

const createDriver = (): Driver => ({ role: 'driver', hosts: [], leaving: [], waiting: [], generation: 0 });
const createWorker = (): Worker => ({
  role: 'worker',
  generation: 0,
  members: [],
  collective: undefined,
  waits: true,
  skipsSync: false,
  step: 0,
  change: 'none',
  heard: new Map(),
});

export const horovod = (skipsSync: SkipsSync): Protocol<State, Message> => ({
  name: 'horovod-elastic',
  ranks: 1 + MIN_WORKERS,
  joins: 2,
  commands: ['leave'],
  faults: ['open', 'delay', 'freeze'],
  create: ({ id }) => (id === DRIVER ? createDriver() : createWorker()),
  step(state, event) {
    if (state.role === 'worker') return workerStep(state, event, skipsSync);
    return event.kind === 'message' ? driverStep(state, event.from, event.message) : [];
  },
  invariants: {
    'those who train in one world are at most a step apart': (view) => {
      const training = workers(view).filter(({ waits, collective }) => !waits && collective !== 'broadcast');
      return training.every(({ generation, step }) =>
        training.every((other) => other.generation !== generation || Math.abs(other.step - step) <= 1),
      );
    },
  },
  eventually: {
    'everybody trains, if there are enough': (view) =>
      workers(view).length < MIN_WORKERS ||
      workers(view).every(({ waits, step }) => !waits && step >= view.steps),
  },
  committed: (view) => Math.min(...workers(view).map(({ step }) => step)),
});

/** As Horovod does: after removals only, everybody who is left has the state. Those who make up for the leavers do not. */
export const protocol = horovod((change) => change === 'removed');
