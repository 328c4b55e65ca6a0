// A volunteer's rank against its limits: open when nothing speaks against it, gone in order as soon as something does.

import { signal } from '@preact/signals';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { FrameListener } from '../../../src/lab/frames.ts';
import type { Metering, Power } from '../../../src/lab/volunteer/conditions.ts';
import { USUAL_LIMITS } from '../../../src/lab/volunteer/limits.ts';
import { createVolunteer } from '../../../src/lab/volunteer/volunteer.ts';
import type { Volunteer } from '../../../src/lab/volunteer/volunteer.ts';
import type { RankHandle, RankOptions, RankStatus } from '../../../src/live/api.ts';
import { newRoom } from '../../../src/live/link.ts';
import type { MemberId } from '../../../src/ports/ids.ts';

const MIB = 1024 * 1024;

/** A room in which frames open at once, and whose ranks say what the test has put there. */
function rehearse() {
  const opened: RankOptions[] = [];
  const left: MemberId[] = [];
  const said = { sent: 0, memory: 10 * MIB, phase: 'computing' };
  const power = signal<Power>('unknown');
  const metering = signal<Metering>('unknown');
  let listener: FrameListener | undefined;
  const volunteer: Volunteer = createVolunteer({
    link: newRoom(),
    conditions: { power, metering },
    openFrames(heard) {
      listener = heard;
      return {
        open(options) {
          opened.push(options);
          const member = String(opened.length).padStart(32, '0') as MemberId;
          let seq = 0;
          const handle: Partial<RankHandle> = {
            status: async () =>
              ({
                members: [{}, {}],
                traffic: { sent: said.sent, received: 0, queued: 0 },
                memory: { buffers: 1, bytes: said.memory },
                phase: said.phase,
              }) as unknown as RankStatus,
            log: async () => [
              { seq: seq++, at: 0, member, event: { kind: 'contributed', microBatches: [1, 2] } as never },
            ],
            leave: async () => {
              left.push(member);
              heard.gone(member, 'leave');
            },
          };
          heard.opened({ member, handle: handle as RankHandle }, undefined);
          return Promise.resolve(member);
        },
        remove: () => undefined,
      };
    },
  });
  return {
    volunteer,
    opened,
    left,
    said,
    power,
    metering,
    goneByItself: () => listener?.gone('1'.padStart(32, '0') as MemberId, 'kill'),
  };
}

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a volunteer', () => {
  it('runs nothing before the button, and then one rank with the share that was set', async () => {
    const { volunteer, opened } = rehearse();
    await pass(5000);
    expect(opened).toHaveLength(0);
    volunteer.start();
    await pass(2000);
    expect(opened.map(({ share, fresh, autostart }) => ({ share, fresh, autostart }))).toEqual([
      { share: USUAL_LIMITS.share, fresh: false, autostart: false },
    ]);
    expect(volunteer.helping.value.kind).toBe('helping');
    expect(volunteer.contribution.value.microBatches).toBeGreaterThan(0);
    expect(volunteer.contribution.value.ms).toBeGreaterThan(500);
  });

  it('leaves in order on battery and on a metered network, and comes back', async () => {
    const { volunteer, opened, left, power, metering } = rehearse();
    volunteer.start();
    await pass(1000);
    power.value = 'battery';
    await pass(1000);
    expect(volunteer.helping.value).toMatchObject({ kind: 'paused', why: 'battery' });
    expect(left).toHaveLength(1);
    power.value = 'mains';
    await pass(1000);
    expect(opened).toHaveLength(2);
    metering.value = 'metered';
    await pass(1000);
    expect(volunteer.helping.value).toMatchObject({ kind: 'paused', why: 'metered' });
    volunteer.allow({ ...volunteer.limits.value, pauseOnMetered: false });
    await pass(1000);
    expect(opened).toHaveLength(3);
  });

  it('leaves at its hourly cap, says until when, and goes on by itself', async () => {
    const { volunteer, opened, left, said } = rehearse();
    volunteer.start();
    await pass(1000);
    said.sent = 1025 * MIB;
    await pass(1000);
    const paused = volunteer.helping.value;
    expect(paused).toMatchObject({ kind: 'paused', why: 'traffic' });
    expect(left).toHaveLength(1);
    said.sent = 0;
    await pass(1_800_000);
    expect(opened).toHaveLength(1);
    await pass(2_000_000);
    expect(opened).toHaveLength(2);
    expect(volunteer.helping.value.kind).toBe('helping');
  });

  it('comes back to half of its hour, not to what one minute has freed', async () => {
    const { volunteer, opened, said } = rehearse();
    volunteer.allow({ ...USUAL_LIMITS, hourlyBytes: 200 * MIB });
    volunteer.start();
    // A little in the first minute, the rest twenty minutes later.
    said.sent = 30 * MIB;
    await pass(1_200_000);
    said.sent = 201 * MIB;
    await pass(1000);
    expect(volunteer.helping.value).toMatchObject({ kind: 'paused', why: 'traffic' });
    const began = Date.now();
    said.sent = 0;
    await pass(2_500_000);
    expect(volunteer.traffic.value).toBeLessThan(200 * MIB);
    expect(opened).toHaveLength(1);
    await pass(1_200_000);
    expect(opened).toHaveLength(2);
    expect(Date.now() - began).toBeGreaterThan(3_600_000);
  });

  it('that is allowed more at its cap goes on at once', async () => {
    const { volunteer, opened, said } = rehearse();
    volunteer.allow({ ...USUAL_LIMITS, hourlyBytes: 200 * MIB });
    volunteer.start();
    await pass(1000);
    said.sent = 201 * MIB;
    await pass(1000);
    expect(volunteer.helping.value).toMatchObject({ kind: 'paused', why: 'traffic' });
    said.sent = 0;
    volunteer.allow({ ...USUAL_LIMITS, hourlyBytes: 1024 * MIB });
    await pass(1000);
    expect(opened).toHaveLength(2);
    expect(volunteer.helping.value.kind).toBe('helping');
  });

  it('knows how much it moves in a second as long as it helps', async () => {
    const { volunteer, said } = rehearse();
    volunteer.start();
    for (let second = 0; second < 20; second++) {
      said.sent += 2 * MIB;
      await pass(1000);
    }
    expect(volunteer.pace.value).toBeGreaterThan(1.8 * MIB);
    expect(volunteer.pace.value).toBeLessThan(2.2 * MIB);
    volunteer.pause();
    await pass(1000);
    expect(volunteer.pace.value).toBeUndefined();
  });

  it('ends where the model takes more memory than is allowed, and when the time has come', async () => {
    const { volunteer, left, said } = rehearse();
    volunteer.start();
    await pass(1000);
    said.memory = 2048 * MIB;
    await pass(1500);
    expect(volunteer.helping.value).toEqual({ kind: 'over', why: 'memory' });
    expect(left).toHaveLength(1);

    const other = rehearse();
    const soon = new Date(Date.now() + 120_000);
    const until = `${String(soon.getHours()).padStart(2, '0')}:${String(soon.getMinutes()).padStart(2, '0')}`;
    other.volunteer.allow({ ...USUAL_LIMITS, until });
    other.volunteer.start();
    await pass(1000);
    expect(other.volunteer.helping.value.kind).toBe('helping');
    await pass(121_000);
    expect(other.volunteer.helping.value).toEqual({ kind: 'over', why: 'time' });
    expect(other.left).toHaveLength(1);
  });

  it('opens anew where the share changes, and waits before it replaces a rank that went by itself', async () => {
    const { volunteer, opened, left, goneByItself } = rehearse();
    volunteer.start();
    await pass(1000);
    volunteer.allow({ ...volunteer.limits.value, share: 25 });
    await pass(1500);
    expect(left).toHaveLength(1);
    expect(opened.map(({ share }) => share)).toEqual([50, 25]);
    goneByItself();
    await pass(5000);
    expect(opened).toHaveLength(2);
    await pass(6000);
    expect(opened).toHaveLength(3);
  });

  it('pauses and goes on by hand, and stops for good', async () => {
    const { volunteer, opened, left } = rehearse();
    volunteer.start();
    await pass(1000);
    volunteer.pause();
    await pass(1000);
    expect([opened.length, left.length]).toEqual([1, 1]);
    volunteer.resume();
    await pass(1000);
    expect([opened.length, left.length]).toEqual([2, 1]);
    volunteer.stop();
    await pass(20_000);
    expect([opened.length, left.length]).toEqual([2, 2]);
    expect(volunteer.helping.value).toEqual({ kind: 'over', why: 'stopped' });
  });
});
