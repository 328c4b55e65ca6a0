// docs/four-steps.md: what it tells a reader to type is there, and is understood.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readSchedule } from '../../src/cli/room/fault-runner.ts';
import { planSoak } from '../../src/cli/soak/plan.ts';
import { parseLabQuery } from '../../src/lab/query.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const page = readFileSync(`${root}/docs/four-steps.md`, 'utf8');
const commands = [...page.matchAll(/^(?:npx rankfall|npm) .*$/gm)].map(([line]) => line);

describe('the page of the four steps', () => {
  it('names addresses that the lab understands, every word of them', () => {
    const addresses = [...page.matchAll(/^http:\/\/localhost:5173\/(\?.*)$/gm)].map(
      ([, search = '']) => search,
    );
    expect(addresses).toHaveLength(2);
    for (const address of addresses) expect(parseLabQuery(address).complaints).toEqual([]);
    expect(parseLabQuery(addresses[0] ?? '')).toMatchObject({ ranks: 4, path: 'my-run' });
    expect(parseLabQuery(addresses[1] ?? '').chaos).toMatchObject({ seed: 7, everyMs: 5000 });
  });

  it('interrupts live tabs by a schedule that they can act out within the steps that it names', () => {
    const demo = commands.find((line) => line.startsWith('npx rankfall demo'));
    const [, steps] = /--steps (\d+)/.exec(demo ?? '') ?? [];
    const [, file = ''] = /--faults (\S+)/.exec(demo ?? '') ?? [];
    const kinds = readSchedule(`${root}/${file}`, Number(steps)).faults.map(({ fault }) => fault.kind);
    expect(kinds).toEqual(['loader-throws', 'refuse-storage', 'cut', 'partition', 'kill']);
  });

  it('soaks with kinds that there are', () => {
    const soak = commands.find((line) => line.startsWith('npx rankfall soak'));
    const [, faults = ''] = /--faults (\S+)/.exec(soak ?? '') ?? [];
    const plan = planSoak({ ranks: 4, minutes: 10, faultEvery: 10, seed: 7, engine: 'cpu', faults });
    expect(plan.kinds).toEqual(faults.split(','));
  });

  it('runs its schedule in the simulator, where every invariant holds', () => {
    const sim = commands.find((line) => line.startsWith('npx rankfall sim'));
    const args = (sim ?? '').split(' ').slice(2);
    const done = spawnSync(process.execPath, ['src/cli/rankfall.mjs', ...args, '--json'], {
      cwd: root,
      encoding: 'utf8',
    });
    expect(done.stderr).toBe('');
    expect(JSON.parse(done.stdout)).toMatchObject({ verdict: 'held' });
  });
});
