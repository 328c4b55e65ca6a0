// An engine that lives in a worker of its own, so that no computation ever keeps the protocol's worker from answering.

import * as Comlink from 'comlink';
import type { Exhaustion, ExhaustionBudget } from '../faults/gpu.ts';
import type { Fault } from '../faults/vocabulary.ts';
import type { DeliverBucket, Engine, EngineMemory } from '../ports/engine.ts';
import { EngineError } from '../ports/engine.ts';
import { defer } from './deferred.ts';
import type { EngineNotice } from './engine-faults.ts';
import type { EngineOrder, EngineService, Reply } from './engine-service.ts';
import type { Helper } from './helpers.ts';

/** Opening an engine compiles shaders, fetches data and runs no step; a worker that takes longer has died. */
const OPEN_DEADLINE_MS = 90_000;

/** An engine in another worker, which faults reach by message. None of these calls waits for the engine's own. */
export interface ProxiedEngine extends Engine {
  injectFault(id: string, fault: Fault): Promise<void>;
  healFault(id: string): Promise<void>;
  exhaust(budget: ExhaustionBudget): Promise<Exhaustion>;
}

/** Opens an engine in `helper`, which is the proxy's from then on. Rejects with an `EngineError`. */
export async function openEngineProxy(
  helper: Helper,
  order: EngineOrder,
  notify: (notice: EngineNotice) => void = () => undefined,
): Promise<ProxiedEngine> {
  const service = Comlink.wrap<EngineService>(helper.port);
  const lost = defer<EngineError>();
  /** Takes the buckets of the contribution that was asked for last: calls do not overlap. */
  let receive: DeliverBucket = () => undefined;
  let memory: EngineMemory = { buffers: 0, bytes: 0 };
  let destroyed = false;
  let exhaustions = 0;

  /** An answer, unless the worker is destroyed or dies first: a dead worker never answers. */
  const died = defer<never>();
  died.promise.catch(() => undefined);
  const die = (message: string): void => {
    const error = new EngineError('device-lost', message);
    died.reject(error);
    lost.resolve(error);
    helper.terminate();
  };
  void helper.failure.then((message) => {
    die(`The engine's worker failed: ${message}.`);
  });

  const answer = async <T>(reply: Promise<Reply<T>>): Promise<T> => {
    const received = await Promise.race([reply, died.promise]);
    if (!received.ok) throw new EngineError(received.failure.fault, received.failure.message);
    memory = received.memory;
    return received.value;
  };

  const deadline = setTimeout(() => {
    die(`The engine did not open within ${OPEN_DEADLINE_MS / 1000} s.`);
  }, OPEN_DEADLINE_MS);
  try {
    const { description, samples, preflight } = await answer(
      service.open(
        order,
        Comlink.proxy(notify),
        Comlink.proxy(async (bucket: number, lanes: Int32Array<ArrayBuffer>) => {
          receive(bucket, lanes);
          return Promise.resolve();
        }),
      ),
    );
    service.lost().then(
      ({ fault, message }) => {
        if (!destroyed) lost.resolve(new EngineError(fault, message));
      },
      () => undefined,
    );
    return {
      description,
      samples,
      preflight,
      job: order.job,
      lost: lost.promise,
      reset: () => answer(service.reset()),
      contribute: (request) => answer(service.contribute(request)),
      contributeInBuckets(request, deliver) {
        receive = deliver;
        return answer(service.contributeInBuckets(request));
      },
      apply: (request) => answer(service.apply(request)),
      hash: () => answer(service.hash()),
      exportState: () => answer(service.exportState()),
      async snapshot() {
        const id = await answer(service.snapshot());
        return { read: () => answer(service.readSnapshot(id)) };
      },
      importState: (state) => answer(service.importState(state)),
      evaluate: () => answer(service.evaluate()),
      predict: (request) => answer(service.predict(request)),
      fingerprint: () => answer(service.fingerprint()),
      memory: () => memory,
      injectFault: (id, fault) => service.injectFault(id, fault),
      healFault: (id) => service.healFault(id),
      async exhaust(budget) {
        const id = exhaustions++;
        const exhaustion = await answer(service.exhaust(id, budget));
        return { ...exhaustion, release: () => void service.letGo(id) };
      },
      destroy() {
        if (destroyed) return;
        destroyed = true;
        died.reject(new EngineError('unavailable', 'The engine was closed.'));
        helper.terminate();
      },
    };
  } catch (error) {
    helper.terminate();
    throw error;
  } finally {
    clearTimeout(deadline);
  }
}
