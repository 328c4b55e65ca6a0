// A run of the room as a diagram: its messages but for heartbeats, steps, generations, deaths and what was reported.

import type { MemberId } from '../ports/ids.ts';
import { recordDiagram, type Diagram, type DiagramRecorder, type Tone } from '../trace/diagram.ts';
import type { TraceEvent, TraceRecord } from '../trace/events.ts';
import { shortNames } from '../trace/short-names.ts';
import type { Host } from './host.ts';
import { whatStrikes } from './story.ts';
import type { Outcome, RunOptions } from './swarm.ts';

/** Listens to a run. */
export interface RoomDrawing extends Required<
  Pick<RunOptions, 'onRecord' | 'onStrike' | 'onSend' | 'onMessage' | 'onCondition'>
> {
  /** Of a run that is not simulated here: its log alone. */
  readonly record: (record: TraceRecord) => void;
  /** How many moments were recorded so far. */
  readonly moments: () => number;
  diagram(outcome: Pick<Outcome, 'virtualMs' | 'invariant' | 'reason'>): Diagram;
}

/** How an event is put; undefined: it is not shown. */
export type Teller = (
  event: TraceEvent,
) => { readonly text: string; readonly tone?: Tone | undefined } | undefined;

/** What a rank does in every step: spans and facts show it. */
const EVERY_STEP: ReadonlySet<TraceEvent['kind']> = new Set([
  'phase',
  'contributed',
  'applied',
  'committed',
  'coloured',
]);

export const byKind: Teller = ({ kind }) => (EVERY_STEP.has(kind) ? undefined : { text: kind });

/** A log alone as a diagram: of ranks that were recorded live, whose messages nobody saw. */
export interface RecordDrawing {
  /** `group` is what the lane belongs to: a browser. */
  readonly record: (record: TraceRecord, group?: string) => void;
  readonly recorder: DiagramRecorder;
  /** A member's lane. */
  readonly laneOf: (member: MemberId) => string;
}

/** Lanes by what is known of ranks from logs alone. */
function rankLanes(): (member: MemberId) => string {
  const short = shortNames();
  return (member) => `rank ${short(member)}`;
}

/** `named`: the lanes of a simulated room, whose pages stand on no ring. */
export function drawRecords(tell: Teller = byKind, named?: (member: MemberId) => string): RecordDrawing {
  const recorder = recordDiagram();
  const nameOf = named ?? rankLanes();
  const laneOf = (member: MemberId): string => {
    const lane = nameOf(member);
    if (named === undefined) recorder.owner(lane, member);
    return lane;
  };
  /** Ranks stand in the order in which generations have taken them in, as on the ring. */
  const joined = new Set<string>();
  const seen = new Set<string>();
  return {
    recorder,
    laneOf,
    record({ member, at, event }, group) {
      const lane = laneOf(member);
      if (!seen.has(lane)) recorder.lane(lane, group);
      seen.add(lane);
      const told = tell(event);
      if (told !== undefined) recorder.mark(lane, at, told.text, told.tone);
      const fact = (name: string, value: string): void => recorder.fact(lane, at, name, value);
      switch (event.kind) {
        case 'phase':
          fact('phase', event.phase);
          if (event.phase === 'computing') recorder.begin('step', lane, at, 'step');
          return;
        case 'applied':
          recorder.end('step', lane, at, `step ${event.step}`);
          fact('applied', `step ${event.step}`);
          fact('state', event.hash.slice(0, 8));
          return;
        case 'committed':
          fact('committed', String(event.step));
          return;
        case 'installed':
          for (const one of event.members) {
            if (joined.has(one)) continue;
            recorder.place(laneOf(one), joined.size);
            joined.add(one);
          }
          recorder.begin('generation', lane, at, `generation ${event.generation.number}`);
          fact('generation', `${event.generation.number}, of ${event.members.length}`);
          return;
        case 'left':
          recorder.end('generation', lane, at);
          recorder.end('step', lane, at, 'aborted');
          fact('generation', 'none');
          return;
        case 'aborted':
          recorder.end('step', lane, at, 'aborted');
          return;
        case 'healed':
        case 'learned':
          fact('state', event.hash.slice(0, 8));
          return;
        case 'coloured':
          recorder.wears(lane, event.slot);
          return;
        case 'linkUp':
        case 'linkCarried':
        case 'linkDown':
        case 'suspected':
        case 'founded':
        case 'prepared':
        case 'promised':
        case 'voted':
        case 'chosen':
        case 'contributed':
        case 'overflowed':
        case 'donated':
        case 'learns':
        case 'lessonOver':
        case 'rejected':
        case 'resent':
        case 'stalled':
        case 'checkpointed':
        case 'checkpointFailed':
        case 'checkpointSkipped':
        case 'heldUp':
        case 'sampleRefused':
        case 'quarantined':
        case 'restored':
        case 'seatAcquired':
        case 'waitingForQuorum':
        case 'exactness':
        case 'faultInjected':
        case 'faultHealed':
        case 'engine':
        case 'refused':
        case 'turnedAway':
        case 'stopped':
        case 'violated':
          return;
      }
    },
  };
}

export function drawRoom(tell: Teller = byKind, tellStrike = whatStrikes): RoomDrawing {
  const short = shortNames();
  /** Pages by their numbers, by which strikes name them. */
  const pages = new Map<string, string>();
  const laneOf = (member: MemberId): string => pages.get(member) ?? `rank ${short(member)}`;
  const { recorder, record } = drawRecords(tell, laneOf);
  function name({ member, ordinal, profile, witness }: Host): string {
    let lane = pages.get(member);
    if (lane === undefined) {
      lane = `${witness === undefined ? `page ${ordinal}` : 'witness'} · ${short(member)}`;
      pages.set(member, lane);
      recorder.lane(lane, profile);
      recorder.place(lane, ordinal);
    }
    return lane;
  }
  return {
    record,
    onRecord(entry, host) {
      name(host);
      record(entry, host.profile);
    },
    onStrike: (strike, at) => recorder.headline(at, tellStrike(strike)),
    onSend(from, to, message, at) {
      if (message.kind !== 'beat')
        recorder.sent(name(from), name(to), message, message.kind, message.kind, at);
    },
    onMessage(from, to, message, sentAt, now) {
      // A page that is gone hears nothing.
      if (message.kind !== 'beat' && to.alive) recorder.received(name(from), name(to), message, sentAt, now);
    },
    onCondition(host, condition, at) {
      const lane = name(host);
      if (condition === 'awake') recorder.end('frozen', lane, at);
      else recorder.begin(condition, lane, at, condition === 'gone' ? 'is gone' : 'stands still');
      if (condition !== 'gone') return;
      for (const kind of ['frozen', 'step', 'generation'] as const) recorder.end(kind, lane, at);
    },
    moments: () => recorder.moments(),
    diagram: ({ virtualMs, invariant, reason }) =>
      recorder.finish(
        virtualMs,
        invariant === undefined
          ? undefined
          : {
              invariant: `invariant ${invariant}`,
              sentence: reason ?? `Invariant ${invariant} does not hold.`,
            },
      ),
  };
}
