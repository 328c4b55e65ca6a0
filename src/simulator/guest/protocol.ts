// A protocol of your own, for the simulator to break: what the file behind `--protocol` exports as `protocol`.
//
// A node is a state machine. `step` gets its state, one event and its clock; it changes that state as it likes, and answers with effects,
// which are data. It must depend on nothing else: no Date, no Math.random, no variable outside the state.
// docs/your-own-race.md goes through it; examples/ holds some.

import type { MACHINE_FAULTS } from '../machine-faults.ts';

/** Nodes are numbered from 0, in the order in which they join. A node keeps its number when it restarts. */
export type NodeId = number;

export interface NodeInfo {
  readonly id: NodeId;
  /** How many nodes there are at the start (`--ranks`). */
  readonly ranks: number;
  /** How much there is to do (`--steps`). */
  readonly steps: number;
}

/** What happens to a node. Messages and stored values are plain JSON data, and each receiver has a copy of its own. */
export type Event<Message = never, Stored = never> =
  /** It runs: for the first time, or after a crash, with what its disk holds. */
  | { readonly kind: 'start'; readonly stored: Readonly<Partial<Record<string, Stored>>> }
  /** Messages to this node pass from now on, in order. */
  | { readonly kind: 'linkUp'; readonly peer: NodeId }
  /** What was in flight is lost. `goodbye`: the other side closed it. */
  | { readonly kind: 'linkDown'; readonly peer: NodeId; readonly evidence: 'goodbye' | 'lost' }
  | { readonly kind: 'message'; readonly from: NodeId; readonly message: Message }
  | { readonly kind: 'timer'; readonly name: string }
  | { readonly kind: 'stored'; readonly key: string }
  /** The disk says that it failed. It may have landed all the same. */
  | { readonly kind: 'notStored'; readonly key: string }
  /** Somebody asks for something: one of the protocol's `commands`. */
  | { readonly kind: 'command'; readonly command: string };

export interface Send<Message = never> {
  readonly kind: 'send';
  /** `all`: every node to which a link is up. Without a link, a message is lost. */
  readonly to: NodeId | 'all';
  readonly message: Message;
}

/** What a node wants done. */
export type Effect<Message = never, Stored = never> =
  | Send<Message>
  /** Written in order. `thenSend` leaves as soon as it is durable, and never before. */
  | {
      readonly kind: 'store';
      readonly key: string;
      readonly value: Stored;
      readonly thenSend?: readonly Send<Message>[];
    }
  /** Fires once, after `ms`; or at a time drawn between `ms` and `upTo`. One that is set again starts anew. */
  | { readonly kind: 'setTimer'; readonly name: string; readonly ms: number; readonly upTo?: number }
  | { readonly kind: 'clearTimer'; readonly name: string }
  /** A line of the story, and of the `reports` that invariants see. */
  | { readonly kind: 'report'; readonly what: string }
  /** The node leaves for good, with a goodbye to its peers. */
  | { readonly kind: 'exit' };

/** What somebody who sees everything sees. */
export interface View<State = unknown> {
  /** Virtual milliseconds since the start. */
  readonly now: number;
  readonly ranks: number;
  readonly steps: number;
  /** The nodes that run, frozen ones too. */
  readonly nodes: readonly { readonly id: NodeId; readonly state: State }[];
  /** All that was reported so far. */
  readonly reports: readonly { readonly at: number; readonly node: NodeId; readonly what: string }[];
}

/** True: it holds. False, or a sentence that says what is wrong: it does not. */
export type Check<State = unknown> = (view: View<State>) => boolean | string;

/** What the swarm can do to nodes, links, disks and clocks: the words of docs/faults.md and docs/simulator.md. */
export type FaultKind = Exclude<
  (typeof MACHINE_FAULTS)[number],
  'hide' | 'hog-cpu' | 'grow-memory' | 'lose-signalling' | 'fill-queue'
>;

export interface Protocol<State, Message = never, Stored = never> {
  /** Letters, digits and hyphens. */
  readonly name: string;
  /** Nodes at the start, where `--ranks` does not say; 3 when absent. */
  readonly ranks?: number;
  /** How many more may join later, by the fault `open`; none when absent. */
  readonly joins?: number;
  /** How much there is to do, where `--steps` does not say; 10 when absent. */
  readonly steps?: number;
  /** What a person, or an orchestrator, may ask of a node. */
  readonly commands?: readonly string[];
  /** The faults that the protocol is meant to survive; when absent, all of them. */
  readonly faults?: readonly FaultKind[];
  /** The memory of a node that has just started. */
  create(node: NodeInfo): State;
  step(state: State, event: Event<Message, Stored>, now: number): readonly Effect<Message, Stored>[];
  /** What must hold after every event, by the sentence that says so. */
  readonly invariants: Readonly<Record<string, Check<State>>>;
  /** What must come to hold once the faults are over and those who crashed run again, within `withinMs`. */
  readonly eventually?: Readonly<Record<string, Check<State>>>;
  /** Virtual milliseconds; 60,000 when absent. */
  readonly withinMs?: number;
  /** How many of the `steps` are done: what the commands print as committed. */
  committed?(view: View<State>): number;
}
