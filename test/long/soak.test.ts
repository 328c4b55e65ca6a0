/** `rankfall soak` as a person runs it, for as short a time as says something. */
import { describe, expect, it } from 'vitest';
import type { SoakResult } from '../../src/cli/soak/verdict.ts';
import { profiles, rankfall } from '../support/command.ts';

describe('rankfall soak', () => {
  it('kills, freezes and cuts as its seed says, brings the killed back, and ends where one undisturbed rank ends', async () => {
    const before = profiles();
    const args =
      '--json --engine cpu --ranks 3 --minutes 0.4 --fault-every 4 --faults kill,cut,freeze --seed 5';
    const { status, stdout, stderr } = await rankfall(['soak', ...args.split(' ')]);
    expect(stderr).toBe('');
    const result = JSON.parse(stdout) as SoakResult;
    expect(result).toMatchObject({ violations: 0, falseEvictions: 0, leaks: 0, ok: true });
    expect(result.faults.map(({ kind }) => kind)).toEqual(['cut', 'freeze', 'kill']);
    const kill = result.faults.find(({ kind }) => kind === 'kill');
    expect(kill?.detectP99).toBeLessThan(1000);
    expect(kill?.lostSteps).toBe(0);
    expect(result.committedSteps).toBeGreaterThan(20);
    expect(result.finalHash).toBe(result.referenceHash);
    expect(status).toBe(0);
    expect(profiles()).toEqual(before);
  });
});
