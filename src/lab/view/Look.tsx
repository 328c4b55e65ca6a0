// What the model makes of its data now: the regions of the plane that it tells apart, or held-out digits and its guesses.

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Job } from '../../job/job.ts';
import { openData } from '../../live/open-data.ts';
import type { Samples } from '../../ports/loader.ts';
import { answered } from '../lab-error.ts';
import type { Lab } from '../model/lab.ts';
import { words } from '../words.ts';
import { Panel } from './Panel.tsx';
import { followSight } from './sight.ts';

/** Between two looks at a model that trains, and at least this many times as long as an answer takes: it holds up steps meanwhile. */
const LOOK_EVERY_MS = 1000;
const REST = 20;
const CALL_MS = 30_000;
const DIGITS = 12;
const DIGIT_SIDE = 28;
/** The plane is asked at 32 × 32 places, as many as one request holds. */
const GRID = 32;
/** The plane is shown from −1.1 to 1.1, in so many pixels. */
const REACH = 1.1;
const PLANE = 320;
const POINTS = 300;
/** As the ranks' colours: told apart without red and green. */
const CLASS_COLOURS = [
  [0, 103, 178],
  [200, 82, 0],
  [128, 96, 160],
] as const;

interface Seen {
  readonly step: number;
  readonly logits: Float32Array;
  readonly samples: Samples;
}

/** Shown for jobs on digits and on points of the plane. */
export function Look({ lab }: { readonly lab: Lab }): JSX.Element | null {
  const { job } = lab.room.value;
  const { kind } = job.data;
  const seen = useSignal<Seen | undefined>(undefined);
  const { name } = job;
  const place = useRef<HTMLElement>(null);

  // A rank opens an engine of its own for the answers, with all the data: not for somebody who sees nothing of it.
  useEffect(() => {
    const { current } = place;
    if (current === null) return undefined;
    let end: (() => void) | undefined;
    const unfollow = followSight(current, (inSight) => {
      end?.();
      end = inSight ? watch(lab, (next) => (seen.value = next)) : undefined;
    });
    return () => {
      unfollow();
      end?.();
    };
  }, [lab, kind, name]);
  if (kind === 'text') return null;
  const title = kind === 'toy' ? words.look.plane : words.look.digits;
  return (
    <Panel
      name="look"
      place={place}
      title={title}
      about={seen.value === undefined ? words.look.about : words.look.by(seen.value.step)}
    >
      {seen.value === undefined ? (
        <p class="empty">{words.look.empty}</p>
      ) : kind === 'toy' ? (
        <Plane seen={seen.value} job={job} />
      ) : (
        <Digits seen={seen.value} />
      )}
    </Panel>
  );
}

/** Asks the room's best informed rank whenever the state has moved. Returns a function that ends it. */
function watch(lab: Lab, show: (seen: Seen) => void): () => void {
  let ended = false;
  let asking = false;
  let last = -1;
  let notBefore = 0;
  let samples: Promise<Samples> | undefined;

  const look = async (): Promise<void> => {
    const { observer, step, job } = lab.room.peek();
    const idle = observer?.status?.engine === undefined || step === last;
    if (asking || idle || performance.now() < notBefore || document.visibilityState === 'hidden') return;
    asking = true;
    try {
      const wanted = await (samples ??= loadShown(job));
      const began = performance.now();
      const inputs = job.data.kind === 'toy' ? gridOfPlane() : wanted.inputs;
      const { step: at, logits } = await answered(
        words.look.plane,
        CALL_MS,
        observer.handle.predict({ inputs, position: 0 }, true),
      );
      last = step;
      notBefore = performance.now() + REST * (performance.now() - began);
      // A look that came late, or whose rank has gone, is made up for by the next.
      if (!ended) show({ step: at, logits, samples: wanted });
    } catch {
      samples = undefined;
    } finally {
      asking = false;
    }
  };
  const timer = setInterval(() => void look(), LOOK_EVERY_MS);
  void look();
  return () => {
    ended = true;
    clearInterval(timer);
  };
}

/** Held-out digits, or points of the plane. */
async function loadShown(job: Job): Promise<Samples> {
  const loader = await openData(job, new URL('data/', document.baseURI).href);
  const split = job.data.kind === 'toy' ? 'train' : 'test';
  const length = Math.min(loader.sizes[split], job.data.kind === 'toy' ? POINTS : DIGITS);
  return await loader.load(
    split,
    Int32Array.from({ length }, (_, row) => row),
  );
}

/** f32[GRID², 2]: the middles of the grid's cells, from the upper left, row by row. */
function gridOfPlane(): Float32Array<ArrayBuffer> {
  const inputs = new Float32Array(2 * GRID * GRID);
  const at = (cell: number): number => REACH * ((2 * cell + 1) / GRID - 1);
  for (let cell = 0; cell < GRID * GRID; cell++) {
    inputs[2 * cell] = at(cell % GRID);
    inputs[2 * cell + 1] = -at(Math.floor(cell / GRID));
  }
  return inputs;
}

/** Classes by likelihood, of the sample at `index`: softmax, for people. */
function shares(logits: Float32Array, index: number, classes: number): readonly number[] {
  const own = [...logits.subarray(index * classes, (index + 1) * classes)];
  const greatest = Math.max(...own);
  const weights = own.map((logit) => Math.exp(logit - greatest));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

function Plane({ seen, job }: { readonly seen: Seen; readonly job: Job }): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null);
  const classes = seen.logits.length / (GRID * GRID);
  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!context) return;
    const cell = PLANE / GRID;
    for (let i = 0; i < GRID * GRID; i++) {
      const parts = shares(seen.logits, i, classes);
      const mixed = [0, 1, 2].map((channel) =>
        parts.reduce((sum, share, label) => sum + share * (CLASS_COLOURS[label]?.[channel] ?? 0), 0),
      );
      context.fillStyle = '#fff';
      context.fillRect((i % GRID) * cell, Math.floor(i / GRID) * cell, cell, cell);
      context.fillStyle = `rgb(${mixed.map(Math.round).join(' ')} / 45%)`;
      context.fillRect((i % GRID) * cell, Math.floor(i / GRID) * cell, cell, cell);
    }
    const { inputs, labels } = seen.samples;
    const pixel = (value: number): number => ((value / REACH + 1) / 2) * PLANE;
    context.strokeStyle = '#fff';
    labels.forEach((label, i) => {
      context.beginPath();
      context.arc(pixel(inputs[2 * i] ?? 0), pixel(-(inputs[2 * i + 1] ?? 0)), 3, 0, 2 * Math.PI);
      context.fillStyle = `rgb(${(CLASS_COLOURS[label] ?? [0, 0, 0]).join(' ')})`;
      context.fill();
      context.stroke();
    });
  }, [seen, classes]);
  return (
    <figure class="plane">
      <canvas
        ref={canvas}
        width={PLANE}
        height={PLANE}
        role="img"
        aria-label={words.look.planeMeans(job.name, classes, seen.step)}
      />
      <figcaption class="muted">{words.look.planeReads(seen.samples.labels.length)}</figcaption>
    </figure>
  );
}

const Digits = ({ seen }: { readonly seen: Seen }): JSX.Element => {
  const classes = seen.logits.length / seen.samples.labels.length;
  return (
    <ul class="digits">
      {[...seen.samples.labels].map((label, i) => {
        const parts = shares(seen.logits, i, classes);
        const guess = parts.indexOf(Math.max(...parts));
        return (
          <li key={i} data-right={guess === label}>
            <Digit pixels={seen.samples.inputs.subarray(i * DIGIT_SIDE ** 2, (i + 1) * DIGIT_SIDE ** 2)} />
            <span>{guess === label ? words.look.right(guess) : words.look.wrong(guess, label)}</span>
          </li>
        );
      })}
    </ul>
  );
};

function Digit({ pixels }: { readonly pixels: ArrayLike<number> }): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!context) return;
    const image = context.createImageData(DIGIT_SIDE, DIGIT_SIDE);
    for (let i = 0; i < DIGIT_SIDE ** 2; i++) {
      image.data.fill(255 - Math.round(255 * (pixels[i] ?? 0)), 4 * i, 4 * i + 3);
      image.data[4 * i + 3] = 255;
    }
    context.putImageData(image, 0, 0);
  }, [pixels]);
  return <canvas ref={canvas} width={DIGIT_SIDE} height={DIGIT_SIDE} aria-hidden="true" />;
}
