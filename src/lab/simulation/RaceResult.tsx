// What a run came to: the verdict, where the time went, what to do with it, and what happened.

import { useSignal, type Signal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Diagram, Tone } from '../../trace/diagram.ts';
import { span } from '../format.ts';
import type { Picked } from '../diagram/picking.ts';
import { SpaceTime } from '../diagram/SpaceTime.tsx';
import { toldDiagram } from '../diagram/guest-words.ts';
import { laneSlots, type SlotOf } from '../diagram/lane-colours.ts';
import { Icon } from '../view/icons.tsx';
import { rankStyle } from '../view/RankName.tsx';
import { toldWords } from '../told-words.ts';
import type { RunResult, Subject } from './api.ts';
import { isLocal, raceLink } from './race-link.ts';
import { raceWords } from './race-words.ts';
import { commandOf, replayCommand, type Run, type Simulation } from './simulation.ts';
import type { Speaker } from './speaker.ts';

const MAX_ENTRIES = 400;
/** Of the window's height. */
const MOSTLY = 0.6;

interface Props {
  readonly simulation: Simulation;
  readonly run: Run;
  readonly speaker: Speaker;
}

export function RaceResult({ simulation, run, speaker }: Props): JSX.Element {
  const { result, origin, subject } = run;
  const { verdict, invariant, reason, traceHash, committed, steps } = result;
  const isIdle = simulation.doing.value === undefined;
  const command = commandOf(run);
  const branched = simulation.branched.value;
  const cursor = useSignal<number | undefined>(undefined);
  const picked = useSignal<Picked | undefined>(undefined);
  useEffect(() => {
    cursor.value = undefined;
    picked.value = undefined;
  }, [result, branched]);
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const top = place.current?.getBoundingClientRect().top ?? 0;
    // It was asked for above: who sees no more than its edge is taken to it.
    if (top > innerHeight * MOSTLY) place.current?.scrollIntoView();
  }, [result]);
  return (
    <div ref={place} class="race-result" data-verdict={verdict}>
      <p class="race-verdict" role="status">
        <Icon name={verdict === 'violated' ? 'alert' : 'check'} />
        <b>
          {raceWords.verdicts[verdict](typeof invariant === 'string' ? toldWords.told(invariant) : invariant)}
        </b>{' '}
        {reason === undefined ? raceWords.heldMeans(committed, steps, subject) : toldWords.told(reason)}
      </p>
      <dl class="race-facts">
        <Fact name={raceWords.ran}>
          <>
            <span>{originText(run)}</span>
            {' · '}
            <span class="muted">
              {raceWords.speed(result.events, span(result.virtualMs), span(result.wallMs))}
            </span>
          </>
        </Fact>
        <Fact name={raceWords.trace}>
          <span class="mono" data-trace-hash={traceHash}>
            {traceHash}
          </span>
        </Fact>
        <Fact name={raceWords.ledger}>{ledgerText(result)}</Fact>
      </dl>
      <div class="row">
        {command !== undefined && (
          <>
            <code class="race-command" tabindex={0}>
              {command}
            </code>
            <button
              type="button"
              class="button small"
              onClick={() => void copy(speaker, command, raceWords.commandCopied)}
            >
              <Icon name="link" />
              {raceWords.copyCommand}
            </button>
          </>
        )}
        <button
          type="button"
          class="button small"
          disabled={!isIdle}
          onClick={() => void copyReplay(speaker, simulation, subject)}
        >
          <Icon name="link" />
          {raceWords.copyReplay}
        </button>
        <button
          type="button"
          class="button small"
          disabled={!isIdle}
          onClick={() => void copyLink(speaker, simulation)}
        >
          <Icon name="link" />
          {raceWords.copyLink}
        </button>
        {verdict === 'violated' && origin.kind !== 'shrunk' && (
          <button
            type="button"
            class="button small"
            disabled={!isIdle}
            onClick={() => void simulation.shrink()}
          >
            {raceWords.shrink}
          </button>
        )}
      </div>
      <Branching simulation={simulation} run={run} cursor={cursor} picked={picked} />
      <SpaceTime
        diagram={branched?.example ?? result.diagram}
        beside={branched === undefined ? undefined : result.diagram}
        cursor={cursor}
        picked={picked}
      />
      <Events diagram={result.diagram} />
    </div>
  );
}

const FUTURES = 40;
const LATER_MS = 200;

interface BranchingProps {
  readonly simulation: Simulation;
  readonly run: Run;
  readonly cursor: Signal<number | undefined>;
  readonly picked: Signal<Picked | undefined>;
}

/** Goes on from a moment with other chance, or with one message that comes later. */
function Branching({ simulation, run, cursor, picked }: BranchingProps): JSX.Element {
  const { doing, branched } = simulation;
  const { diagram, verdict } = run.result;
  const done = branched.value;
  const message = picked.value?.kind === 'message' ? diagram.arrows[picked.value.item] : undefined;
  if (done !== undefined)
    return (
      <div class="row">
        <p role="status" class="race-branch">
          {done.request.kind === 'later'
            ? raceWords.laterEnds(done.violated > 0, done.request.ms)
            : raceWords.futures(done.violated, done.futures, verdict === 'violated')}
        </p>
        <button
          type="button"
          class="button small"
          onClick={() => {
            branched.value = undefined;
          }}
        >
          {raceWords.endBranch}
        </button>
      </div>
    );
  return (
    <div class="row">
      <button
        type="button"
        class="button small"
        title={raceWords.whatIfTells}
        disabled={doing.value !== undefined || cursor.value === undefined}
        onClick={() =>
          void simulation.branch({ kind: 'chance', seq: cursor.value ?? diagram.end.seq, futures: FUTURES })
        }
      >
        {raceWords.whatIf}
      </button>
      <button
        type="button"
        class="button small"
        disabled={doing.value !== undefined || message === undefined}
        onClick={() => {
          if (message !== undefined)
            void simulation.branch({ kind: 'later', seq: message.sent.seq, ms: LATER_MS });
        }}
      >
        {raceWords.later}
      </button>
      {cursor.value === undefined && message === undefined && (
        <span class="muted race-tells">{raceWords.whatIfHint}</span>
      )}
    </div>
  );
}

export const Fact = ({
  name,
  children,
}: {
  readonly name: string;
  readonly children: JSX.Element | string;
}): JSX.Element => (
  <div>
    <dt>{name}</dt>
    <dd>{children}</dd>
  </div>
);

function originText({ origin }: Run): string {
  switch (origin.kind) {
    case 'seed':
      return raceWords.origin.seed(origin.seed);
    case 'shrunk':
      return raceWords.origin.shrunk(origin.seed, origin.size);
    case 'replay':
      return raceWords.origin.replay;
  }
}

interface Entry {
  readonly at: number;
  readonly seq: number;
  readonly lane: number | undefined;
  readonly text: string;
  readonly tone: Tone;
}

function entriesOf({ marks, headlines, failing }: Diagram): readonly Entry[] {
  const all: Entry[] = [
    ...marks,
    ...headlines.map((headline) => ({ ...headline, lane: undefined, tone: 'plain' }) as const),
  ];
  all.sort((a, b) => a.seq - b.seq);
  if (failing !== undefined)
    all.push({
      at: failing.at,
      seq: failing.seq,
      lane: undefined,
      text: toldWords.told(failing.sentence),
      tone: 'bad',
    });
  return all;
}

interface EventsProps {
  readonly diagram: Diagram;
  readonly slotOf?: SlotOf | undefined;
}

export function Events({ diagram, slotOf }: EventsProps): JSX.Element {
  const entries = entriesOf(toldDiagram(diagram));
  const slots = laneSlots(diagram.lanes, slotOf);
  const shown = entries.slice(0, MAX_ENTRIES);
  return (
    <ol class="race-events" tabindex={0} aria-label={raceWords.events}>
      {shown.map(({ at, seq, lane, text, tone }) => (
        <li key={seq} class="log-entry" data-tone={tone} data-headline={lane === undefined}>
          <time class="numeric muted">{(at / 1000).toFixed(3)} s</time>
          <span>
            {lane !== undefined && (
              <span class="rank-name" style={rankStyle(slots[lane] ?? 0)}>
                {toldWords.lane(diagram.lanes[lane]?.name ?? '')}
              </span>
            )}
          </span>
          <p>
            {tone !== 'plain' && (
              <span class="log-mark">
                <Icon name={tone === 'good' ? 'check' : 'alert'} />
                <span class="sr-only">{tone === 'good' ? raceWords.good : raceWords.bad}: </span>
              </span>
            )}
            {text}
          </p>
        </li>
      ))}
      {entries.length > shown.length && (
        <li class="muted">{raceWords.more(entries.length - shown.length)}</li>
      )}
    </ol>
  );
}

/** The largest accounts first. */
function ledgerText({ ledger }: RunResult): string {
  const accounts = Object.entries(ledger);
  const total = accounts.reduce((sum, [, ms]) => sum + ms, 0);
  return accounts
    .filter(([, ms]) => ms > 0 && ms >= total / 200)
    .sort(([, a], [, b]) => b - a)
    .map(([name, ms]) => `${raceWords.account(name)} ${Math.round((100 * ms) / total)}%`)
    .join(' · ');
}

async function copyLink(speaker: Speaker, simulation: Simulation): Promise<void> {
  const replay = await simulation.replay();
  if (replay === undefined) return;
  const link = replay.text === undefined ? undefined : raceLink(replay.text);
  if (link === undefined) speaker.complain(raceWords.linkTooLong);
  else await copy(speaker, link, isLocal(link) ? raceWords.linkLocal : raceWords.linkCopied);
}

async function copyReplay(speaker: Speaker, simulation: Simulation, subject: Subject): Promise<void> {
  const replay = await simulation.replay();
  if (replay === undefined) return;
  if (replay.text === undefined) speaker.complain(raceWords.commandTooLong);
  else await copy(speaker, replayCommand(subject, replay.text), raceWords.replayCopied);
}

async function copy(speaker: Speaker, text: string, said: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    speaker.say(said);
  } catch {
    speaker.complain(raceWords.copyByHand(text.length > 200 ? `${text.slice(0, 200)}…` : text));
  }
}
