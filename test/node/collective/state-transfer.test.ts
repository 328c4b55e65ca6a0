// A state in pieces: what is cut comes together again, from whichever donors, and never from two different states.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  askForMore,
  askForOldest,
  cutIntoPieces,
  digestOfPiece,
  firstMissing,
  joinPieces,
  PIECE_WINDOW,
  piecesHeld,
  takePiece,
  takeUp,
  wholeState,
  type Incoming,
  type PieceList,
} from '../../../src/collective/state-transfer.ts';
import type { PieceDigest } from '../../../src/ports/ids.ts';

const same = (held: PieceDigest, listed: PieceDigest): boolean => held === listed;
const bytesOf = (length: number, salt: number): Uint8Array<ArrayBuffer> =>
  Uint8Array.from({ length }, (_, i) => (i * 7 + salt * 31 + (i >> 8)) & 255);

/** Takes the given pieces, as if they had been asked for. */
function feed(incoming: Incoming, { digests, pieces }: PieceList, which: readonly number[]): void {
  for (const i of which) {
    const [digest, bytes] = [digests[i], pieces[i]];
    if (digest === undefined || bytes === undefined) throw new RangeError(`no piece ${i}`);
    takePiece(incoming, i, digest, bytes);
  }
}

describe('a state in pieces', () => {
  it('comes together again, whatever its length and that of a piece', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.integer({ min: 1, max: 64 }), (data, pieceBytes) => {
        const bytes = Uint8Array.from(data);
        const { pieces, digests } = cutIntoPieces(bytes, pieceBytes);
        expect(pieces.length).toBe(Math.max(1, Math.ceil(bytes.length / pieceBytes)));
        expect(digests.length).toBe(pieces.length);
        expect(joinPieces(pieces)).toEqual(bytes);
      }),
    );
  });

  it('has digests that show any changed byte, and any cut', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 100 }),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (data, place, mask) => {
          const bytes = Uint8Array.from(data);
          const changed = bytes.slice();
          const at = place % bytes.length;
          changed[at] = (changed[at] ?? 0) ^ mask;
          expect(digestOfPiece(changed)).not.toBe(digestOfPiece(bytes));
          expect(digestOfPiece(bytes.slice(0, -1))).not.toBe(digestOfPiece(bytes));
        },
      ),
    );
    // What lies around a piece in memory does not count.
    const bytes = bytesOf(64, 1);
    expect(digestOfPiece(bytes.subarray(3, 40))).toBe(digestOfPiece(bytes.slice(3, 40)));
  });

  it('goes on with another donor from where it was, and no piece comes twice', () => {
    const state = cutIntoPieces(bytesOf(1000, 1), 100);
    const incoming = takeUp(state.digests, undefined, same);
    feed(incoming, state, [0, 1, 2, 5]);
    const next = takeUp(state.digests, incoming, same);
    expect(piecesHeld(next)).toBe(4);
    expect(firstMissing(next)).toBe(3);
    const asked: number[] = [];
    for (let more = askForMore(next); more.length > 0; more = askForMore(next)) {
      asked.push(...more);
      expect(next.asked.length).toBeLessThanOrEqual(PIECE_WINDOW);
      feed(next, state, next.asked.slice(0, 1));
    }
    feed(next, state, [...next.asked]);
    expect(asked).toEqual([3, 4, 6, 7, 8, 9]);
    expect(joinPieces(wholeState(next) ?? [])).toEqual(bytesOf(1000, 1));
  });

  it('keeps of another state only the pieces that are the same in both, in whatever order donors change', () => {
    const length = 640;
    const states = [1, 2, 3].map((salt) => {
      // The second half is common to all.
      const bytes = bytesOf(length, 9);
      bytes.set(bytesOf(length / 2, salt));
      return { bytes, list: cutIntoPieces(bytes, 64) };
    });
    fc.assert(
      fc.property(
        fc.array(fc.record({ state: fc.nat(2), taken: fc.array(fc.nat(9), { maxLength: 10 }) }), {
          minLength: 1,
          maxLength: 12,
        }),
        (donors) => {
          let incoming: Incoming | undefined;
          for (const { state, taken } of donors) {
            const chosen = states[state];
            if (chosen === undefined) throw new RangeError('one of three');
            incoming = takeUp(chosen.list.digests, incoming, same);
            feed(incoming, chosen.list, taken);
            const whole = wholeState(incoming);
            if (whole !== undefined) expect(joinPieces(whole)).toEqual(chosen.bytes);
          }
        },
      ),
    );
  });

  it('refuses a piece that is not the one in the list', () => {
    const [mine, other] = [cutIntoPieces(bytesOf(300, 1), 100), cutIntoPieces(bytesOf(300, 2), 100)];
    const incoming = takeUp(mine.digests, undefined, same);
    feed(incoming, other, [0, 1, 2]);
    expect(piecesHeld(incoming)).toBe(0);
    const [digest] = mine.digests;
    if (digest === undefined) throw new RangeError('three pieces');
    expect(takePiece(incoming, 3, digest, bytesOf(100, 1))).toBe(false);
    expect(wholeState(incoming)).toBeUndefined();
  });

  it('asks again for the one piece that was damaged', () => {
    const state = cutIntoPieces(bytesOf(1000, 1), 100);
    const incoming = takeUp(state.digests, undefined, same);
    expect(askForMore(incoming)).toEqual([0, 1, 2, 3]);
    feed(incoming, state, [0]);
    expect(askForOldest(incoming)).toEqual([1]);
    expect(incoming.asked).toEqual([2, 3, 1]);
  });

  it('takes the pieces that differ from another donor where the state came out spoilt, and all of them where none does', () => {
    const [good, bad] = [cutIntoPieces(bytesOf(300, 1), 100), cutIntoPieces(bytesOf(300, 1), 100)];
    const pieces = bad.pieces.with(1, bytesOf(100, 7));
    const lying: PieceList = { digests: pieces.map(digestOfPiece), pieces };
    const incoming = takeUp(lying.digests, undefined, same);
    feed(incoming, lying, [0, 1, 2]);
    incoming.spoilt = true;
    expect(askForMore(takeUp(good.digests, incoming, same))).toEqual([1]);
    expect(askForMore(takeUp(lying.digests, incoming, same))).toEqual([0, 1, 2]);
  });
});
