// What every store keeps: ballots and checkpoints, in IndexedDB and in the simulated profile.

import type { GenerationId, IncarnationId, JobHash, SeatId, StateHash } from '../ids.ts';
import { StoreError } from '../store.ts';
import type { BallotStore, CheckpointKey, CheckpointStore, CheckpointSummary, StoreFault } from '../store.ts';
import { expectEqual, expectThat, pattern, rejection, sameBytes, type ContractCase } from './case.ts';

export interface BallotHarness {
  readonly ballots: BallotStore;
  /** From now on, or no more: what is written lands, and its writer is told that it did not. */
  readonly hideAnswers: (hidden: boolean) => void;
  /** From now on, or no more: nothing can be written. */
  readonly refuse: (refuses: boolean) => void;
}

export interface CheckpointHarness {
  readonly checkpoints: CheckpointStore;
  readonly hideAnswers: (hidden: boolean) => void;
  /** Checkpoints may take so many bytes together; undefined: as many as they like. */
  readonly limit: (bytes: number | undefined) => void;
  /** The stored bytes of a checkpoint change, or some are lost. */
  readonly damage: (id: string) => Promise<void>;
}

const seat = (digit: string): SeatId => digit.repeat(32) as SeatId;
const record = (round: number) => ({ format: 1, promised: { round, proposer: 'a'.repeat(32) } });

const faultOf = async (what: string, work: Promise<unknown>): Promise<StoreFault> => {
  const error = await rejection(what, work);
  expectThat(error instanceof StoreError, `${what} to reject with a StoreError`, error);
  return error.fault;
};

export const BALLOT_CONTRACT: readonly ContractCase<BallotHarness>[] = [
  {
    name: 'a seat has no record until one is saved, and then the one that was saved last',
    async run({ ballots }) {
      expectEqual('the record at first', await ballots.load(seat('1')), undefined);
      await ballots.save(seat('1'), record(1));
      await ballots.save(seat('2'), record(7));
      await ballots.save(seat('1'), record(2));
      expectEqual('the record of the first seat', await ballots.load(seat('1')), record(2));
      expectEqual('the record of the second', await ballots.load(seat('2')), record(7));
    },
  },
  {
    name: 'saves land in the order of the calls, however many are under way',
    async run({ ballots }) {
      await Promise.all(Array.from({ length: 10 }, (_, i) => ballots.save(seat('1'), record(i))));
      expectEqual('the record', await ballots.load(seat('1')), record(9));
    },
  },
  {
    name: 'a refused save has changed nothing',
    async run({ ballots, refuse }) {
      await ballots.save(seat('1'), record(1));
      refuse(true);
      expectEqual(
        'the fault of a refused save',
        await faultOf('a save that is refused', ballots.save(seat('1'), record(2))),
        'refused',
      );
      refuse(false);
      expectEqual('the record', await ballots.load(seat('1')), record(1));
    },
  },
  {
    name: 'a save that was never acknowledged may have landed: reading again decides',
    async run({ ballots, hideAnswers }) {
      await ballots.save(seat('1'), record(1));
      hideAnswers(true);
      expectEqual(
        'the fault of a save whose answer is lost',
        await faultOf('a save whose answer is lost', ballots.save(seat('1'), record(2))),
        'unavailable',
      );
      hideAnswers(false);
      expectEqual('the record', await ballots.load(seat('1')), record(2));
    },
  },
  {
    name: 'a deleted record is gone',
    async run({ ballots }) {
      await ballots.save(seat('1'), record(1));
      await ballots.delete(seat('1'));
      expectEqual('the record', await ballots.load(seat('1')), undefined);
    },
  },
];

const ROOM = 'ROOMAA';
const JOB = 'a'.repeat(64) as JobHash;
const OTHER_JOB = 'b'.repeat(64) as JobHash;
const incarnation = (depth: number): IncarnationId =>
  `${String(depth).padStart(8, '0')}-${'c'.repeat(32)}` as IncarnationId;
const hashOf = (step: number): StateHash => step.toString(16).padStart(32, '0') as StateHash;
const fileOf = (step: number): Uint8Array<ArrayBuffer> => pattern(1000, step);

const keyOf = (number: number, step: number, depth = 1): CheckpointKey => ({
  room: ROOM,
  generation: { incarnation: incarnation(depth), number } satisfies GenerationId,
  step,
});

const save = (store: CheckpointStore, key: CheckpointKey, job: JobHash = JOB): Promise<CheckpointSummary> =>
  store.save(key, job, hashOf(key.step), fileOf(key.step));

async function expectNewest(store: CheckpointStore, step: number | undefined): Promise<void> {
  const { found } = await store.loadNewest(ROOM, JOB);
  expectEqual('the step of the newest checkpoint', found?.summary.step, step);
  if (found !== undefined)
    expectThat(
      sameBytes(found.file, fileOf(found.summary.step)),
      'the bytes that were saved',
      found.file.length,
    );
}

export const CHECKPOINT_CONTRACT: readonly ContractCase<CheckpointHarness>[] = [
  {
    name: 'what was acknowledged is read back bit for bit, by id and as the newest',
    async run({ checkpoints }) {
      await expectNewest(checkpoints, undefined);
      const summary = await save(checkpoints, keyOf(1, 10));
      const loaded = await checkpoints.load(summary.id);
      expectThat(sameBytes(loaded.file, fileOf(10)), 'the bytes that were saved', loaded.file.length);
      expectEqual('its state hash', loaded.summary.stateHash, hashOf(10));
      await expectNewest(checkpoints, 10);
    },
  },
  {
    name: 'the newest is that of the latest generation, not that of the most steps',
    async run({ checkpoints }) {
      await save(checkpoints, keyOf(1, 30));
      await save(checkpoints, keyOf(2, 20));
      await expectNewest(checkpoints, 20);
      await save(checkpoints, keyOf(1, 5, 2));
      await expectNewest(checkpoints, 5);
      const listed = await checkpoints.list(ROOM);
      expectEqual(
        'the steps as they are listed',
        listed.map(({ step }) => step),
        [5, 20, 30],
      );
    },
  },
  {
    name: 'an older generation of the same line cannot save any more, and has changed nothing',
    async run({ checkpoints }) {
      await save(checkpoints, keyOf(3, 10));
      expectEqual(
        'the fault of a zombie',
        await faultOf("a zombie's save", save(checkpoints, keyOf(2, 99))),
        'fenced',
      );
      await expectNewest(checkpoints, 10);
      const steps = (await checkpoints.list(ROOM)).map(({ step }) => step);
      expectEqual('the steps that are stored', steps, [10]);
    },
  },
  {
    name: 'a checkpoint that was damaged is never loaded: the one before it is, and the loss is told',
    async run({ checkpoints, damage }) {
      await save(checkpoints, keyOf(1, 10));
      const newest = await save(checkpoints, keyOf(1, 20));
      await damage(newest.id);
      expectEqual(
        'the fault of a damaged checkpoint',
        await faultOf('loading a damaged checkpoint', checkpoints.load(newest.id)),
        'corrupt',
      );
      await expectNewest(checkpoints, 10);
      const { skipped } = await checkpoints.loadNewest(ROOM, JOB);
      expectEqual(
        'the steps that were skipped',
        skipped.map(({ summary }) => summary.step),
        [20],
      );
    },
  },
  {
    name: 'one that does not fit is refused by the quota, and what is there stays',
    async run({ checkpoints, limit }) {
      const { bytes } = await save(checkpoints, keyOf(1, 10));
      limit(bytes + 10);
      expectEqual(
        'the fault of one too many',
        await faultOf('a save that does not fit', save(checkpoints, keyOf(1, 20))),
        'quota',
      );
      await expectNewest(checkpoints, 10);
      limit(undefined);
      await save(checkpoints, keyOf(1, 30));
      await expectNewest(checkpoints, 30);
    },
  },
  {
    name: 'a save that was never acknowledged may have landed: reading again decides',
    async run({ checkpoints, hideAnswers }) {
      await save(checkpoints, keyOf(1, 10));
      hideAnswers(true);
      expectEqual(
        'the fault of a save whose answer is lost',
        await faultOf('a save whose answer is lost', save(checkpoints, keyOf(1, 20))),
        'unavailable',
      );
      hideAnswers(false);
      await expectNewest(checkpoints, 20);
    },
  },
  {
    name: 'a checkpoint of another job is passed over, and one that was deleted is missing',
    async run({ checkpoints }) {
      const mine = await save(checkpoints, keyOf(1, 10));
      await save(checkpoints, keyOf(2, 20), OTHER_JOB);
      await expectNewest(checkpoints, 10);
      await checkpoints.delete(mine.id);
      expectEqual(
        'the fault of a deleted one',
        await faultOf('loading it', checkpoints.load(mine.id)),
        'missing',
      );
      await expectNewest(checkpoints, undefined);
    },
  },
];
