// A room of live ranks without a browser: hosts, core and CPU engine over ports in memory.

import { describe, expect, test } from 'vitest';
import { curve } from '../../../src/live/history.ts';
import type { Host } from '../../../src/live/host.ts';
import type { Job } from '../../../src/job/job.ts';
import type { Engine } from '../../../src/ports/engine.ts';
import { EngineError } from '../../../src/ports/engine.ts';
import type { BallotStore } from '../../../src/ports/store.ts';
import { StoreError } from '../../../src/ports/store.ts';
import { SMALL_JOB, smallEngine } from './small-job.ts';
import { createRoom } from './room.ts';
import type { TestRank } from './room.ts';

/** Sentences of the invariants that the ranks found broken in their own logs. */
const broken = (ranks: readonly TestRank[]): readonly string[] =>
  ranks
    .flatMap(({ host }) => host.log(0, 100_000))
    .flatMap(({ event }) => (event.kind === 'violated' ? [event.sentence] : []));

const done = (host: Host): boolean => host.status().phase === 'done';

/** What a single rank that nothing happens to arrives at. */
async function undisturbed(job: Job = SMALL_JOB): Promise<string | undefined> {
  const { clock, open } = createRoom(job);
  const { host } = await open({ options: { fresh: true } });
  await clock.until('the single rank is done', () => done(host));
  return host.status().stateHash;
}

describe('a room of live ranks', () => {
  test('of one trains to the end, and knows loss and accuracy', async () => {
    const { clock, open } = createRoom();
    const { host } = await open({ options: { fresh: true } });
    await clock.until('it is done', () => done(host) && host.status().evaluation !== undefined);
    const { points } = host.metrics(0);
    expect(points).toHaveLength(SMALL_JOB.steps);
    expect(points.at(-1)?.loss).toBeLessThan(points[0]?.loss ?? 0);
    await clock.until(
      'the last state is evaluated',
      () => host.status().evaluation?.step === SMALL_JOB.steps,
    );
  });

  test('of three ends with the state of a single rank', async () => {
    const { clock, openAll } = createRoom();
    const ranks = await openAll(3);
    ranks[0]?.host.command('start');
    await clock.until('all are done', () => ranks.every(({ host }) => done(host)));
    const hash = await undisturbed();
    expect(ranks.map(({ host }) => host.status().stateHash)).toEqual([hash, hash, hash]);
    expect(broken(ranks)).toEqual([]);
  });

  test('goes on with equal states when a rank dies in mid-step', async () => {
    const { clock, openAll } = createRoom();
    const [first, second, third] = await openAll(3);
    if (first === undefined || second === undefined || third === undefined)
      throw new Error('three were opened');
    first.host.command('start');
    await clock.until('the third computes its share of step 10', () => {
      const { step, phase } = third.host.status();
      return step >= 10 && (phase === 'computing' || phase === 'reducing');
    });
    third.kill();
    await clock.until('both others are done', () => done(first.host) && done(second.host));
    const hash = await undisturbed();
    expect([first.host.status().stateHash, second.host.status().stateHash]).toEqual([hash, hash]);
    expect(first.host.status().members).toHaveLength(2);
    expect(broken([first, second])).toEqual([]);
  });

  test('heals a rank that joins in mid-run, and shows it the whole curve', async () => {
    const job = { ...SMALL_JOB, steps: 200 };
    const { clock, openAll, open } = createRoom(job);
    const [first, second] = await openAll(2);
    if (first === undefined || second === undefined) throw new Error('two were opened');
    first.host.command('start');
    await clock.until('it is half way', () => first.host.status().step >= 15);
    const late = await open();
    await clock.until('all three are done', () => [first, second, late].every(({ host }) => done(host)));
    expect(late.host.status().stateHash).toBe(await undisturbed(job));
    const log = late.host.log(0, 10_000).map(({ event }) => event.kind);
    expect(log).toContain('healed');
    expect(log).toContain('contributed');
    expect(broken([first, second, late])).toEqual([]);
    expect(curve(late.host.metrics(0).points).map(({ step }) => step)).toEqual(
      Array.from({ length: job.steps }, (_, step) => step),
    );
  });

  test('resumes from its newest checkpoint when all pages were closed', async () => {
    const { clock, openAll, open, profile } = createRoom();
    const ranks = await openAll(2);
    ranks[0]?.host.command('start');
    await clock.until('a checkpoint of step 10 is stored', () =>
      [...profile.records.values()].some(({ summary }) => summary.step >= 10),
    );
    for (const rank of ranks) rank.kill();
    const again = [await open(), await open()];
    await clock.until('both are done', () => again.every(({ host }) => done(host)));
    const hash = await undisturbed();
    expect(again.map(({ host }) => host.status().stateHash)).toEqual([hash, hash]);
    expect(broken(again)).toEqual([]);
    expect(again.map(({ host }) => host.status().resumedFromStep ?? 0)).toContain(10);
  });

  test('does not wait for a heartbeat when the page that died was of the same browser', async () => {
    const { clock, openAll } = createRoom();
    const [first, second, third] = await openAll(3);
    if (first === undefined || second === undefined || third === undefined)
      throw new Error('three were opened');
    const before = clock.now();
    third.kill();
    await clock.until('the others are among themselves', () =>
      [first, second].every(({ host }) => host.status().members.length === 2),
    );
    expect(clock.now() - before).toBeLessThan(SMALL_JOB.policies.suspicionMs);
    const acquired = [first, second]
      .flatMap(({ host }) => host.log(0, 10_000))
      .map(({ event }) => event.kind);
    expect(acquired).toContain('seatAcquired');
  });

  test('does not wait for ever for a rank that is well and cannot store its vote', async () => {
    const { clock, open, profile } = createRoom({ ...SMALL_JOB, steps: 300 });
    const { ballotStore } = profile;
    let refuse = false;
    const save: BallotStore['save'] = (seat, record) =>
      refuse ? Promise.reject(new StoreError('refused', 'No.')) : ballotStore.save(seat, record);
    const options = { autostart: false };
    const first = await open({ options: { ...options, fresh: true } });
    const second = await open({ options, ports: { ballots: { ...ballotStore, save } } });
    const third = await open({ options });
    await clock.until('all are members', () =>
      [first, second, third].every(({ host }) => host.status().members.length === 3),
    );
    first.host.command('start');
    await clock.until('all train', () => third.host.status().step > 3);
    refuse = true;
    third.kill();
    await clock.until('the third is out', () =>
      first.host.status().members.every(({ member }) => member !== third.member),
    );
    await clock.until('the room is through', () => done(first.host));
    expect(first.host.status().step).toBe(300);
  });

  test('is not kept from training by a rank that cannot compute, and has it back when it can', async () => {
    const { clock, open } = createRoom({ ...SMALL_JOB, steps: 600 });
    let refuse = false;
    const openEngine = async (job: Job): Promise<Engine> => {
      const engine = smallEngine(job);
      const failing = new EngineError('out-of-memory', 'No.');
      return {
        ...engine,
        contributeInBuckets: (request, deliver) =>
          refuse ? Promise.reject(failing) : engine.contributeInBuckets(request, deliver),
      };
    };
    const options = { autostart: false };
    const first = await open({ options: { ...options, fresh: true } });
    const second = await open({ options, ports: { openEngine } });
    const both = [first, second];
    await clock.until('both are members', () => both.every(({ host }) => host.status().members.length === 2));
    first.host.command('start');
    await clock.until('both train', () => both.every(({ host }) => host.status().step > 3));
    refuse = true;
    const before = first.host.status().generation?.number ?? 0;
    const { committed } = first.host.status();
    const since = clock.now();
    await clock.until('the first has gone on', () => first.host.status().committed > committed + 150);
    // Each readmission costs the room a step, so they must become rare.
    const readmissions = ((first.host.status().generation?.number ?? 0) - before) / 2;
    expect(readmissions).toBeLessThan(2 + (clock.now() - since) / 200);
    refuse = false;
    await clock.until('the second trains again', () => second.host.status().members.length === 2);
    await clock.until('both are done', () => both.every(({ host }) => done(host)));
  });

  test('that was told to train goes on from its checkpoint when all of its GPUs are lost at once', async () => {
    const { clock, open, profile } = createRoom({ ...SMALL_JOB, steps: 60 });
    const losses: ((error: EngineError) => void)[] = [];
    const openEngine = async (job: Job): Promise<Engine> => {
      const lost = new Promise<EngineError>((resolve) => losses.push(resolve));
      return { ...smallEngine(job), lost };
    };
    const options = { autostart: false };
    const first = await open({ options: { ...options, fresh: true }, ports: { openEngine } });
    const second = await open({ options, ports: { openEngine } });
    const both = [first, second];
    await clock.until('both are members', () => both.every(({ host }) => host.status().members.length === 2));
    first.host.command('start');
    await clock.until('a checkpoint is stored', () =>
      [...profile.records.values()].some(({ summary }) => summary.step >= 10),
    );
    for (const lose of losses.splice(0)) lose(new EngineError('device-lost', 'The GPU is gone.'));
    await clock.until('both are done', () => both.every(({ host }) => done(host)));
    const hash = await undisturbed({ ...SMALL_JOB, steps: 60 });
    expect(both.map(({ host }) => host.status().stateHash)).toEqual([hash, hash]);
    expect(broken(both)).toEqual([]);
  });
});
