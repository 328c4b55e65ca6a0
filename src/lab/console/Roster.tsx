// Who is in, room by room: device, engine, state, step, lessons and answer of each; and a tick for whom the next fault strikes.

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';
import type { ClassParticipant, ClassReport, ClassRoster } from '../../live/classroom/messages.ts';
import { Icon } from '../view/icons.tsx';
import { Panel } from '../view/Panel.tsx';
import { rankStyle } from '../view/RankName.tsx';
import { toldWords } from '../told-words.ts';
import { words } from '../words.ts';
import type { Console } from './console.ts';
import { consoleWords } from './console-words.ts';
import { roomState } from './room-state.ts';

interface Group {
  readonly name: string;
  /** Undefined: of those who have none. */
  readonly room: string | undefined;
  readonly people: readonly ClassParticipant[];
}

/** By room; last those who have none. */
function groupsOf({ rooms, participants }: ClassRoster): readonly Group[] {
  const groups: Group[] = rooms.map(({ name, room }) => ({
    name,
    room,
    people: participants.filter((one) => one.room === room),
  }));
  const without = participants.filter((one) => one.room === undefined);
  return without.length === 0
    ? groups
    : [...groups, { name: consoleWords.roster.noRoom, room: undefined, people: without }];
}

export function Roster({ console }: { readonly console: Console }): JSX.Element {
  const roster = console.roster.value;
  const leaving = useSignal<ClassParticipant | undefined>(undefined);
  const confirm = useRef<HTMLDialogElement>(null);
  const here = console.present.value;
  const hasLessons = roster.participants.some(({ report }) => report?.lessons !== undefined);
  const areAllSelected = here.length > 0 && here.every(({ id }) => console.selected.value.has(id));
  return (
    <Panel
      name="roster"
      title={consoleWords.roster.title}
      about={consoleWords.here(here.length, roster.participants.length)}
      aside={
        here.length > 0 && (
          <label class="select-all">
            <input
              type="checkbox"
              checked={areAllSelected}
              onChange={() => {
                console.selected.value = new Set(areAllSelected ? [] : here.map(({ id }) => id));
              }}
            />
            {consoleWords.roster.selectAll}
          </label>
        )
      }
    >
      {roster.participants.length === 0 && <p class="empty">{consoleWords.roster.empty}</p>}
      <div class="roster-rooms">
        {groupsOf(roster).map((group) => (
          <section
            key={group.room ?? ''}
            class="roster-room"
            aria-label={
              group.room === undefined ? consoleWords.roster.noRoom : consoleWords.roster.room(group.name)
            }
          >
            <RoomHead console={console} group={group} />
            <ul>
              {group.people.map((one) => (
                <Person
                  key={one.id}
                  console={console}
                  one={one}
                  hasLessons={hasLessons}
                  remove={() => {
                    leaving.value = one;
                    confirm.current?.showModal();
                  }}
                />
              ))}
            </ul>
          </section>
        ))}
      </div>
      <dialog ref={confirm} class="dialog" aria-labelledby="remove-title">
        <h2 id="remove-title">{consoleWords.roster.yes}</h2>
        <p>{consoleWords.roster.removeConfirm(leaving.value?.nickname ?? '')}</p>
        <form method="dialog" class="row">
          <button
            type="submit"
            class="button danger"
            onClick={() => {
              if (leaving.value !== undefined) console.remove(leaving.value.id);
            }}
          >
            {consoleWords.roster.yes}
          </button>
          <button type="submit" class="button">
            {consoleWords.roster.no}
          </button>
        </form>
      </dialog>
    </Panel>
  );
}

function RoomHead({ console, group }: { readonly console: Console; readonly group: Group }): JSX.Element {
  const { name, room, people } = group;
  const { members, step, steps } = roomState(people);
  return (
    <div class="room-head">
      <h3>{room === undefined ? consoleWords.roster.noRoom : consoleWords.roster.room(name)}</h3>
      {room !== undefined && (
        <span class="muted numeric">{consoleWords.roster.roomState(members, step, steps)}</span>
      )}
      {room !== undefined && (
        <span class="room-buttons">
          <button
            type="button"
            class="button small"
            aria-label={consoleWords.roster.start(name)}
            title={consoleWords.roster.start(name)}
            onClick={() => console.order({ do: 'start' }, { room })}
          >
            <Icon name="play" />
          </button>
          <button
            type="button"
            class="button small"
            aria-label={consoleWords.roster.pause(name)}
            title={consoleWords.roster.pause(name)}
            onClick={() => console.order({ do: 'pause' }, { room })}
          >
            <Icon name="pause" />
          </button>
        </span>
      )}
    </div>
  );
}

/** "TypeScript on the CPU" says itself which engine it is. */
const machineOf = ({ device, engine }: ClassReport): string =>
  [
    device,
    ...(engine?.kind === 'webgpu' ? [consoleWords.roster.webgpu] : []),
    ...(engine === undefined ? [] : [toldWords.adapter(engine.adapter)]),
  ].join(' · ');

interface PersonProps {
  readonly console: Console;
  readonly one: ClassParticipant;
  readonly hasLessons: boolean;
  readonly remove: () => void;
}

function Person({ console, one, hasLessons, remove }: PersonProps): JSX.Element {
  const { id, nickname, present, silent, report, answer } = one;
  const { selected } = console;
  const question = console.roster.value.question;
  const state = !present ? 'away' : silent === true ? 'silent' : (report?.state ?? 'opening');
  return (
    <li class="person" data-present={present} data-state={state}>
      <label class="person-name">
        <input
          type="checkbox"
          aria-label={consoleWords.roster.select(nickname)}
          checked={selected.value.has(id)}
          disabled={!present}
          onChange={(event) => {
            const next = new Set(selected.value);
            if (event.currentTarget.checked) next.add(id);
            else next.delete(id);
            selected.value = next;
          }}
        />
        <b>{nickname}</b>
      </label>
      <span class="person-state">
        <span class="state-dot" data-state={state} aria-hidden="true" />
        {state === 'away' || state === 'silent' ? consoleWords.roster[state] : words.roomStates[state]}
        {report !== undefined && report.faults > 0 && present && (
          <span class="chip warn">
            <Icon name="spark" />
            {consoleWords.roster.faults(report.faults)}
          </span>
        )}
      </span>
      <span class="person-device muted">{report === undefined ? '…' : machineOf(report)}</span>
      <span class="person-step numeric">
        {report?.rank !== undefined && present && (
          <>
            {report.slot !== undefined && (
              <span class="rank-dot" style={rankStyle(report.slot)} aria-hidden="true">
                {report.rank}
              </span>
            )}{' '}
            <span class="muted">{words.ranks.rank(report.rank)} · </span>
          </>
        )}
        {report === undefined ? '' : consoleWords.roster.step(report.step)}
        {hasLessons && report?.lessons !== undefined && (
          <>
            {' · '}
            {consoleWords.roster.lessons}{' '}
            {consoleWords.roster.lessonsOf(report.lessons.passed, report.lessons.of)}
          </>
        )}
      </span>
      {question !== undefined && (
        <span class="person-answer">
          <span class="muted">{consoleWords.roster.answer} </span>
          {answer === undefined
            ? consoleWords.roster.unanswered
            : (question.choices[answer] ?? consoleWords.roster.unanswered)}
        </span>
      )}
      <button
        type="button"
        class="button small ghost person-remove"
        aria-label={consoleWords.roster.remove(nickname)}
        title={consoleWords.roster.remove(nickname)}
        onClick={remove}
      >
        <Icon name="cross" />
      </button>
    </li>
  );
}
