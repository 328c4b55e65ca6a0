// What the ranks of this tab have seen, as sentences, newest first. Scrolled down, the list stands still until asked to go on.

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';
import type { MemberId } from '../../ports/ids.ts';
import type { LogEntry } from '../model/event-book.ts';
import type { Lab } from '../model/lab.ts';
import { shortId, timeOfDay } from '../format.ts';
import { sentenceOf } from '../sentences.ts';
import type { Topic } from '../topic.ts';
import { words } from '../words.ts';
import { Icon } from './icons.tsx';
import { Panel } from './Panel.tsx';
import { RankDot, RankName } from './RankName.tsx';

const TOPICS: readonly Topic[] = ['membership', 'state', 'faults', 'votes', 'links', 'steps'];
const AT_FIRST: readonly Topic[] = ['membership', 'state', 'faults'];
const SHOWN = 150;
/** With fewer entries than this, the log says what would fill it. */
const FEW = 8;
/** Scrolled further down than this, somebody is reading. */
const READING_PX = 12;

export function EventLog({ lab }: { readonly lab: Lab }): JSX.Element {
  const topics = useSignal<ReadonlySet<Topic>>(new Set(AT_FIRST));
  const of = useSignal<MemberId | undefined>(undefined);
  /** The list as it stood when somebody began to read; undefined: it follows. */
  const held = useSignal<readonly LogEntry[] | undefined>(undefined);
  const list = useRef<HTMLOListElement>(null);

  const newest = lab.books.value.events.read(topics.value, of.value, SHOWN);
  const shown = held.value ?? newest;
  const newer = held.value === undefined ? 0 : countNewer(newest, held.value);

  const follow = (): void => {
    held.value = undefined;
    list.current?.scrollTo({ top: 0 });
  };
  const toggle = (topic: Topic): void => {
    const next = new Set(topics.value);
    if (!next.delete(topic)) next.add(topic);
    topics.value = next;
    follow();
  };

  return (
    <Panel name="log" title={words.log.title} aside={<Download lab={lab} />}>
      <div class="filters" role="group" aria-label={words.log.filter}>
        {TOPICS.map((topic) => (
          <button
            key={topic}
            type="button"
            class="toggle"
            aria-pressed={topics.value.has(topic)}
            onClick={() => {
              toggle(topic);
            }}
          >
            {words.topics[topic]}
          </button>
        ))}
        <select
          class="select small"
          aria-label={words.log.ofRank}
          value={of.value ?? ''}
          onChange={(event) => {
            of.value = lab.locals.value.find((rank) => rank.member === event.currentTarget.value)?.member;
            follow();
          }}
        >
          <option value="">{words.log.allRanks}</option>
          {lab.locals.value.map(({ member }) => (
            <option key={member} value={member}>
              {shortId(member)}
            </option>
          ))}
        </select>
      </div>
      <div class="log-stage">
        {newer > 0 && (
          <button type="button" class="button small primary log-newer" onClick={follow}>
            {words.log.newer(newer)}
          </button>
        )}
        <ol
          ref={list}
          class="log-list"
          tabindex={0}
          aria-labelledby="log-title"
          onScroll={(event) => {
            const reading = event.currentTarget.scrollTop > READING_PX;
            if (reading) held.value ??= newest;
            else held.value = undefined;
          }}
        >
          {shown.map((entry) => (
            <Entry key={entry.id} lab={lab} entry={entry} />
          ))}
          {shown.length > 0 && shown.length < FEW && <li class="empty log-so-far">{words.log.soFar}</li>}
        </ol>
        {shown.length === 0 && <p class="empty">{words.log.empty}</p>}
      </div>
    </Panel>
  );
}

const Entry = ({ lab, entry }: { readonly lab: Lab; readonly entry: LogEntry }): JSX.Element => (
  <li class="log-entry" data-tone={entry.tone}>
    <time class="numeric muted">{timeOfDay(entry.at)}</time>
    <span class="dots">
      {entry.reporters.map((member) => (
        <RankDot key={member} lab={lab} member={member} />
      ))}
    </span>
    <p>
      {entry.tone !== 'plain' && (
        <span class="log-mark">
          <Icon name={entry.tone === 'good' ? 'check' : 'alert'} />
          <span class="sr-only">{entry.tone === 'good' ? words.log.good : words.log.bad}: </span>
        </span>
      )}
      {sentenceOf(entry.event, entry.reporters[0]).map((part, i) =>
        typeof part === 'string' ? part : <RankName key={i} lab={lab} member={part.member} />,
      )}
    </p>
  </li>
);

/** Entries above the newest that is shown. */
function countNewer(newest: readonly LogEntry[], held: readonly LogEntry[]): number {
  const top = held[0];
  if (top === undefined) return newest.length;
  const index = newest.findIndex((entry) => entry.id === top.id);
  return index === -1 ? newest.length : index;
}

const Download = ({ lab }: { readonly lab: Lab }): JSX.Element => (
  <span class="row">
    <button
      type="button"
      class="button small ghost"
      title={words.log.diagramMeans}
      disabled={lab.busy.value.has('diagram') || lab.locals.value.length === 0}
      onClick={() => void lab.drawRecording()}
    >
      <Icon name="lanes" />
      {words.log.diagram}
    </button>
    <button
      type="button"
      class="button small ghost"
      title={words.log.downloadMeans}
      disabled={lab.busy.value.has('recording') || lab.locals.value.length === 0}
      onClick={() => void lab.downloadRecording()}
    >
      <Icon name="save" />
      {words.log.download}
    </button>
    <button
      type="button"
      class="button small ghost"
      title={words.log.incidentMeans}
      disabled={lab.busy.value.has('incident') || lab.locals.value.length === 0}
      onClick={() => void lab.downloadIncident()}
    >
      <Icon name="alert" />
      {words.log.incident}
    </button>
  </span>
);
