// Faults of the arithmetic, at the engine's port: a device that is lost, work that is slow, late or hangs, numbers that are not
// finite, bits that flip. What is done to the state is done to the engine's own, so that everything after it is real.

import type { Clock } from '../ports/clock.ts';
import { EngineError } from '../ports/engine.ts';
import type { Engine, TrainingState } from '../ports/engine.ts';
import type { FaultPort, Injection } from './port.ts';
import type { SiteRandom } from './site-random.ts';
import type { FaultOf } from './vocabulary.ts';

const ENGINE_FAULT_KINDS = ['lose-device', 'nan', 'flip-bit', 'slow-gpu', 'slow-map', 'hang-kernel'] as const;
type EngineFaultKind = (typeof ENGINE_FAULT_KINDS)[number];
type EngineFaultCase = FaultOf<EngineFaultKind>;

export interface EngineFaultsAtPort {
  /** The engine behind the faults. */
  wrap(engine: Engine): Engine;
  readonly faults: FaultPort<EngineFaultKind>;
}

export interface EngineFaultOptions {
  readonly clock: Clock;
  readonly random: SiteRandom;
  /** Really destroys the engine's device. Returns false where it has none. */
  readonly destroyDevice: () => boolean;
}

interface Once<Kind extends EngineFaultKind> {
  readonly fault: FaultOf<Kind>;
  readonly injection: Injection;
}

export function engineFaults({ clock, random, destroyDevice }: EngineFaultOptions): EngineFaultsAtPort {
  const active = new Map<string, EngineFaultCase>();
  /** Strike the next contribution, or the next step that is applied, and are over. */
  const poisons = new Map<string, Once<'nan'>>();
  const flips = new Map<string, Once<'flip-bit'>>();
  let waiting: (() => void)[] = [];
  let lose: (error: EngineError) => void = () => undefined;

  const acting = <Kind extends EngineFaultKind>(kind: Kind): FaultOf<Kind>[] =>
    [...active.values()].filter((fault) => fault.kind === kind) as FaultOf<Kind>[];
  const sleep = (ms: number): Promise<void> =>
    ms <= 0 ? Promise.resolve() : new Promise((resolve) => void clock.after(ms, resolve));

  /** A call under the slowness in force: the work takes its time again and again. */
  async function slowly<T>(work: () => Promise<T>): Promise<T> {
    const started = clock.now();
    const result = await work();
    const factor = Math.max(1, ...acting('slow-gpu').map((fault) => fault.factor));
    await sleep((factor - 1) * (clock.now() - started));
    return result;
  }

  function take<Kind extends 'nan' | 'flip-bit'>(
    from: Map<string, Once<Kind>>,
    fits: (fault: FaultOf<Kind>) => boolean,
  ): Once<Kind> | undefined {
    for (const [id, once] of from) {
      if (!fits(once.fault)) continue;
      from.delete(id);
      return once;
    }
    return undefined;
  }

  /** Flips one bit of the mantissa or exponent of one number. */
  function flip(numbers: Float32Array | Int32Array, length = numbers.length): void {
    const words = new Int32Array(numbers.buffer, numbers.byteOffset, numbers.length);
    const at = random.integer('flip at', length);
    words[at] = (words[at] ?? 0) ^ (1 << random.integer('flip bit', 30));
  }

  /** A contribution from a state in which one parameter is not a number; the state is as it was afterwards. */
  async function poisoned<T>(engine: Engine, work: () => Promise<T>): Promise<T> {
    const state = await engine.exportState();
    const parameters = state.parameters.slice();
    parameters[0] = Number.NaN;
    await engine.importState({ ...state, parameters });
    try {
      return await work();
    } finally {
      await engine.importState(state);
    }
  }

  const lateMs = (): number => acting('slow-map').reduce((sum, { ms }) => sum + ms, 0);

  async function untilKernelsRun(): Promise<void> {
    while (acting('hang-kernel').length > 0)
      await new Promise<void>((resume) => {
        waiting.push(resume);
      });
  }

  /** The contribution, from a poisoned state where that is due. */
  async function contributed<T>(engine: Engine, work: () => Promise<T>): Promise<T> {
    const nan = take(poisons, () => true);
    if (nan === undefined) return await work();
    const result = await poisoned(engine, work);
    nan.injection.ended();
    return result;
  }

  /** Flips a bit of the first lane, which holds a gradient, where that is due. */
  function flipGradient(lanes: Int32Array): void {
    const flipped = take(flips, ({ where }) => where === 'gradient');
    if (flipped === undefined) return;
    flip(lanes, 1);
    flipped.injection.ended();
  }

  return {
    wrap(engine) {
      const lost = new Promise<EngineError>((resolve) => {
        lose = resolve;
      });
      return {
        ...engine,
        lost: Promise.race([engine.lost, lost]),
        contribute: (request) =>
          slowly(async () => {
            await untilKernelsRun();
            const lanes = await contributed(engine, () => engine.contribute(request));
            flipGradient(lanes);
            await sleep(lateMs());
            return lanes;
          }),
        async contributeInBuckets(request, deliver) {
          /** Under slowness nothing is delivered before its time. */
          const held: (() => void)[] = [];
          const late = acting('slow-gpu').length > 0 || lateMs() > 0;
          await slowly(async () => {
            await untilKernelsRun();
            await contributed(engine, () =>
              engine.contributeInBuckets(request, (bucket, lanes) => {
                flipGradient(lanes);
                if (late)
                  held.push(() => {
                    deliver(bucket, lanes);
                  });
                else deliver(bucket, lanes);
              }),
            );
            await sleep(lateMs());
          });
          for (const hand of held) hand();
        },
        apply: (request) =>
          slowly(async () => {
            const hash = await engine.apply(request);
            const flipped = take(flips, ({ where }) => where !== 'gradient');
            if (flipped !== undefined) {
              const state = await engine.exportState();
              flip(partOf(state, flipped.fault.where));
              await engine.importState(state);
              flipped.injection.ended();
            }
            return hash;
          }),
      };
    },

    faults: {
      kinds: ENGINE_FAULT_KINDS,
      inject(injection, fault) {
        switch (fault.kind) {
          case 'lose-device':
            if (!destroyDevice())
              lose(new EngineError('device-lost', 'The engine was lost to an injected fault.'));
            // Over at once, but not before it is known to have begun.
            clock.after(0, injection.ended);
            return;
          case 'nan':
            poisons.set(injection.id, { fault, injection });
            return;
          case 'flip-bit':
            flips.set(injection.id, { fault, injection });
            return;
          case 'slow-gpu':
          case 'slow-map':
          case 'hang-kernel':
            active.set(injection.id, fault);
            return;
        }
      },
      heal(id) {
        active.delete(id);
        poisons.delete(id);
        flips.delete(id);
        if (acting('hang-kernel').length > 0) return;
        const resumed = waiting;
        waiting = [];
        for (const resume of resumed) resume();
      },
    },
  };
}

const partOf = (state: TrainingState, where: FaultOf<'flip-bit'>['where']): Float32Array =>
  where === 'moments' ? state.firstMoments : state.parameters;
