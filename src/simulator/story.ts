// A run as a few lines that a person can follow.

import type { Strike } from '../faults/schedule.ts';
import { settingsOf } from '../faults/setting-words.ts';
import type { TraceEvent } from '../trace/events.ts';
import type { Rules } from '../protocol/rules.ts';
import type { Host } from './host.ts';
import { replayRun } from './shrink.ts';
import type { Replay } from './replay.ts';

const MAX_LINES = 40;

const seconds = (ms: number): string => `${(Math.round(ms) / 1000).toFixed(3)} s`;

/** A strike in a few words. */
export function whatStrikes({ page, rank, fault }: Strike): string {
  const who = rank === undefined ? `page ${page ?? '-'}` : rank === 'any' ? 'any rank' : `rank ${rank}`;
  const more = settingsOf(fault);
  return `${fault.kind} on ${who}${more.length === 0 ? '' : ` (${more.join(', ')})`}`;
}

/** Tells what happened, up to the verdict. Pages are numbered in the order in which they were opened. */
export function storyOf(replay: Replay, rules?: Rules): readonly string[] {
  const { experiment } = replay;
  const lines: { readonly at: number; readonly text: string }[] = [];
  const said = new Set<string>();
  const names = new Map<string, number>();
  const tell = (event: TraceEvent, host: Host): string | undefined => {
    const who = host.witness === undefined ? `page ${host.ordinal}` : 'the witness';
    const page = (member: string): string => `page ${names.get(member) ?? '?'}`;
    switch (event.kind) {
      case 'founded':
        return `${who} founds an incarnation (${event.why}) at step ${event.step}`;
      case 'installed': {
        const { incarnation, number } = event.generation;
        if (said.has(`${incarnation}/${number}`)) return undefined;
        said.add(`${incarnation}/${number}`);
        const pairs = (event.apart ?? []).map((pair) => pair.map(page).join(' and '));
        const apart = pairs.length === 0 ? '' : `; no link between ${pairs.join(', ')}`;
        return `generation ${number} begins with ${event.members.map(page).join(', ')}${event.witness === undefined ? '' : ', and the witness'}${apart}`;
      }
      case 'healed':
        return `${who} heals from ${page(event.donor)} to step ${event.step} by ${event.by}`;
      case 'learns':
        return `${who} learns from ${page(event.teacher)} beside the ring: step ${event.step}, ${event.pieces} of ${event.of} pieces are there`;
      case 'lessonOver':
        return `${who} has learned from ${page(event.teacher)} up to step ${event.step}: ${event.why}`;
      case 'seatAcquired':
        return `${who} takes over the seat of a page that is gone`;
      case 'suspected':
        return `${who} suspects ${page(event.peer)}: ${event.evidence}`;
      case 'left':
        return `${who} leaves generation ${event.generation.number}: ${event.why}`;
      case 'restored':
        return `${who} restores the checkpoint of step ${event.step}`;
      case 'stopped':
        return `${who} stops: ${event.detail}`;
      case 'engine':
        return `${who}: ${event.detail}`;
      case 'waitingForQuorum':
        return `${who} waits for a quorum`;
      case 'violated':
        return `${who} notices: ${event.sentence}`;
      case 'phase':
      case 'linkUp':
      case 'linkCarried':
      case 'linkDown':
      case 'prepared':
      case 'promised':
      case 'voted':
      case 'chosen':
      case 'aborted':
      case 'contributed':
      case 'overflowed':
      case 'applied':
      case 'committed':
      case 'donated':
      case 'learned':
      case 'rejected':
      case 'resent':
      case 'stalled':
      case 'checkpointed':
      case 'checkpointFailed':
      case 'checkpointSkipped':
      case 'heldUp':
      case 'sampleRefused':
      case 'quarantined':
      case 'exactness':
      case 'faultInjected':
      case 'faultHealed':
      case 'refused':
      case 'turnedAway':
      case 'coloured':
        return undefined;
    }
  };
  const outcome = replayRun(replay, {
    ...(rules === undefined ? {} : { rules }),
    onStrike(strike, at) {
      lines.push({ at, text: `── ${whatStrikes(strike)}` });
    },
    onRecord(record, host) {
      names.set(host.member, host.ordinal);
      const text = tell(record.event, host);
      if (text !== undefined) lines.push({ at: record.at, text });
    },
  });
  const room =
    `${experiment.ranks} ranks in ${experiment.profiles} browser profile${experiment.profiles === 1 ? '' : 's'} ` +
    (experiment.witness === true ? `and a witness (page ${experiment.ranks}) ` : '') +
    `train ${experiment.steps} steps${experiment.bug === undefined ? '' : `, with the bug "${experiment.bug}"`}`;
  const shown =
    lines.length <= MAX_LINES
      ? lines
      : [...lines.slice(0, MAX_LINES / 2), undefined, ...lines.slice(-MAX_LINES / 2)];
  const end =
    outcome.verdict === 'held'
      ? `held: step ${outcome.committed} is committed`
      : `${outcome.verdict}${outcome.invariant === undefined ? '' : `, invariant ${outcome.invariant}`}: ${outcome.reason ?? ''}`;
  return [
    room,
    '',
    ...shown.map((line) =>
      line === undefined
        ? `        … ${lines.length - MAX_LINES} more …`
        : `${seconds(line.at).padStart(10)}  ${line.text}`,
    ),
    `${seconds(outcome.virtualMs).padStart(10)}  ${end}`,
  ];
}
