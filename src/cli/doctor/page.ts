// What a page can do that this server serves: asked of a real browser, since no table of features knows a machine's drivers and settings.

import { randomBytes } from 'node:crypto';
import type { Page } from 'playwright-core';
import * as v from 'valibot';
import { RELAY_PATH, relayAddress } from '../../transport/fallback/relay-protocol.ts';
import type { Finding } from './finding.ts';
import { ok, problem, warning } from './finding.ts';

const AbilitiesSchema = v.object({
  secure: v.boolean(),
  adapter: v.nullable(v.object({ name: v.string(), software: v.boolean() })),
  workerAdapter: v.boolean(),
  storage: v.nullable(v.object({ quotaBytes: v.number() })),
  locks: v.boolean(),
  /** What the pair of candidates that was chosen is made of; null: two ends in one page never met. */
  channel: v.nullable(v.string()),
  relay: v.boolean(),
});
export type Abilities = v.InferOutput<typeof AbilitiesSchema>;

/** A page of a room of its own, as the relay asks for it. */
const stranger = (): string => {
  const id = (): string => randomBytes(16).toString('hex');
  return relayAddress(RELAY_PATH, { place: id(), room: id(), endpoint: id(), member: id() });
};

export async function abilitiesOf(page: Page): Promise<Abilities> {
  // What runs this TypeScript wraps named functions in a call that keeps their names, and pages do not know it.
  await page.evaluate('globalThis.__name ??= (named) => named');
  return v.parse(AbilitiesSchema, await page.evaluate(probe, stranger()));
}

const MIB = 1024 * 1024;
/** Ten checkpoints of a model of some million parameters. */
const ENOUGH_STORAGE = 512 * MIB;

/** `lan`: the page was opened as a participant's machine would open it. */
export function pageFindings(abilities: Abilities, lan: boolean): readonly Finding[] {
  const { secure, adapter, workerAdapter, storage, locks, channel, relay } = abilities;
  return [
    secure
      ? ok('secure context', 'yes')
      : problem(
          'secure context',
          'no',
          'Open the lab over HTTPS, or on localhost: browsers offer WebGPU nowhere else.',
        ),
    adapter === null || !workerAdapter
      ? warning(
          'WebGPU',
          adapter === null ? 'no adapter' : 'no adapter in a worker',
          'Ranks compute on the CPU engine instead. For WebGPU: a current Chrome or Edge, hardware acceleration switched on, a current driver (chrome://gpu says what is missing).',
        )
      : adapter.software
        ? warning(
            'WebGPU',
            `${adapter.name}, in software`,
            'It works, and the CPU engine is faster: "auto" takes that. With a GPU in this machine, see chrome://gpu.',
          )
        : ok('WebGPU', adapter.name),
    storage === null
      ? problem(
          'storage',
          'IndexedDB refuses',
          'Leave private mode, or allow this site to store data: a rank cannot vote without.',
        )
      : storage.quotaBytes < ENOUGH_STORAGE
        ? warning(
            'storage',
            `${Math.round(storage.quotaBytes / MIB)} MiB at most`,
            'Checkpoints of larger models will not fit: free disk space.',
          )
        : ok('storage', `up to ${Math.round(storage.quotaBytes / MIB)} MiB`),
    locks
      ? ok('Web Locks', 'granted')
      : problem('Web Locks', 'refused', 'Use a current browser: a seat is held through a lock.'),
    channel === null
      ? warning(
          'WebRTC',
          'no channel opened',
          'Ranks fall back to this server as a relay. To mend it, allow WebRTC in the browser and its extensions, and UDP in the firewall.',
        )
      : ok('WebRTC', `a channel opened over ${channel}`),
    relay
      ? ok('relay', lan ? 'reached over the network address' : 'reached')
      : problem(
          'relay',
          'its WebSocket did not open',
          'Whatever stands between page and server (a proxy, a virus scanner) must pass WebSockets.',
        ),
  ];
}

// What follows runs inside the page. It travels as source text, so it names nothing of this module.

async function probe(relay: string): Promise<unknown> {
  const within = <T>(ms: number, promise: Promise<T>): Promise<T | undefined> =>
    Promise.race([
      promise.catch(() => undefined),
      new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), ms)),
    ]);
  const gpu = (navigator as { readonly gpu?: GPU }).gpu;
  const found = gpu === undefined ? undefined : await within(10_000, gpu.requestAdapter());
  const info = found?.info;
  const adapter =
    info === undefined
      ? null
      : {
          name:
            [info.vendor, info.architecture || info.description].filter((word) => word !== '').join(' ') ||
            'an adapter without a name',
          software:
            info.isFallbackAdapter ||
            /swiftshader|llvmpipe|basic render/i.test(`${info.architecture} ${info.description}`),
        };

  const inWorker = async (): Promise<boolean> => {
    const source =
      'navigator.gpu.requestAdapter().then((a) => postMessage(a !== null), () => postMessage(false))';
    const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
    const worker = new Worker(url);
    try {
      return await new Promise<boolean>((resolve) => {
        worker.onmessage = ({ data }) => resolve(data === true);
        worker.onerror = () => resolve(false);
      });
    } finally {
      worker.terminate();
      URL.revokeObjectURL(url);
    }
  };

  const store = async (): Promise<{ quotaBytes: number }> => {
    const name = `rankfall-doctor-${crypto.randomUUID()}`;
    await new Promise<void>((resolve, reject) => {
      const opening = indexedDB.open(name);
      opening.onsuccess = () => {
        opening.result.close();
        resolve();
      };
      opening.onerror = () => reject(new Error('refused'));
    });
    indexedDB.deleteDatabase(name);
    return { quotaBytes: (await navigator.storage.estimate()).quota ?? 0 };
  };

  const channel = async (): Promise<string> => {
    const [a, b] = [new RTCPeerConnection(), new RTCPeerConnection()];
    try {
      a.onicecandidate = ({ candidate }) => void b.addIceCandidate(candidate ?? undefined);
      b.onicecandidate = ({ candidate }) => void a.addIceCandidate(candidate ?? undefined);
      const end = a.createDataChannel('doctor', { negotiated: true, id: 0 });
      b.createDataChannel('doctor', { negotiated: true, id: 0 });
      const opened = new Promise<void>((resolve) => {
        end.onopen = () => resolve();
      });
      await a.setLocalDescription();
      await b.setRemoteDescription(a.localDescription as RTCSessionDescription);
      await b.setLocalDescription();
      await a.setRemoteDescription(b.localDescription as RTCSessionDescription);
      await opened;
      const pair = a.sctp?.transport.iceTransport.getSelectedCandidatePair();
      return `${pair?.local.protocol ?? 'udp'}, ${pair?.local.type ?? 'host'} candidates`;
    } finally {
      a.close();
      b.close();
    }
  };

  const reachesRelay = async (): Promise<boolean> => {
    const socket = new WebSocket(`${location.origin.replace(/^http/, 'ws')}${relay}`);
    try {
      return await new Promise<boolean>((resolve) => {
        socket.onopen = () => resolve(true);
        socket.onerror = () => resolve(false);
      });
    } finally {
      socket.close();
    }
  };

  return {
    secure: isSecureContext,
    adapter,
    workerAdapter: adapter !== null && (await within(10_000, inWorker())) === true,
    storage: (await within(5_000, store())) ?? null,
    locks:
      (navigator as { readonly locks?: LockManager }).locks !== undefined &&
      (await within(
        5_000,
        navigator.locks.request(`doctor-${Math.random()}`, () => true),
      )) === true,
    channel: (await within(10_000, channel())) ?? null,
    relay: (await within(5_000, reachesRelay())) ?? false,
  };
}
