// `npm run wire-curves`: trains the digits in every wire format, draws the loss curves into docs/wire-formats.svg and prints the
// table of docs/benchmarks.md.

import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { PART_LANES } from '../../src/collective/all-reduce.ts';
import { blocksOf } from '../../src/collective/lane-blocks.ts';
import { createCpuEngine } from '../../src/engine/cpu/engine.ts';
import { DEFAULT_JOB, type Job } from '../../src/job/job.ts';
import { formatWire, type Wire } from '../../src/job/wire-schema.ts';
import { loadDigits } from '../support/digits.ts';
import { layoutOf, trainStep } from '../support/engine.ts';

const { values } = parseArgs({ options: { steps: { type: 'string', default: String(DEFAULT_JOB.steps) } } });
const steps = Number(values.steps);
const FORMATS: readonly Wire[] = [
  { format: 'i32' },
  ...[16, 8, 6, 4].map((bits) => ({ format: 'narrow', bits }) as const),
];
const COLOURS = ['#222222', '#3366cc', '#2a9d4a', '#d98a00', '#cc3344'];
/** A curve shows means over so many steps: batches differ from one to the next far more than the formats do. */
const WINDOW = 10;

interface Curve {
  readonly name: string;
  /** Bytes of one contribution on the wire, a mean over the steps. */
  readonly bytes: number;
  readonly losses: readonly number[];
  readonly redone: number;
  readonly testLoss: number;
  readonly accuracy: number;
}

async function trainIn(wire: Wire): Promise<Curve> {
  const job: Job = { ...DEFAULT_JOB, steps, wire };
  const layout = layoutOf(job);
  const engine = createCpuEngine({ job, loader: loadDigits(), reason: 'It draws a curve.' });
  const losses: number[] = [];
  let redone = 0;
  let words = 0;
  for (let step = 0; step < steps; step++) {
    const trained = await trainStep(engine, step);
    losses.push(trained.loss);
    redone += trained.redone ? 1 : 0;
    for (let start = 0; start < layout.length; start += PART_LANES) {
      const part = trained.lanes.subarray(start, start + PART_LANES);
      words += blocksOf(part)?.words ?? part.length;
    }
  }
  const { loss, correct, predictions } = await engine.evaluate();
  return {
    name: formatWire(wire),
    bytes: Math.round((4 * words) / steps),
    losses,
    redone,
    testLoss: loss,
    accuracy: correct / predictions,
  };
}

const curves: Curve[] = [];
for (const wire of FORMATS) curves.push(await trainIn(wire));

const [whole] = curves;
console.log('| format | bytes a step | of i32 | loss on held-out digits | accuracy | steps redone |');
console.log('|---|---|---|---|---|---|');
for (const { name, bytes, testLoss, accuracy, redone } of curves)
  console.log(
    `| \`${name}\` | ${bytes.toLocaleString('en')} | ${Math.round((100 * bytes) / (whole?.bytes ?? bytes))} % | ${testLoss.toFixed(4)} | ${(100 * accuracy).toFixed(1)} % | ${redone} |`,
  );

const [WIDTH, HEIGHT, LEFT, TOP] = [760, 420, 56, 20];
const [right, bottom] = [WIDTH - 20, HEIGHT - 44];
/** Losses are drawn on a logarithmic scale between these. */
const [LEAST, MOST] = [0.01, 3];
const x = (step: number): number => LEFT + ((right - LEFT) * step) / steps;
const y = (loss: number): number =>
  bottom - ((bottom - TOP) * Math.log(Math.max(LEAST, loss) / LEAST)) / Math.log(MOST / LEAST);
const smooth = (losses: readonly number[]): readonly string[] =>
  Array.from({ length: Math.floor(losses.length / WINDOW) }, (_, i) => {
    const window = losses.slice(i * WINDOW, (i + 1) * WINDOW);
    const mean = window.reduce((sum, loss) => sum + loss, 0) / window.length;
    return `${x((i + 0.5) * WINDOW).toFixed(1)},${y(mean).toFixed(1)}`;
  });
const rules = [0.01, 0.03, 0.1, 0.3, 1, 3].map(
  (loss) =>
    `<line x1="${LEFT}" x2="${right}" y1="${y(loss).toFixed(1)}" y2="${y(loss).toFixed(1)}" stroke="#dddddd"/>` +
    `<text x="${LEFT - 8}" y="${(y(loss) + 4).toFixed(1)}" text-anchor="end">${loss}</text>`,
);
const ticks = [0, 0.25, 0.5, 0.75, 1].map(
  (part) =>
    `<text x="${x(part * steps).toFixed(1)}" y="${bottom + 18}" text-anchor="middle">${Math.round(part * steps)}</text>`,
);
const lines = curves.map(
  ({ name, losses }, i) =>
    `<polyline fill="none" stroke="${COLOURS[i]}" stroke-width="1.5" points="${smooth(losses).join(' ')}"/>` +
    `<text x="${right - 8}" y="${TOP + 16 + 18 * i}" text-anchor="end" style="fill:${COLOURS[i]}">${name}</text>`,
);
writeFileSync(
  new URL('../../docs/wire-formats.svg', import.meta.url),
  `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}">
<style>text{font:12px sans-serif;fill:#444}</style>
<rect width="100%" height="100%" fill="#fff"/>
${[...rules, ...ticks, ...lines].join('\n')}
<text x="${(LEFT + right) / 2}" y="${HEIGHT - 8}" text-anchor="middle">step</text>
<text x="14" y="${(TOP + bottom) / 2}" text-anchor="middle" transform="rotate(-90 14 ${(TOP + bottom) / 2})">loss of the batch, mean of ${WINDOW} steps</text>
</svg>
`,
);
