// The ballots of a witness in one small file: written beside it, flushed, and put in its place by a rename, so that a crash at any
// point leaves the record before or the record after. A checksum shows what was torn or changed all the same.

import CRC32 from 'crc-32';
import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isSeatId, type SeatId } from '../../ports/ids.ts';
import { CodecError } from '../../protocol/codec-error.ts';
import { parseWitnessBook } from '../../protocol/stored-votes.ts';
import type { SeatRecord } from '../../protocol/votes.ts';
import { emptyBook, withRecord, type WitnessBook } from '../../protocol/witness-book.ts';

/** Says which file, what was expected and found, and what to do. */
export class BallotFileError extends Error {
  override readonly name = 'BallotFileError';
}

export interface BallotFile {
  /** What it held when it was opened: a new seat, where there was none. */
  readonly book: WitnessBook;
  /** Resolves once the record is durable, in the order of the calls. */
  save(record: SeatRecord): Promise<void>;
  close(): Promise<void>;
}

const checksum = (json: string): string => (CRC32.str(json) >>> 0).toString(16).padStart(8, '0');
const textOf = (book: WitnessBook): string => {
  const json = JSON.stringify(book);
  return `${checksum(json)}\n${json}\n`;
};

/** Opens or makes it, and keeps every other process from it until it is closed. Throws a `BallotFileError`. */
export async function openBallotFile(path: string): Promise<BallotFile> {
  await mkdir(dirname(path), { recursive: true });
  const unlock = await lock(`${path}.lock`);
  let book: WitnessBook;
  try {
    book = (await read(path)) ?? emptyBook(newSeat());
    // The seat itself is durable before anybody hears of it.
    await write(path, textOf(book));
  } catch (error) {
    await unlock();
    throw error;
  }
  const opened = book;
  let saves: Promise<unknown> = Promise.resolve();
  return {
    book: opened,
    save(record) {
      const saved = saves.then(async () => {
        const next = withRecord(book, record);
        if (next === undefined) throw new BallotFileError(`${path} has no room for a record of that line.`);
        // What could not be written is written with the next record: it binds the seat, said or not.
        book = next;
        await write(path, textOf(next));
      });
      saves = saved.catch(() => undefined);
      return saved;
    },
    async close() {
      await saves;
      await unlock();
    },
  };
}

async function read(path: string): Promise<WitnessBook | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined;
    throw error;
  }
  const advice =
    'Its ballots are lost: move the file away to start with a new seat, which the room takes for a new witness.';
  const [sum, json = '', ...rest] = text.split('\n');
  if (sum !== checksum(json) || rest.join('') !== '')
    throw new BallotFileError(`${path} is torn or was changed: its checksum does not fit. ${advice}`);
  try {
    return parseWitnessBook(JSON.parse(json));
  } catch (error) {
    if (!(error instanceof CodecError) && !(error instanceof SyntaxError)) throw error;
    throw new BallotFileError(`${path} cannot be used: ${error.message} ${advice}`, { cause: error });
  }
}

async function write(path: string, text: string): Promise<void> {
  const beside = `${path}.new`;
  const file = await open(beside, 'w', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(beside, path);
  const folder = await open(dirname(path), 'r');
  try {
    // The rename is durable once its folder is.
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** One process at a time: two that vote for one seat could say two things. */
async function lock(path: string): Promise<() => Promise<void>> {
  for (;;) {
    try {
      const file = await open(path, 'wx', 0o600);
      await file.writeFile(String(process.pid));
      await file.close();
      return () => rm(path, { force: true });
    } catch (error) {
      if (!isCode(error, 'EEXIST')) throw error;
      const holder = Number(await readFile(path, 'utf8').catch(() => ''));
      if (isRunning(holder))
        throw new BallotFileError(
          `${path} is held by process ${holder}: expected no other server to witness this room from here. Stop that one first.`,
        );
      await rm(path, { force: true });
    }
  }
}

function isRunning(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !isCode(error, 'ESRCH');
  }
}

const isCode = (error: unknown, code: string): boolean =>
  error instanceof Error && (error as NodeJS.ErrnoException).code === code;

function newSeat(): SeatId {
  const seat = randomBytes(16).toString('hex');
  if (!isSeatId(seat)) throw new TypeError(`A seat id has 32 hex digits, and this one is ${seat}.`);
  return seat;
}
