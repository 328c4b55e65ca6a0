// Simulated storage behind the interfaces that the browser's implements.

import type { JobHash, MemberId, SeatId } from '../../ports/ids.ts';
import {
  StoreError,
  type BallotStore,
  type CheckpointRecord,
  type CheckpointStore,
  type CheckpointSummary,
  type StoreFault,
} from '../../ports/store.ts';
import { beginWrite, createDisk, endWrite, type Disk } from '../disk.ts';
import type { SavedState, SaveOutcome } from '../sim-rank.ts';
import { beginSave, createShelf, endSave, type Shelf } from '../storage.ts';
import type { Stage } from './stage.ts';

/** Durations in virtual milliseconds, each drawn between its bounds. */
const DISK = [2, 12] as const;

const FAULTS: Readonly<Record<Exclude<SaveOutcome, 'stored'>, StoreFault>> = {
  refused: 'refused',
  fenced: 'fenced',
  quota: 'quota',
  unanswered: 'unavailable',
};

export interface SimulatedBallots {
  readonly store: BallotStore;
  readonly disk: Disk<SeatId, unknown, MemberId>;
}

export function createSimulatedBallots(stage: Stage, page: MemberId): SimulatedBallots {
  const disk = createDisk<SeatId, unknown, MemberId>();

  /** Undefined: there is no record any more. */
  const write = (seat: SeatId, record: unknown): Promise<void> => {
    const { refusing } = disk;
    disk.busyUntil = Math.max(stage.now(), disk.busyUntil) + stage.entropy.between('disk', 'ballot', ...DISK);
    const begun = beginWrite(disk, page, seat, record);
    return stage.run(
      new Promise((resolve, reject) => {
        stage.at(disk.busyUntil, () => {
          if (endWrite(disk, begun) === true) resolve();
          else {
            const fault = refusing > 0 ? 'refused' : 'unavailable';
            reject(new StoreError(fault, 'The ballot was not stored as far as the disk says.'));
          }
        });
      }),
    );
  };

  return {
    disk,
    store: {
      load: (seat) => Promise.resolve(structuredCopy(disk.records.get(seat))),
      save: (seat, record) => write(seat, structuredCopy(record)),
      delete: (seat) => write(seat, undefined),
    },
  };
}

/** Ballots are plain JSON. */
const structuredCopy = (value: unknown): unknown =>
  value === undefined ? undefined : JSON.parse(JSON.stringify(value));

interface Saved extends SavedState {
  readonly summary: CheckpointSummary;
}

export interface SimulatedCheckpoints {
  readonly store: CheckpointStore;
  readonly shelf: Shelf<Saved>;
  readonly damage: (id: string) => void;
}

export function createSimulatedCheckpoints(stage: Stage, page: MemberId): SimulatedCheckpoints {
  const shelf = createShelf<Saved>();

  const find = (id: string) => shelf.checkpoints.find(({ saved }) => saved.summary.id === id);

  function read(id: string): CheckpointRecord {
    const found = find(id);
    if (found === undefined) throw new StoreError('missing', `There is no checkpoint ${id}.`);
    if (found.damaged) throw new StoreError('corrupt', `The bytes of checkpoint ${id} do not verify.`);
    return { summary: found.saved.summary, file: found.saved.bytes.slice() };
  }

  const list = (room: string): CheckpointSummary[] =>
    shelf.checkpoints.map(({ saved }) => saved.summary).filter((summary) => summary.room === room);

  function loadNewest(room: string, jobHash: JobHash): Awaited<ReturnType<CheckpointStore['loadNewest']>> {
    const skipped: { summary: CheckpointSummary; reason: string }[] = [];
    for (const summary of list(room)) {
      if (summary.jobHash !== jobHash) skipped.push({ summary, reason: 'It belongs to another job.' });
      else if (find(summary.id)?.damaged === true) skipped.push({ summary, reason: 'It does not verify.' });
      else return { found: read(summary.id), skipped };
    }
    return { found: undefined, skipped };
  }

  return {
    shelf,
    damage(id) {
      const found = find(id);
      if (found !== undefined) found.damaged = true;
    },
    store: {
      save(key, jobHash, stateHash, file) {
        const id = `${key.generation.incarnation}/${key.generation.number}/${key.step}`;
        const summary: CheckpointSummary = {
          ...key,
          id,
          jobHash,
          stateHash,
          bytes: file.length,
          savedAt: stage.now(),
          pinned: false,
          standing: 'verified',
        };
        const standing = { lineage: key.generation, step: key.step, hash: stateHash };
        const begun = beginSave(shelf, page, { standing, bytes: file.slice(), summary });
        return stage.run(
          new Promise((resolve, reject) => {
            stage.at(stage.now() + stage.entropy.between('disk', 'checkpoint', ...DISK), () => {
              const came = endSave(shelf, begun);
              if (came === 'stored') resolve(summary);
              else if (came !== 'settled')
                reject(
                  new StoreError(FAULTS[came], `The checkpoint of step ${key.step} was not saved: ${came}.`),
                );
            });
          }),
        );
      },
      list: (room) => Promise.resolve(list(room)),
      load: (id) => stage.run(Promise.resolve().then(() => read(id))),
      loadNewest: (room, jobHash) => Promise.resolve(loadNewest(room, jobHash)),
      delete(id) {
        shelf.checkpoints = shelf.checkpoints.filter(({ saved }) => saved.summary.id !== id);
        return Promise.resolve();
      },
      rooms: () => Promise.resolve([...new Set(shelf.checkpoints.map(({ saved }) => saved.summary.room))]),
    },
  };
}
