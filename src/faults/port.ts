// What a place where faults act looks like from outside: a decorated port, or the page.

import type { MemberId } from '../ports/ids.ts';
import type { FaultKind, FaultOf } from './vocabulary.ts';

/** One injection, as the port sees it. */
export interface Injection {
  /** Unique for one injector. */
  readonly id: string;
  /** Who has this rank number now. A fault keeps to the member it was injected for when numbers change later. */
  readonly resolvePeer: (rank: number) => MemberId | undefined;
  /** The fault has used itself up (the last of n throws). The injector then heals it. */
  readonly ended: () => void;
  /** For what takes time: resolves to what came of it, in words for the log. When it rejects, the injector heals the fault. */
  readonly working: (outcome: Promise<string>) => void;
}

/**
 * Takes faults of some kinds until they are healed. Ids and times are the injector's, so that a port may as well be in
 * another worker, behind messages.
 */
export interface FaultPort<Kind extends FaultKind = FaultKind> {
  readonly kinds: readonly Kind[];
  /** Starts the fault. Throws a `FaultError` when it cannot. */
  inject(injection: Injection, fault: FaultOf<Kind>): void;
  /** Ends it. An id that is not active is ignored. */
  heal(id: string): void;
}
