// Loss and accuracy over steps, with a mark wherever a new generation went on.

import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { AlignedData } from 'uplot';
import type { Job } from '../../job/job.ts';
import { messageOf } from '../../live/message-of.ts';
import type { Lab } from '../model/lab.ts';
import type { Curves } from '../model/curves.ts';
import { loss, percent } from '../format.ts';
import { words } from '../words.ts';
import { theme } from '../theme.ts';
import type { Plot, PlotKind } from './plot.ts';
import { Panel } from './Panel.tsx';
import { followSight } from './sight.ts';

/** A tenth of what a page without a curve loads: it comes once the first steps are done, not in their way. */
const OPEN_AFTER_MS = 500;

export const Charts = ({ lab }: { readonly lab: Lab }): JSX.Element => (
  <>
    <Chart lab={lab} kind="loss" />
    <Chart lab={lab} kind="accuracy" />
  </>
);

function Chart({ lab, kind }: { readonly lab: Lab; readonly kind: PlotKind }): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const curves = lab.curves.value;
  const reading = newestOf(kind, curves);
  const { title, empty } = wordsFor(kind, lab.room.value.job);

  useEffect(() => {
    const { current } = place;
    if (current === null) return;
    let plot: Plot | undefined;
    let opening: ReturnType<typeof setTimeout> | undefined;
    let ended = false;
    let inSight = false;
    const show = (value: Curves): void => {
      if (inSight) plot?.show(columnsOf(kind, value), lab.room.peek().job.steps, marksOf(lab));
    };
    const open = async (): Promise<void> => {
      const { createPlot } = await import('./plot.ts');
      if (ended) return;
      plot = createPlot(current, kind);
      show(lab.curves.peek());
    };
    const draw = (value: Curves): void => {
      show(value);
      if (!inSight || value.step.length + value.evaluations.length === 0) return;
      opening ??= setTimeout(() => {
        open().catch((error: unknown) => {
          lab.complain(() => words.charts.failed(messageOf(error)));
        });
      }, OPEN_AFTER_MS);
    };
    const unfollow = lab.curves.subscribe(draw);
    const unfollowSight = followSight(current, (now) => {
      inSight = now;
      draw(lab.curves.peek());
    });
    const unfollowTheme = theme.subscribe(() => plot?.redraw());
    return () => {
      ended = true;
      clearTimeout(opening);
      unfollow();
      unfollowSight();
      unfollowTheme();
      plot?.destroy();
    };
  }, [lab, kind]);

  return (
    <Panel
      name={`chart ${kind}`}
      title={title}
      aside={
        <p class="chart-keys muted">
          <span>
            <i class={`key ${kind === 'loss' ? 'line' : 'thin'}`} aria-hidden="true" />
            {kind === 'loss' ? words.charts.mean : words.charts.training}
          </span>
          <span>
            <i class={`key ${kind === 'loss' ? 'thin' : 'line'}`} aria-hidden="true" />
            {kind === 'loss' ? words.charts.eachStep : words.charts.heldOut}
          </span>
          <b class="reading numeric">{reading?.text ?? '–'}</b>
        </p>
      }
    >
      <div class="chart-stage">
        <div
          ref={place}
          class="plot"
          role="img"
          aria-label={
            reading === undefined ? empty : words.charts.describe(title, reading.text, reading.step)
          }
        />
        {reading === undefined && curves.step.length === 0 && <p class="empty chart-empty">{empty}</p>}
      </div>
    </Panel>
  );
}

/** A language model predicts a character at a time; the others, one class a sample. */
function wordsFor(kind: PlotKind, job: Job): { readonly title: string; readonly empty: string } {
  const text = job.data.kind === 'text';
  const { charts } = words;
  if (kind === 'loss') return { title: text ? charts.lossOfText : charts.loss, empty: charts.empty };
  return text
    ? { title: charts.accuracyOfText, empty: charts.emptyAccuracyOfText }
    : { title: charts.accuracy, empty: charts.emptyAccuracy };
}

function newestOf(
  kind: PlotKind,
  curves: Curves,
): { readonly text: string; readonly step: number } | undefined {
  if (kind === 'loss') {
    const value = curves.smoothLoss.at(-1);
    const step = curves.step.at(-1);
    return value === undefined || step === undefined ? undefined : { text: loss(value), step };
  }
  const evaluation = curves.evaluations.at(-1);
  return evaluation === undefined ? undefined : { text: percent(evaluation.accuracy), step: evaluation.step };
}

/** uPlot wants one column of steps: evaluations are spread over the steps at which they were measured. */
function columnsOf(kind: PlotKind, curves: Curves): AlignedData {
  if (kind === 'loss') return [[...curves.step], [...curves.loss], [...curves.smoothLoss]];
  const training = new Map(curves.step.map((step, i) => [step, curves.smoothAccuracy[i]]));
  const heldOut = new Map(curves.evaluations.map((point) => [point.step, point.accuracy]));
  const steps = [...new Set([...training.keys(), ...heldOut.keys()])].sort((a, b) => a - b);
  return [steps, steps.map((step) => training.get(step)), steps.map((step) => heldOut.get(step))];
}

/** Steps at which a generation with another membership went on. */
const marksOf = (lab: Lab): readonly number[] =>
  lab.books
    .peek()
    .regroups.read()
    .flatMap(({ step, lost, joined, members }) => {
      const changed = lost.length > 0 || (joined.length > 0 && joined.length < members.length);
      return step === undefined || step === 0 || !changed ? [] : [step];
    });
