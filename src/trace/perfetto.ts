// A run as Chrome trace JSON, which ui.perfetto.dev opens: ranks as tracks, phases and steps as spans, messages as flows.

import type { TraceRecord } from './events.ts';
import { shortNames } from './short-names.ts';

export interface PerfettoWriter {
  record(record: TraceRecord): void;
  /** Something else that happened at a member: a short span, which the flows of messages can begin and end in. */
  note(member: string, at: number, name: string, args: object): void;
  message(from: string, to: string, kind: string, sentAt: number, at: number): void;
  /** The file's text; `now` ends what is still open. */
  text(now: number): string;
}

interface Span {
  readonly name: string;
  readonly since: number;
}

/** Threads of a rank's track. */
const PHASES = 1;
const STEPS = 2;
/** How long what takes no time is shown, in milliseconds. */
const NOTE_MS = 0.1;
/** Chrome's times are in microseconds. */
const MICRO = 1000;

export function writePerfetto(): PerfettoWriter {
  const events: string[] = [];
  const ids = new Map<string, number>();
  const short = shortNames();
  const phases = new Map<string, Span>();
  const steps = new Map<string, Span>();
  let flows = 0;

  const put = (event: object): void => {
    events.push(JSON.stringify(event));
  };
  function idOf(member: string): number {
    let id = ids.get(member);
    if (id === undefined) {
      id = ids.size + 1;
      ids.set(member, id);
      put({ ph: 'M', name: 'process_name', pid: id, args: { name: `rank ${short(member)}` } });
      put({ ph: 'M', name: 'thread_name', pid: id, tid: PHASES, args: { name: 'phase' } });
      put({ ph: 'M', name: 'thread_name', pid: id, tid: STEPS, args: { name: 'step' } });
    }
    return id;
  }
  function close(spans: Map<string, Span>, member: string, tid: number, at: number): void {
    const span = spans.get(member);
    if (span === undefined) return;
    spans.delete(member);
    const dur = (at - span.since) * MICRO;
    put({ ph: 'X', name: span.name, pid: idOf(member), tid, ts: span.since * MICRO, dur });
  }

  return {
    record({ member, at, event }) {
      const pid = idOf(member);
      if (event.kind === 'phase') {
        close(phases, member, PHASES, at);
        phases.set(member, { name: event.phase, since: at });
        if (event.phase === 'computing' && !steps.has(member)) steps.set(member, { name: 'step', since: at });
        return;
      }
      if (event.kind === 'applied') {
        const span = steps.get(member);
        if (span !== undefined) steps.set(member, { ...span, name: `step ${event.step}` });
        close(steps, member, STEPS, at);
      } else if (event.kind === 'aborted' || event.kind === 'left') {
        const span = steps.get(member);
        if (span !== undefined) steps.set(member, { ...span, name: 'aborted' });
        close(steps, member, STEPS, at);
      }
      put({ ph: 'i', s: 't', name: event.kind, pid, tid: PHASES, ts: at * MICRO, args: event });
    },
    note(member, at, name, args) {
      put({ ph: 'X', name, pid: idOf(member), tid: PHASES, ts: at * MICRO, dur: NOTE_MS * MICRO, args });
    },
    message(from, to, kind, sentAt, at) {
      flows += 1;
      const common = { cat: 'message', name: kind, id: flows, tid: PHASES };
      put({ ...common, ph: 's', pid: idOf(from), ts: sentAt * MICRO });
      put({ ...common, ph: 'f', bp: 'e', pid: idOf(to), ts: at * MICRO });
    },
    text(now) {
      for (const member of ids.keys()) {
        close(phases, member, PHASES, now);
        close(steps, member, STEPS, now);
      }
      return `{"displayTimeUnit":"ms","traceEvents":[\n${events.join(',\n')}\n]}\n`;
    },
  };
}
