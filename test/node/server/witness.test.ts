// The witness beside the server: its file outlives a crash at any write point, and it votes over the relay by the handshake of every link.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { IncarnationId, MemberId, SeatId } from '../../../src/ports/ids.ts';
import { emptyRecord, type SeatRecord } from '../../../src/protocol/votes.ts';
import { RELAY_PATH } from '../../../src/transport/fallback/relay-protocol.ts';
import { createRelayServer } from '../../../src/server/relay-server.ts';
import { routeUpgrades } from '../../../src/server/upgrades.ts';
import { BallotFileError, openBallotFile } from '../../../src/server/witness/ballot-file.ts';
import { openWitness } from '../../../src/server/witness/witness-host.ts';

const cleanup: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const undo of cleanup.splice(0).reverse()) await undo();
});

async function newFile(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'rankfall-witness-'));
  cleanup.push(() => rm(folder, { recursive: true }));
  return join(folder, 'ROOM.ballots');
}

const A = 'a'.repeat(32) as MemberId;
const recordOf = (seat: SeatId, number: number, round: number): SeatRecord => ({
  ...emptyRecord(seat, {
    id: { incarnation: `00000001-${A}` as IncarnationId, number },
    members: [{ member: A, seat: '1'.repeat(32) as SeatId, fingerprint: 'x' }],
    updateMode: 'native',
    exactness: { kind: 'exact' },
    floor: 0,
    running: true,
    witness: seat,
  }),
  promised: { round, proposer: A },
});

async function reopened(path: string) {
  const file = await openBallotFile(path);
  await file.close();
  return file.book;
}

describe('the ballots of a witness', () => {
  it('are there again, with the same seat, when the file is opened anew', async () => {
    const path = await newFile();
    const file = await openBallotFile(path);
    const { seat } = file.book;
    await Promise.all([file.save(recordOf(seat, 3, 1)), file.save(recordOf(seat, 3, 2))]);
    await file.close();
    const book = await reopened(path);
    expect(book.seat).toBe(seat);
    expect(book.records).toMatchObject([{ promised: { round: 2 } }]);
  });

  it('are those before the write, or those after it, wherever a crash cuts the write off', async () => {
    const path = await newFile();
    const file = await openBallotFile(path);
    await file.save(recordOf(file.book.seat, 3, 1));
    const before = await readFile(path);
    await file.save(recordOf(file.book.seat, 3, 2));
    await file.close();
    const after = await readFile(path);
    // Until the rename, what is written stands beside the file; it may have come to any length.
    for (let length = 0; length <= after.length; length += 37) {
      await writeFile(path, before);
      await writeFile(`${path}.new`, after.subarray(0, length));
      expect((await reopened(path)).records).toMatchObject([{ promised: { round: 1 } }]);
    }
    await writeFile(path, after);
    expect((await reopened(path)).records).toMatchObject([{ promised: { round: 2 } }]);
  });

  it('are refused where the file is torn or was changed, and the error says what to do', async () => {
    const path = await newFile();
    const file = await openBallotFile(path);
    await file.save(recordOf(file.book.seat, 3, 1));
    await file.close();
    const whole = await readFile(path);
    const changed = Buffer.from(whole);
    changed.write('7', whole.indexOf('"round":1') + '"round":'.length);
    for (const bytes of [whole.subarray(0, whole.length / 2), changed, Buffer.from('')]) {
      await writeFile(path, bytes);
      await expect(openBallotFile(path)).rejects.toThrow(/torn or was changed.*move the file away/);
    }
  });

  it('are held by one process at a time', async () => {
    const path = await newFile();
    const file = await openBallotFile(path);
    await expect(openBallotFile(path)).rejects.toThrow(BallotFileError);
    await file.close();
    await reopened(path);
  });
});

describe('a witness beside the server', () => {
  const abstained = (reason: string): void => expect.fail(reason);

  async function serve(): Promise<string> {
    const http = createServer();
    const relay = createRelayServer();
    const unroute = routeUpgrades(http, { [RELAY_PATH]: relay.upgrade });
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    cleanup.push(async () => {
      unroute();
      relay.close();
      await new Promise((resolve) => http.close(resolve));
    });
    return `http://127.0.0.1:${(http.address() as AddressInfo).port}/`;
  }

  it('links over the relay with whoever proves the secret, and with nobody else', async () => {
    const url = await serve();
    const open = async (secret: string) => {
      const witness = await openWitness({ url, room: 'ABCDEF', secret, file: await newFile(), abstained });
      cleanup.push(() => witness.close());
      return witness;
    };
    // Two that know the secret, and one that does not: a witness links like any end.
    const [one, other, stranger] = await Promise.all([open('right'), open('right'), open('wrong')]);
    await vi.waitFor(
      () => {
        expect(one.peers()).toHaveLength(1);
        expect(other.peers()).toHaveLength(1);
      },
      { timeout: 10_000 },
    );
    expect(stranger.peers()).toEqual([]);
  });
});
