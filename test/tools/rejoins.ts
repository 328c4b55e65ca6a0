// `npm run rejoins`: a rank stays while another leaves and comes back again and again, each time as a new page. Counts the connections
// that the tab of the first has constructed, of which browsers allow 500, and what its page, its workers and the server have come to.

import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { DEFAULT_JOB } from '../../src/job/job.ts';
import { newRoom } from '../../src/live/link.ts';
import { openFrames, openLab, until } from '../e2e/frames.ts';
import { heapsOf } from './heaps.ts';

const { values } = parseArgs({
  options: {
    times: { type: 'string', default: '200' },
    /** Waits for a line of input after each so many, so that what else the machine does can take turns with it. */
    turn: { type: 'string', default: '0' },
  },
});
const [times, turn] = [Number(values.times), Number(values.turn)];
/** How often it says where it is. */
const EVERY = 20;
const MIB = 1024 * 1024;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const lab = await openLab({ pages: 'built' });
try {
  await lab.context.addInitScript(() => {
    const count = { made: 0 };
    window.RTCPeerConnection = class extends RTCPeerConnection {
      constructor(configuration?: RTCConfiguration) {
        super(configuration);
        count.made += 1;
      }
    };
    Object.assign(window, { connections: count });
  });
  const [staying, guests] = [await openFrames(lab), await openFrames(lab)];
  const options = { ...newRoom(), engine: 'cpu', autostart: false, tune: false, job: DEFAULT_JOB } as const;
  const first = await staying.open({ ...options, fresh: true });
  const heaps = await heapsOf(staying.page);

  const look = async (rejoins: number): Promise<void> => {
    const made = await staying.page.evaluate(() =>
      [...document.querySelectorAll('iframe')].reduce((sum, { contentWindow }) => {
        const { connections } = (contentWindow ?? {}) as { readonly connections?: { readonly made: number } };
        return sum + (connections?.made ?? 0);
      }, 0),
    );
    const { page, workers } = await heaps.look();
    collectGarbage();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    const told = [page, ...workers, heapUsed + arrayBuffers].map((bytes) => (bytes / MIB).toFixed(2));
    // Log and recording grow with time, as far as their bounds: they are part of what its worker holds.
    const records = (await first.log()).length;
    console.log(
      `${rejoins} rejoins: ${made} connections; MiB of its page, its ${workers.length} workers and the server: ${told.join(', ')}; ${records} records in its log`,
    );
  };

  // Not read without need: at its end, Vite's server takes the process with it.
  const lines = turn > 0 ? createInterface({ input: process.stdin }) : undefined;
  for (let i = 1; i <= times; i++) {
    const guest = await guests.open({ ...options, fresh: false });
    await until('both are members', [first, guest], (all) =>
      all.every(({ phase, members }) => phase === 'idle' && members.length === 2),
    );
    await guest.ask('leave');
    await guest.kill();
    await until('one is left', [first], ([status]) => status?.members.length === 1);
    if (i === 1 || i % EVERY === 0 || i === times) await look(i);
    if (lines !== undefined && i % turn === 0 && i < times) {
      console.log('next?');
      await once(lines, 'line');
    }
  }
} finally {
  await lab.close();
}
// The server's compiler would keep the process.
process.exit(0);
