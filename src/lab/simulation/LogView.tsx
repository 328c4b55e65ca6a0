// A log or an incident that was opened: what it came to when it was run again, and its diagram, in which time is travelled.

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { SlotOf } from '../diagram/lane-colours.ts';
import type { Picked } from '../diagram/picking.ts';
import { SpaceTime } from '../diagram/SpaceTime.tsx';
import { dateAndTime, span, wholePercent } from '../format.ts';
import { Icon } from '../view/icons.tsx';
import { toldWords } from '../told-words.ts';
import type { LogRefusal, OpenedLog } from './log-reading.ts';
import type { Logs } from './logs.ts';
import { raceWords } from './race-words.ts';
import { Events, Fact } from './RaceResult.tsx';

interface Props {
  readonly logs: Logs;
  readonly slotOf?: SlotOf | undefined;
}

export function LogView({ logs, slotOf }: Props): JSX.Element {
  const shown = logs.shown.value;
  const reading = logs.reading.value;
  const refused = logs.refused.value;
  return (
    <>
      {reading !== undefined && (
        <p class="race-progress" role="status">
          {raceWords.log.reading(reading)} {/* Who listens has been told that it runs. */}
          <span class="numeric" aria-live="off">
            {wholePercent(logs.reached.value)}
          </span>
        </p>
      )}
      {refused !== undefined && (
        <p class="race-problem" role="alert">
          {raceWords.log.refused(refused.name, reasonOf(refused.why))}
        </p>
      )}
      {shown !== undefined && <Shown name={shown.name} log={shown.log} slotOf={slotOf} close={logs.close} />}
    </>
  );
}

const reasonOf = (why: LogRefusal): string =>
  why.kind === 'flaw' ? raceWords.log.flaws[why.flaw] : why.sentence;

interface ShownProps {
  readonly name: string;
  readonly log: OpenedLog;
  readonly slotOf: SlotOf | undefined;
  readonly close: () => void;
}

function Shown({ name, log, slotOf, close }: ShownProps): JSX.Element {
  const { verdict, ranks, holds, entries, spanMs, incident, divergence, diagram, skipped } = log;
  const cursor = useSignal<number | undefined>(undefined);
  const picked = useSignal<Picked | undefined>(undefined);
  const place = useRef<HTMLElement>(null);
  useEffect(() => {
    cursor.value = undefined;
    picked.value = undefined;
    // It was asked for somewhere else on the page.
    place.current?.scrollIntoView();
  }, [log]);
  return (
    <section
      ref={place}
      class="race-result race-log"
      data-verdict={verdict === 'held' ? 'held' : 'violated'}
      aria-labelledby="race-log-title"
    >
      <div class="row">
        <h3 id="race-log-title">{raceWords.log.title(name)}</h3>
        <button type="button" class="button small" onClick={close}>
          {raceWords.log.close}
        </button>
      </div>
      <p class="race-verdict" role="status">
        <Icon name={verdict === 'held' ? 'check' : 'alert'} />
        <b>{verdictOf(log)}</b> {meaningOf(log)}
      </p>
      {divergence !== undefined && (
        <p>{raceWords.log.differsAt(divergence.line, divergence.expected, divergence.found)}</p>
      )}
      <dl class="race-facts">
        <Fact name={raceWords.log.size}>{raceWords.log.ranks(ranks, entries, holds, span(spanMs))}</Fact>
        {incident !== undefined && incident.failures.length > 0 && (
          <Fact name={raceWords.log.failures}>{incident.failures.join(' ')}</Fact>
        )}
      </dl>
      {incident !== undefined && <p>{raceWords.log.room(incident.room, dateAndTime(incident.at))}</p>}
      <SpaceTime diagram={diagram} slotOf={slotOf} cursor={cursor} picked={picked} />
      <p class="muted">
        {raceWords.log.messages[holds]} {skipped > 0 && raceWords.log.skipped(skipped)}
      </p>
      <Events diagram={diagram} slotOf={slotOf} />
    </section>
  );
}

function verdictOf({ verdict, invariant }: OpenedLog): string {
  const { verdicts } = raceWords.log;
  switch (verdict) {
    case undefined:
      return verdicts.none;
    case 'held':
      return verdicts.held;
    case 'violated':
      return verdicts.violated(invariant);
    case 'differs':
      return verdicts.differs;
  }
}

function meaningOf({ verdict, sentence, committed, holds }: OpenedLog): string {
  if (verdict === undefined) return raceWords.log.noneMeans;
  return sentence === undefined ? raceWords.log.heldMeans[holds](committed) : toldWords.told(sentence);
}
