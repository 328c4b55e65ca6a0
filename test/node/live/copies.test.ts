// A room on several devices: what each holds is told to whoever asks, once for a device, however many ranks it has.

import { describe, expect, test } from 'vitest';
import { createProfile } from './memory-ports.ts';
import { createRoom } from './room.ts';
import { SMALL_JOB } from './small-job.ts';

const JOB = { ...SMALL_JOB, policies: { ...SMALL_JOB.policies, checkpointEvery: 2 } };

describe('the copies of a checkpoint', () => {
  test('are told by every other device, until it has deleted its own or is gone', async () => {
    const { clock, open, profile } = createRoom(JOB);
    const [second, third] = [createProfile(clock), createProfile(clock)];
    const alone = { autostart: false };
    const here = await open({ options: { fresh: true, ...alone } });
    await open({ options: alone });
    const there = [
      await open({ options: alone, profile: second }),
      await open({ options: alone, profile: second }),
    ];
    const far = await open({ options: alone, profile: third });
    await clock.until('all five are members', () => here.host.status().members.length === 5);
    here.host.command('start');
    const last = async (store: typeof profile) => (await store.checkpointStore.list('ROOMAA'))[0];
    await clock.until('all are done', () =>
      [here, ...there, far].every(({ host }) => host.status().phase === 'done'),
    );
    const told = async () => {
      let all: Awaited<ReturnType<typeof here.host.copies>> | undefined;
      void here.host.copies().then((answer) => (all = answer));
      await clock.until('they have answered, or time is up', () => all !== undefined);
      return (all ?? []).map(({ device, checkpoints }) => ({ device, newest: checkpoints[0] }));
    };
    await clock.until('each device has saved the last step', () =>
      [profile, second, third].every(({ records }) =>
        [...records.values()].some(({ summary }) => summary.step === JOB.steps),
      ),
    );
    const newest = { step: JOB.steps, hash: here.host.status().stateHash };
    const devices = await Promise.all([second, third].map(({ device }) => device()));
    const byDevice = (a: { device: string }, b: { device: string }) => (a.device < b.device ? -1 : 1);
    expect((await told()).sort(byDevice)).toEqual(
      devices.map((device) => ({ device, newest })).sort(byDevice),
    );

    await second.checkpointStore.delete((await last(second))?.id ?? '');
    expect((await told()).find(({ device }) => device === devices[0])?.newest?.step).not.toBe(JOB.steps);
    far.kill('goodbye');
    expect((await told()).map(({ device }) => device)).toEqual([devices[0]]);
  });
});
