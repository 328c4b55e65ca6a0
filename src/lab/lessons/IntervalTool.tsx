// How often to save, with the reader's own numbers: Young's interval, and what is lost with it (src/checkpoint/interval.ts).

import { useSignal, type Signal } from '@preact/signals';
import type { JSX } from 'preact';
import { automaticInterval, lostShare } from '../../checkpoint/interval.ts';
import { percent, span } from '../format.ts';
import { TradeOff } from '../view/TradeOff.tsx';
import { lessonWords } from './lesson-words.ts';

const UNITS = { seconds: 1000, minutes: 60_000, hours: 3_600_000 } as const;
type Unit = keyof typeof UNITS;

interface Amount {
  readonly value: number;
  readonly unit: Unit;
}

export function IntervalTool(): JSX.Element {
  const mtbf = useSignal<Amount>({ value: 11, unit: 'seconds' });
  const cost = useSignal<Amount>({ value: 0.3, unit: 'seconds' });
  const costs = { mtbfMs: inMs(mtbf.value), costMs: inMs(cost.value) };
  const best = automaticInterval(costs, 0);
  const { overhead, redone } = lostShare(costs, best);
  return (
    <section class="lesson-tool" aria-label={lessonWords.interval.title}>
      <h3>{lessonWords.interval.title}</h3>
      <p class="muted">{lessonWords.interval.about}</p>
      <div class="lesson-amounts">
        <AmountField label={lessonWords.interval.mtbf} amount={mtbf} />
        <AmountField label={lessonWords.interval.cost} amount={cost} />
      </div>
      <p role="status">
        <b>{lessonWords.interval.best(span(best))}</b>{' '}
        {lessonWords.interval.lost(percent(overhead + redone), percent(overhead), percent(redone))}
      </p>
      <TradeOff
        pace={{
          heldUpMs: costs.costMs,
          saveMs: costs.costMs,
          mtbfMs: costs.mtbfMs,
          failures: 0,
          automaticMs: best,
          intervalMs: best,
        }}
      />
    </section>
  );
}

const inMs = ({ value, unit }: Amount): number => value * UNITS[unit];

function AmountField({
  label,
  amount,
}: {
  readonly label: string;
  readonly amount: Signal<Amount>;
}): JSX.Element {
  return (
    <fieldset class="lesson-amount">
      <legend>{label}</legend>
      <input
        class="select numeric"
        type="number"
        aria-label={label}
        required
        step="any"
        min={0.001}
        max={100_000}
        value={String(amount.value.value)}
        onInput={(event) => {
          if (event.currentTarget.validity.valid)
            amount.value = { ...amount.value, value: event.currentTarget.valueAsNumber };
        }}
      />
      <select
        class="select"
        aria-label={`${label}, ${lessonWords.interval.unit}`}
        value={amount.value.unit}
        onChange={(event) => {
          amount.value = { ...amount.value, unit: event.currentTarget.value as Unit };
        }}
      >
        {(Object.keys(UNITS) as Unit[]).map((unit) => (
          <option key={unit} value={unit}>
            {lessonWords.interval.units[unit]}
          </option>
        ))}
      </select>
    </fieldset>
  );
}
