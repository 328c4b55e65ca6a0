// The lab's hold on its simulator: loaded when it is opened, one run at a time, and a run that is cancelled ends at once.

import * as Comlink from 'comlink';
import { batch, signal } from '@preact/signals';
import type { Signal } from '@preact/signals';
import { sentenceIn } from '../lab-error.ts';
import type { Scenario, SimulationRequest, SimulationResult, SimulationWorker } from './api.ts';

export interface Simulation {
  /** Undefined until the simulator was opened. */
  readonly scenarios: Signal<readonly Scenario[] | undefined>;
  readonly running: Signal<'opening' | 'running' | 'recording' | undefined>;
  /** The newest run, and what was asked for. */
  readonly last: Signal<
    { readonly request: SimulationRequest; readonly result: SimulationResult } | undefined
  >;
  readonly problem: Signal<string | undefined>;
  open(): Promise<void>;
  run(request: SimulationRequest): Promise<void>;
  /** Undefined where it failed or was cancelled. */
  replay(request: SimulationRequest): Promise<string | undefined>;
  cancel(): void;
}

export function createSimulation(): Simulation {
  const scenarios = signal<readonly Scenario[] | undefined>(undefined);
  const running = signal<'opening' | 'running' | 'recording' | undefined>(undefined);
  const last: Simulation['last'] = signal(undefined);
  const problem = signal<string | undefined>(undefined);
  let worker: { readonly process: Worker; readonly remote: Comlink.Remote<SimulationWorker> } | undefined;
  /** Settles a call whose worker was ended. */
  let abandon: (() => void) | undefined;

  const start = (): Comlink.Remote<SimulationWorker> => {
    if (worker === undefined) {
      const process = new Worker(new URL('./worker.ts', import.meta.url), {
        type: 'module',
        name: 'simulator',
      });
      worker = { process, remote: Comlink.wrap<SimulationWorker>(process) };
    }
    return worker.remote;
  };

  /** One call at a time. Resolves with undefined where it came to nothing. */
  const ask = async <T>(
    what: 'opening' | 'running' | 'recording',
    call: (remote: Comlink.Remote<SimulationWorker>) => Promise<T>,
  ): Promise<T | undefined> => {
    if (running.value !== undefined) return undefined;
    batch(() => {
      running.value = what;
      problem.value = undefined;
    });
    const remote = start();
    const ended = new Promise<undefined>((resolve, reject) => {
      abandon = () => {
        resolve(undefined);
      };
      worker?.process.addEventListener('error', (event) => {
        reject(new Error(event.message || 'Its code could not be loaded. Reload the page.'));
      });
    });
    try {
      return await Promise.race([call(remote), ended]);
    } catch (error) {
      problem.value = sentenceIn(error);
      return undefined;
    } finally {
      abandon = undefined;
      running.value = undefined;
    }
  };

  return {
    scenarios,
    running,
    last,
    problem,
    async open() {
      scenarios.value = await ask('opening', (remote) => remote.scenarios());
    },
    async run(request) {
      const result = await ask('running', (remote) => remote.run(request));
      if (result !== undefined) last.value = { request, result };
    },
    replay: (request) => ask('recording', (remote) => remote.replay(request)),
    cancel() {
      worker?.process.terminate();
      worker = undefined;
      abandon?.();
    },
  };
}

/** The same run in a terminal. */
export const commandOf = ({ scenario, seed, ranks }: SimulationRequest): string =>
  `npx rankfall sim${scenario === undefined ? '' : ` --scenario ${scenario}`} --seed ${seed} --ranks ${ranks}`;
