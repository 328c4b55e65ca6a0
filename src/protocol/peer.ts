// What a rank knows of another page.

import type { Job } from '../job/job.ts';
import type { GenerationId, MemberId } from '../ports/ids.ts';
import type { Evidence } from '../ports/network.ts';
import type { Phase } from '../trace/events.ts';
import { NOBODY, type Generation } from './generation.ts';
import type { Message } from './messages.ts';
import { note, usualIn, type Usual } from './usual.ts';

/** Places in a peer's list of numbers. */
const LAST_HEARD = 0;
const LAST_WORD = 1;
const BEAT_AT = 2;
const SINCE = 3;
/** The median of the times between two heartbeats, and how far they lie from it. */
const PULSE = 4;

/**
 * Every message touches the record of its sender, and a simulated room of a thousand ranks has tens of thousands of them, more than fit
 * into a processor's nearer memory. So what a heartbeat touches stands together and first; and its times are a list of numbers, which
 * lie side by side, where each field that holds a fraction would be an object of its own.
 */
export class Peer {
  private readonly numbers: number[];
  linked = false;
  suspected: Evidence | undefined = undefined;
  /** Its tab is in the background. */
  hidden = false;
  /** The generation it says it is in, and how many steps that one has committed. */
  room: { readonly generation: Generation; readonly committed: number; readonly job: Job } | undefined =
    undefined;
  /** What a witness last said of itself: no rank, and never a member. */
  witness: Extract<Message, { kind: 'witness' }> | undefined = undefined;
  phase: Phase = 'starting';
  step = 0;
  /** Of the round that it is in. */
  attempt = 0;
  waiting: MemberId | undefined = undefined;
  /** While it heals: how many pieces of the state it has. */
  pieces: number | undefined = undefined;
  /** Members that it does not hear itself, as it said last. */
  unheard = NOBODY;
  /** The generation last told to it, and when, so that the telling is not repeated for each stale message. */
  told: { readonly generation: GenerationId; readonly at: number } | undefined = undefined;
  /** Times it was left out of a generation's successor, and when it may be taken in again. */
  evictions = 0;
  readmitAt = 0;
  /** A newcomer's last `join`, and since when it has asked. */
  join: Extract<Message, { kind: 'join' }> | undefined = undefined;
  asksSince: number | undefined = undefined;

  constructor(now: number) {
    this.numbers = [now, now, -Infinity, now, NaN, NaN];
  }

  /** When something came over the own link. */
  get lastHeard(): number {
    return this.numbers[LAST_HEARD] ?? NaN;
  }
  set lastHeard(at: number) {
    this.numbers[LAST_HEARD] = at;
  }

  /** When something of it came, by whatever way. */
  get lastWord(): number {
    return this.numbers[LAST_WORD] ?? NaN;
  }
  set lastWord(at: number) {
    this.numbers[LAST_WORD] = at;
  }

  /** When its last heartbeat came that counts for how they come as a rule; -Infinity: there is none. */
  get beatAt(): number {
    return this.numbers[BEAT_AT] ?? NaN;
  }
  set beatAt(at: number) {
    this.numbers[BEAT_AT] = at;
  }

  /** When its (phase, step, pieces) last changed. */
  get since(): number {
    return this.numbers[SINCE] ?? NaN;
  }
  set since(at: number) {
    this.numbers[SINCE] = at;
  }

  /** How its heartbeats come as a rule; undefined: no two have come. */
  get pulse(): Usual | undefined {
    return usualIn(this.numbers, PULSE);
  }

  /** A heartbeat comes so long after the last one. */
  feel(ms: number): void {
    note(this.numbers, PULSE, ms);
  }

  clone(): Peer {
    const copy = new Peer(0);
    Object.assign(copy, this, { numbers: [...this.numbers] });
    return copy;
  }
}
