// What a tab holds that must not grow: connections, channels, GPU buffers, and rows in the browser's storage. Connections are
// counted in the page itself, by a constructor that keeps account, and not taken on a rank's word.

import type { BrowserContext } from 'playwright-core';
import { RunError } from '../errors.ts';
import type { Tab, Tabs } from '../room/tabs.ts';

export interface TabResources {
  readonly connections: number;
  readonly channels: number;
  readonly buffers: number;
}

export interface Resources {
  /** The most that any tab holds. */
  readonly tab: TabResources;
  /** Checkpoints in the browser profile, and the pieces that they are stored in. */
  readonly checkpoints: number;
  readonly pieces: number;
}

/** Has every page that opens from now on keep account of its connections. */
export const countConnections = (context: BrowserContext): Promise<unknown> =>
  context.addInitScript(keepAccount);

export async function readResources(tabs: Tabs): Promise<Resources> {
  const alive = tabs.alive();
  const each = await Promise.all(alive.map(resourcesOf));
  const most = (of: (one: TabResources) => number): number => Math.max(0, ...each.map(of));
  const [first] = alive;
  if (first === undefined) throw new RunError('No tab is open whose resources could be counted.');
  return {
    tab: {
      connections: most((one) => one.connections),
      channels: most((one) => one.channels),
      buffers: most((one) => one.buffers),
    },
    ...(await first.page.evaluate(countRows)),
  };
}

async function resourcesOf(tab: Tab): Promise<TabResources> {
  let connections = 0;
  let channels = 0;
  for (const frame of tab.page.frames()) {
    const counted = await frame.evaluate(countOpen);
    connections += counted.connections;
    channels += counted.channels;
  }
  return { connections, channels, buffers: tab.status?.memory?.buffers ?? 0 };
}

/** One sentence for each resource of which there is more than at the start. `kept`: checkpoints that the job's policy keeps. */
export function findLeaks(start: Resources, end: Resources, kept: number): readonly string[] {
  const leaks: string[] = [];
  const compare = (what: string, found: number, allowed: number): void => {
    if (found > allowed) leaks.push(`${found} ${what}, and ${allowed} at the start.`);
  };
  compare('connections are open in one tab', end.tab.connections, start.tab.connections);
  compare('channels are open in one tab', end.tab.channels, start.tab.channels);
  compare('GPU buffers are held by one rank', end.tab.buffers, start.tab.buffers);
  // One may be in the making, and the newest that was read back stays.
  const checkpoints = kept + 2;
  if (end.checkpoints > checkpoints)
    leaks.push(`${end.checkpoints} checkpoints are stored, and the job keeps ${checkpoints} at the most.`);
  const pieces = Math.ceil(start.pieces / Math.max(1, start.checkpoints)) * checkpoints;
  if (end.pieces > pieces)
    leaks.push(`${end.pieces} pieces of checkpoints are stored, and ${pieces} are enough.`);
  return leaks;
}

// What follows runs inside the page. It travels as source text, so it names nothing of this module, and no function of its own.

interface Account {
  rankfallConnections?: () => readonly RTCPeerConnection[];
}

function keepAccount(): void {
  // Missing where there is no WebRTC, against its type.
  const Native = globalThis.RTCPeerConnection as typeof RTCPeerConnection | undefined;
  if (Native === undefined) return;
  const made: WeakRef<RTCPeerConnection>[] = [];
  globalThis.RTCPeerConnection = new Proxy(Native, {
    construct(target, values: [RTCConfiguration?]) {
      const connection = new target(...values);
      made.push(new WeakRef(connection));
      return connection;
    },
  });
  (globalThis as Account).rankfallConnections = () =>
    made.flatMap((one) => one.deref() ?? []).filter((one) => one.connectionState !== 'closed');
}

async function countOpen(): Promise<{ connections: number; channels: number }> {
  const open = (globalThis as Account).rankfallConnections?.() ?? [];
  let channels = 0;
  for (const connection of open) {
    const stats = await connection.getStats();
    stats.forEach((entry: { readonly type: string; readonly state?: string }) => {
      if (entry.type === 'data-channel' && entry.state === 'open') channels += 1;
    });
  }
  return { connections: open.length, channels };
}

async function countRows(): Promise<{ checkpoints: number; pieces: number }> {
  const databases = await indexedDB.databases();
  const name = databases.map((database) => database.name).find((one) => one === 'rankfall-checkpoints');
  if (name === undefined) return { checkpoints: 0, pieces: 0 };
  return await new Promise((resolve, reject) => {
    const opening = indexedDB.open(name);
    opening.onerror = () => {
      reject(new Error('The stored checkpoints could not be counted.'));
    };
    opening.onsuccess = () => {
      const database = opening.result;
      const transaction = database.transaction(['manifests', 'pieces']);
      const manifests = transaction.objectStore('manifests').count();
      const pieces = transaction.objectStore('pieces').count();
      transaction.oncomplete = () => {
        database.close();
        resolve({ checkpoints: manifests.result, pieces: pieces.result });
      };
    };
  });
}
