// The space-time diagram of a run, or of two side by side: its filters, its canvas, time travel, and what is known of what is pointed at.

import './diagram.css';
import { useSignal, type Signal } from '@preact/signals';
import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import type { Diagram } from '../../trace/diagram.ts';
import { language } from '../language/language.ts';
import { rankStyle } from '../view/RankName.tsx';
import { toldWords } from '../told-words.ts';
import { createCausality } from './causality.ts';
import { DiagramCanvas } from './DiagramCanvas.tsx';
import { diagramWords } from './diagram-words.ts';
import { toldDiagram } from './guest-words.ts';
import { firstDifference } from './difference.ts';
import type { SlotOf } from './lane-colours.ts';
import { isMessageKind } from './message-kinds.ts';
import { kindVariable } from './palette.ts';
import type { Picked } from './picking.ts';
import { createScene, fateOf, NO_FILTERS, type Filters, type Scale, type Scene } from './scene.ts';
import { factsAt, momentText, placeOf, stepFrom } from './travel.ts';

/** More lanes than this are no row of buttons any more. */
const MAX_TOGGLES = 32;
const MAX_FACTS = 16;

interface Props {
  readonly diagram: Diagram;
  /** Another run to compare it with: what it was branched from. */
  readonly beside?: Diagram | undefined;
  /** The colours of ranks that stand on a ring of the page. */
  readonly slotOf?: SlotOf | undefined;
  /** Where time stands, as a number in the record; undefined: at its end. */
  readonly cursor: Signal<number | undefined>;
  /** The message that is pointed at. */
  readonly picked: Signal<Picked | undefined>;
}

export function SpaceTime({ slotOf, cursor, picked, ...raw }: Props): JSX.Element {
  const spoken = language.value;
  const diagram = useMemo(() => toldDiagram(raw.diagram), [raw.diagram, spoken]);
  const beside = useMemo(
    () => (raw.beside === undefined ? undefined : toldDiagram(raw.beside)),
    [raw.beside, spoken],
  );
  const filters = useSignal<Filters>(NO_FILTERS);
  const scene = useMemo(() => createScene(diagram, filters.value, slotOf), [diagram, filters.value, slotOf]);
  const other = useMemo(
    () => (beside === undefined ? undefined : createScene(beside, filters.value)),
    [beside, filters.value],
  );
  const difference = useMemo(
    () => (beside === undefined ? undefined : firstDifference(beside, diagram)),
    [beside, diagram],
  );
  if (diagram.lanes.length === 0) return <p class="muted">{diagramWords.empty}</p>;

  const go = (place: number): void => {
    picked.value = undefined;
    cursor.value = scene.moments[Math.max(0, Math.min(scene.moments.length - 1, place))]?.seq;
  };
  const here = cursor.value ?? diagram.end.seq;
  const place = placeOf(scene, here);
  const keys = {
    step: (by: 'event' | 'step', direction: -1 | 1) => {
      go(by === 'event' ? place + direction : stepFrom(scene, place, direction));
    },
    jump: (to: 'start' | 'end') => {
      go(to === 'start' ? 0 : scene.moments.length - 1);
    },
  };
  const at = (of: Scene, moment: { readonly at: number; readonly seq: number } | undefined) =>
    moment === undefined ? undefined : of.position(moment);

  return (
    <div class="diagram">
      <Tools scene={scene} filters={filters} />
      {diagram.failing !== undefined && (
        <p class="diagram-failing">
          <b>{toldWords.told(diagram.failing.invariant)}.</b> {toldWords.told(diagram.failing.sentence)}
        </p>
      )}
      <div class="diagram-views">
        {other !== undefined && (
          <figure>
            <figcaption>{diagramWords.sides.run}</figcaption>
            <DiagramCanvas
              scene={other}
              keys={keys}
              cursor={undefined}
              chosen={undefined}
              differsAt={at(other, difference?.left)}
              onPick={() => undefined}
            />
          </figure>
        )}
        <figure>
          {other !== undefined && <figcaption>{diagramWords.sides.other}</figcaption>}
          <DiagramCanvas
            scene={scene}
            keys={keys}
            cursor={cursor.value === undefined ? undefined : at(scene, scene.moments[place])}
            chosen={picked.value}
            differsAt={at(scene, difference?.right)}
            onPick={(found) => {
              if (found !== undefined || picked.value !== undefined) picked.value = found;
            }}
          />
        </figure>
      </div>
      {beside !== undefined && difference === undefined && <p role="status">{diagramWords.same}</p>}
      <p class="diagram-says" aria-live="polite">
        <Says scene={scene} picked={picked.value} here={cursor.value} />
      </p>
      <Travel scene={scene} place={place} go={go} keys={keys} />
      {cursor.value !== undefined && <Facts scene={scene} here={here} />}
      {diagram.omitted > 0 && <p class="muted">{diagramWords.omitted(diagram.omitted)}</p>}
    </div>
  );
}

const flipped = <T,>(set: ReadonlySet<T>, item: T): ReadonlySet<T> => {
  const next = new Set(set);
  if (!next.delete(item)) next.add(item);
  return next;
};

function Tools({
  scene,
  filters,
}: {
  readonly scene: Scene;
  readonly filters: Signal<Filters>;
}): JSX.Element {
  const { diagram, kinds } = scene;
  const now = filters.value;
  const groups = [...new Set(diagram.lanes.flatMap(({ group }) => group ?? []))];
  const change = (part: Partial<Filters>): void => {
    filters.value = { ...now, ...part };
  };
  return (
    <div class="diagram-tools">
      <label class="group">
        <span>{diagramWords.scale}</span>
        <select
          class="select small"
          value={now.scale}
          onChange={(event) => {
            change({ scale: event.currentTarget.value as Scale });
          }}
        >
          <option value="order">{diagramWords.scales.order}</option>
          <option value="time">{diagramWords.scales.time}</option>
        </select>
      </label>
      <div class="group" role="group" aria-label={diagramWords.kinds}>
        {[...kinds].map(([kind, colour]) => (
          <button
            key={kind}
            type="button"
            class="toggle"
            title={kind}
            aria-pressed={!now.hiddenKinds.has(kind)}
            onClick={() => {
              change({ hiddenKinds: flipped(now.hiddenKinds, kind) });
            }}
          >
            <span class="swatch" style={{ '--swatch': kindVariable(colour) }} aria-hidden="true" />
            {kindName(scene, kind)}
          </button>
        ))}
      </div>
      {diagram.lanes.length <= MAX_TOGGLES && (
        <div class="group" role="group" aria-label={diagramWords.ranks}>
          {diagram.lanes.map(({ name }, lane) => (
            <button
              key={name}
              type="button"
              class="toggle"
              aria-pressed={!now.hiddenLanes.has(lane)}
              onClick={() => {
                change({ hiddenLanes: flipped(now.hiddenLanes, lane) });
              }}
            >
              <span class="rank-name" style={rankStyle(scene.slots[lane] ?? 0)}>
                {toldWords.lane(name)}
              </span>
            </button>
          ))}
        </div>
      )}
      {groups.length > 1 && (
        <div class="group" role="group" aria-label={diagramWords.fold}>
          <span>{diagramWords.fold}</span>
          {groups.map((group) => (
            <button
              key={group}
              type="button"
              class="button small"
              aria-pressed={now.foldedGroups.has(group)}
              onClick={() => {
                change({ foldedGroups: flipped(now.foldedGroups, group) });
              }}
            >
              {toldWords.lane(group)}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}

/** Of the protocol's kinds in words; of a reader's own as it is. */
const kindName = ({ kinds }: Scene, kind: string): string =>
  isMessageKind(kind) && [...kinds.keys()].every(isMessageKind) ? diagramWords.kindNames[kind] : kind;

const seconds = (ms: number): string => (ms / 1000).toFixed(3);

function Says({
  scene,
  picked,
  here,
}: {
  readonly scene: Scene;
  readonly picked: Picked | undefined;
  readonly here: number | undefined;
}): JSX.Element {
  const { diagram } = scene;
  const cone = useMemo(
    () =>
      picked?.kind === 'message'
        ? createCausality(diagram.arrows, diagram.lanes.length).cone(picked.item)
        : undefined,
    [diagram, picked],
  );
  const name = (lane: number): string => toldWords.lane(diagram.lanes[lane]?.name ?? '');
  if (picked?.kind === 'message') {
    const arrow = diagram.arrows[picked.item];
    if (arrow === undefined || cone === undefined) return <></>;
    const { sent, received } = arrow;
    return (
      <>
        <b title={arrow.kind}>
          {diagramWords.message(kindName(scene, arrow.kind), name(arrow.from), name(arrow.to))}
        </b>
        , {diagramWords.sentAt(seconds(sent.at))},{' '}
        {received === undefined
          ? diagramWords.missing[fateOf(arrow, diagram)]
          : diagramWords.took((received.at - sent.at).toFixed(1))}
        . {diagramWords.cone(cone.past.size, cone.future.size)}
        {arrow.label !== arrow.kind && <span class="muted"> {arrow.label}</span>}
      </>
    );
  }
  if (picked?.kind === 'mark') {
    const mark = diagram.marks[picked.item];
    if (mark === undefined) return <></>;
    return <>{diagramWords.mark(name(mark.lane), seconds(mark.at), mark.text)}</>;
  }
  if (here !== undefined) return <>{momentText(scene, here)}</>;
  return <span class="muted">{diagramWords.hint}</span>;
}

interface TravelProps {
  readonly scene: Scene;
  readonly place: number;
  readonly go: (place: number) => void;
  readonly keys: {
    readonly step: (by: 'event' | 'step', direction: -1 | 1) => void;
    readonly jump: (to: 'start' | 'end') => void;
  };
}

function Travel({ scene, place, go, keys }: TravelProps): JSX.Element {
  const last = scene.moments.length - 1;
  const at = seconds(scene.moments[place]?.at ?? 0);
  const says = diagramWords.at(at, place + 1, last + 1);
  const button = (name: string, sign: string, isAtEnd: boolean, action: () => void): JSX.Element => (
    <button
      type="button"
      class="button small"
      aria-label={name}
      title={name}
      disabled={isAtEnd}
      onClick={action}
    >
      {sign}
    </button>
  );
  return (
    <div class="travel" role="group" aria-label={diagramWords.travel}>
      {button(diagramWords.first, '⇤', place === 0, () => {
        keys.jump('start');
      })}
      {button(diagramWords.stepBack, '«', place === 0, () => {
        keys.step('step', -1);
      })}
      {button(diagramWords.back, '‹', place === 0, () => {
        keys.step('event', -1);
      })}
      <input
        type="range"
        min={0}
        max={last}
        value={place}
        aria-label={diagramWords.moment}
        aria-valuetext={says}
        onInput={(event) => {
          go(event.currentTarget.valueAsNumber);
        }}
      />
      {button(diagramWords.forward, '›', place === last, () => {
        keys.step('event', 1);
      })}
      {button(diagramWords.stepOn, '»', place === last, () => {
        keys.step('step', 1);
      })}
      {button(diagramWords.last, '⇥', place === last, () => {
        keys.jump('end');
      })}
      <span class="muted numeric">{says}</span>
    </div>
  );
}

function Facts({ scene, here }: { readonly scene: Scene; readonly here: number }): JSX.Element {
  const facts = factsAt(scene, here);
  return (
    <ul class="diagram-facts" aria-label={diagramWords.facts}>
      {facts.slice(0, MAX_FACTS).map((known, lane) => (
        <li key={lane}>
          <span class="rank-name" style={rankStyle(scene.slots[lane] ?? 0)}>
            {toldWords.lane(scene.diagram.lanes[lane]?.name ?? '')}
          </span>
          <dl>
            {[...known].map(([name, value]) => (
              <>
                <dt>{toldWords.fact(name)}</dt>
                <dd>{toldWords.standing(value)}</dd>
              </>
            ))}
          </dl>
        </li>
      ))}
    </ul>
  );
}
