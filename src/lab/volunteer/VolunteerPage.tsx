// The volunteer's page: what will run and what it costs, the limits, one button; then what it does, and thanks.

import type { JSX } from 'preact';
import { bytes, clockTime } from '../format.ts';
import { Mark } from '../view/Header.tsx';
import { Icon } from '../view/icons.tsx';
import { Switches } from '../view/Switches.tsx';
import { toldWords } from '../told-words.ts';
import { words } from '../words.ts';
import type { Metering } from './conditions.ts';
import { lastsMs } from './hour.ts';
import { CHOICES } from './limits.ts';
import type { Limits } from './limits.ts';
import type { Helping } from './helping.ts';
import type { Volunteer } from './volunteer.ts';
import { volunteerWords } from './volunteer-words.ts';

export const VolunteerPage = ({ volunteer }: { readonly volunteer: Volunteer }): JSX.Element => {
  const { kind } = volunteer.helping.value;
  return (
    <main class="notice-page volunteer">
      <Switches />
      <p class="brand">
        <Mark />
        {words.name}
      </p>
      <h1>{volunteerWords.title}</h1>
      <p>{volunteerWords.lead(volunteer.room)}</p>
      {kind === 'asked' ? <Ask volunteer={volunteer} /> : <Progress volunteer={volunteer} />}
      <Facts />
    </main>
  );
};

function Ask({ volunteer }: { readonly volunteer: Volunteer }): JSX.Element {
  return (
    <>
      <LimitFields volunteer={volunteer} />
      <button type="button" class="button primary big" onClick={() => volunteer.start()}>
        <Icon name="play" />
        {volunteerWords.start}
      </button>
    </>
  );
}

const Facts = (): JSX.Element => (
  <dl class="volunteer-facts">
    <dt>{volunteerWords.runsTitle}</dt>
    <dd>{volunteerWords.runs}</dd>
    <dt>{volunteerWords.sharedTitle}</dt>
    <dd>{volunteerWords.shared}</dd>
    <dt>{volunteerWords.stopTitle}</dt>
    <dd>{volunteerWords.howToStop}</dd>
  </dl>
);

function LimitFields({ volunteer }: { readonly volunteer: Volunteer }): JSX.Element {
  const limits = volunteer.limits.value;
  const own = volunteerWords.limits;
  const allow = (change: Partial<Limits>): void => volunteer.allow({ ...limits, ...change });
  const { hourlyBytes: _, ...uncapped } = limits;
  const { until: __, ...endless } = limits;
  return (
    <fieldset class="volunteer-limits">
      <legend>
        <b>{volunteerWords.costsTitle}</b> <span class="muted">{volunteerWords.costs}</span>
      </legend>
      <Choice
        label={own.share}
        choices={CHOICES.share}
        value={limits.share}
        show={own.shareOf}
        choose={(share) => allow({ share })}
      />
      <Choice
        label={own.memory}
        choices={CHOICES.memoryBytes}
        value={limits.memoryBytes}
        show={bytes}
        choose={(memoryBytes) => allow({ memoryBytes })}
      />
      <Choice
        label={own.traffic}
        means={{ id: 'traffic-means', says: own.trafficMeans }}
        choices={CHOICES.hourlyBytes}
        value={limits.hourlyBytes}
        show={(cap) => (cap === undefined ? own.noLimit : bytes(cap))}
        choose={(cap) => {
          volunteer.allow(cap === undefined ? uncapped : { ...limits, hourlyBytes: cap });
        }}
      />
      <label class="field">
        <span>{own.until}</span>
        <input
          class="text-input"
          type="time"
          value={limits.until ?? ''}
          aria-describedby="until-means"
          onChange={(event) => {
            const until = event.currentTarget.value;
            volunteer.allow(until === '' ? endless : { ...limits, until });
          }}
        />
        <small id="until-means" class="muted">
          {own.untilMeans}
        </small>
      </label>
      <Tick label={own.useGpu} on={limits.useGpu} turn={(useGpu) => allow({ useGpu })} />
      <Tick
        label={own.battery}
        on={limits.pauseOnBattery}
        turn={(pauseOnBattery) => allow({ pauseOnBattery })}
        note={volunteer.conditions.power.value === 'unknown' ? own.batteryUnknown : undefined}
      />
      <Tick
        label={own.metered}
        on={limits.pauseOnMetered}
        turn={(pauseOnMetered) => allow({ pauseOnMetered })}
        note={meteredNote(volunteer.conditions.metering.value)}
      />
    </fieldset>
  );
}

function meteredNote(metering: Metering): string | undefined {
  switch (metering) {
    case 'unknown':
      return volunteerWords.limits.meteredUnknown;
    case 'free':
      return volunteerWords.limits.meteredSaves;
    case 'metered':
      return undefined;
  }
}

interface ChoiceProps<Value> {
  readonly label: string;
  readonly choices: readonly Value[];
  readonly value: Value;
  readonly show: (value: Value) => string;
  readonly choose: (value: Value) => void;
  readonly means?: { readonly id: string; readonly says: string };
}

const Choice = <Value,>({ label, choices, value, show, choose, means }: ChoiceProps<Value>): JSX.Element => (
  <label class="field">
    <span>{label}</span>
    <select
      class="select"
      aria-describedby={means?.id}
      value={String(choices.indexOf(value))}
      onChange={(event) => {
        const index = Number(event.currentTarget.value);
        if (index >= 0 && index < choices.length) choose(choices[index] as Value);
      }}
    >
      {choices.map((choice, i) => (
        <option key={i} value={String(i)}>
          {show(choice)}
        </option>
      ))}
    </select>
    {means !== undefined && (
      <small id={means.id} class="muted">
        {means.says}
      </small>
    )}
  </label>
);

interface TickProps {
  readonly label: string;
  readonly on: boolean;
  readonly turn: (on: boolean) => void;
  readonly note?: string | undefined;
}

const Tick = ({ label, on, turn, note }: TickProps): JSX.Element => (
  <div class="volunteer-tick">
    <label>
      <input type="checkbox" checked={on} onChange={(event) => turn(event.currentTarget.checked)} />
      {label}
    </label>
    {note !== undefined && <small class="muted">{note}</small>}
  </div>
);

function Progress({ volunteer }: { readonly volunteer: Volunteer }): JSX.Element {
  const helping = volunteer.helping.value;
  const problem = volunteer.problem.value;
  const limits = volunteer.limits.value;
  const status = volunteer.status.value;
  const isOver = helping.kind === 'over';
  const pace = volunteer.pace.value;
  const { hourlyBytes: cap } = limits;
  const lasts =
    cap === undefined || pace === undefined ? undefined : lastsMs(cap, volunteer.traffic.value, pace);
  return (
    <>
      <section class="volunteer-now" data-kind={helping.kind} role="status">
        <p class="volunteer-state">
          <span class="state-dot" data-state={dotOf(helping)} aria-hidden="true" />
          <b>{volunteerWords.states[helping.kind === 'asked' ? 'joining' : helping.kind]}</b>
        </p>
        <p>{says(volunteer)}</p>
        {problem !== undefined && <p class="join-problem">{volunteerWords.problem(problem)}</p>}
      </section>
      <section class="volunteer-thanks">
        <h2>{volunteerWords.thanksTitle}</h2>
        <p>{volunteerWords.thanks(volunteer.contribution.value)}</p>
      </section>
      <p class="row">
        {helping.kind === 'paused' && helping.why === 'asked' && (
          <button type="button" class="button primary" onClick={() => volunteer.resume()}>
            <Icon name="play" />
            {volunteerWords.resume}
          </button>
        )}
        {!isOver && !(helping.kind === 'paused' && helping.why === 'asked') && (
          <button type="button" class="button" onClick={() => volunteer.pause()}>
            <Icon name="pause" />
            {volunteerWords.pause}
          </button>
        )}
        {isOver ? (
          <button type="button" class="button primary" onClick={() => volunteer.start()}>
            <Icon name="play" />
            {volunteerWords.again}
          </button>
        ) : (
          <button type="button" class="button danger" onClick={() => volunteer.stop()}>
            <Icon name="cross" />
            {volunteerWords.stop}
          </button>
        )}
      </p>
      <dl class="volunteer-used">
        <dt>{volunteerWords.traffic}</dt>
        <dd class="numeric">{volunteerWords.usedTraffic(volunteer.traffic.value, limits.hourlyBytes)}</dd>
        {pace !== undefined && (
          <>
            <dt>{volunteerWords.paceTitle}</dt>
            <dd class="numeric">{volunteerWords.pace(pace, lasts)}</dd>
          </>
        )}
        {status?.memory !== undefined && (
          <>
            <dt>{volunteerWords.memory}</dt>
            <dd class="numeric">{volunteerWords.usedMemory(status.memory.bytes, limits.memoryBytes)}</dd>
          </>
        )}
        {status?.engine !== undefined && (
          <>
            <dt>{volunteerWords.engine}</dt>
            <dd>{toldWords.adapter(status.engine.adapter)}</dd>
          </>
        )}
      </dl>
      <LimitFields volunteer={volunteer} />
    </>
  );
}

/** Which of the room's states has the colour. */
const DOTS: Readonly<Record<Exclude<Helping['kind'], 'over'>, string>> = {
  asked: 'opening',
  joining: 'regrouping',
  helping: 'training',
  paused: 'paused',
};

/** An end that was asked for, or that comes with the room's, is nothing to be alarmed by. */
const dotOf = (helping: Helping): string =>
  helping.kind !== 'over' ? DOTS[helping.kind] : helping.why === 'memory' ? 'stopped' : 'paused';

function says({ helping, status }: Volunteer): string {
  const now = helping.value;
  switch (now.kind) {
    case 'asked':
    case 'joining':
      return '';
    case 'paused':
      return now.why === 'traffic' && now.until !== undefined
        ? volunteerWords.usedUpUntil(clockTime(now.until))
        : volunteerWords.pauses[now.why];
    case 'over':
      return volunteerWords.ends[now.why];
    case 'helping': {
      const seen = status.value;
      if (seen === undefined) return '';
      if (seen.members.length < 2) return volunteerWords.alone;
      if (!seen.running) return volunteerWords.waits;
      return volunteerWords.progress(seen.committed, seen.job.steps);
    }
  }
}
