// The simulated GPU behind the interface that the browser's engines implement.

import type { MemberId } from '../../ports/ids.ts';
import { EngineError, type ContributionRequest } from '../../ports/engine.ts';
import type { SteppingEngine } from '../../ports/contract/engine.ts';
import type { Event } from '../../protocol/effects.ts';
import type { Compute } from '../compute.ts';
import { createGpu, lose, work, type Gpu } from '../gpu.ts';
import type { Stage } from './stage.ts';

/** How long a piece of work takes, in virtual milliseconds, drawn between these bounds. */
const ENGINE = [5, 40] as const;

export interface SimulatedEngine {
  readonly engine: SteppingEngine;
  readonly gpu: Gpu;
  readonly lose: () => void;
}

export function createSimulatedEngine(stage: Stage, compute: Compute, member: MemberId): SimulatedEngine {
  const gpu = createGpu();
  const { layout } = compute;
  const generation = { incarnation: `00000000-${member}`, number: 1 } as Extract<
    Event,
    { kind: 'computed' }
  >['generation'];
  let state = compute.initial;
  let tellLost: (error: EngineError) => void = () => undefined;
  const lost = new Promise<EngineError>((resolve) => {
    tellLost = resolve;
  });

  /** The events that come of it, each as it comes. A device that is lost answers nothing any more. */
  const ask = (events: readonly Event[], answer: (event: Event) => void): void =>
    work(
      gpu,
      { now: stage.now(), at: (time, action) => stage.at(time, action) },
      stage.entropy.between('gpu', 'engine', ...ENGINE),
      events,
      layout,
      answer,
    );

  const contributeInBuckets: SteppingEngine['contributeInBuckets'] = (request, deliver) =>
    new Promise((resolve, reject) => {
      const events = computed(request);
      ask(events, (event) => {
        if (event.kind === 'computeFailed')
          reject(new EngineError(gpu.refusing > 0 ? 'out-of-memory' : 'loader', event.detail));
        if (event.kind !== 'computed') return;
        deliver(event.bucket, event.lanes);
        if (event.bucket === events.length - 1) resolve();
      });
    });

  function computed({ step, microBatches, exponents, quarantined }: ContributionRequest): readonly Event[] {
    const lanes = compute.contribute(state, { member, generation, microBatches, exponents, quarantined });
    return layout.buckets.map(({ start, end }, bucket) => ({
      kind: 'computed',
      generation,
      step,
      attempt: 0,
      bucket,
      lanes: lanes.slice(start, end),
    }));
  }

  return {
    gpu,
    lose() {
      lose(gpu, stage.now());
      stage.at(stage.now(), () =>
        tellLost(new EngineError('device-lost', 'The device was lost (simulated).')),
      );
    },
    engine: {
      lost,
      contributeInBuckets: (request, deliver) => stage.run(contributeInBuckets(request, deliver)),
      contribute(request) {
        const lanes = new Int32Array(layout.length);
        const whole = contributeInBuckets(request, (bucket, part) =>
          lanes.set(part, layout.buckets[bucket]?.start ?? 0),
        );
        return stage.run(whole.then(() => lanes));
      },
      apply: ({ step, reduced, exponents, quarantined }) =>
        stage.run(
          new Promise((resolve) => {
            state = compute.apply(state, reduced, exponents, quarantined);
            const hash = compute.hashOf(state);
            ask([{ kind: 'applied', generation, step, hash }], () => resolve(hash));
          }),
        ),
      hash: () => Promise.resolve(compute.hashOf(state)),
    },
  };
}
