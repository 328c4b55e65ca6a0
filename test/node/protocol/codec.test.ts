// Messages as bytes: what is sent arrives, and nothing else that arrives is more than a typed error.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PART_LANES } from '../../../src/collective/all-reduce.ts';
import {
  digestOfPiece,
  MAX_PIECES,
  PIECE_BYTES,
  PIECE_WINDOW,
} from '../../../src/collective/state-transfer.ts';
import { DEFAULT_JOB } from '../../../src/job/job.ts';
import type { DeviceId, IncarnationId, MemberId, SeatId, StateHash } from '../../../src/ports/ids.ts';
import { bytesOf, MAX_MESSAGE_BYTES } from '../../../src/ports/network.ts';
import { checksum } from '../../../src/protocol/checksum.ts';
import { decodeMessage, encodeLate, encodeMessage } from '../../../src/protocol/codec.ts';
import { CodecError } from '../../../src/protocol/codec-error.ts';
import { messageBytes } from '../../../src/protocol/message-size.ts';
import { parseSeatRecord } from '../../../src/protocol/stored-votes.ts';
import type { Generation } from '../../../src/protocol/generation.ts';
import {
  MAX_ATTEMPT,
  MAX_CLAIM,
  MAX_CLAIMS_TOLD,
  MAX_HELD,
  type Message,
} from '../../../src/protocol/messages.ts';
import { FRAME_HEADER_BYTES, MAX_FRAME_BYTES } from '../../../src/transport/frame.ts';

const hex = (n: number) =>
  fc.string({ unit: fc.constantFrom(...Array.from('0123456789abcdef')), minLength: n, maxLength: n });
const member = hex(32).map((text) => text as MemberId);
const seat = hex(32).map((text) => text as SeatId);
const hash = hex(32).map((text) => text as StateHash);
const count = fc.integer({ min: 0, max: 1_000_000 });
const generationId = fc.record({
  incarnation: fc.tuple(hex(8), hex(32)).map(([a, b]) => `${a}-${b}` as IncarnationId),
  number: fc.integer({ min: 1, max: 10_000 }),
});
const ballot = fc.record({ round: count, proposer: member });
const aMember = fc.record({ member, seat, fingerprint: hex(16) });
/** Pairs of the first ranks of a generation, the lesser first. */
const apart = fc.option(
  fc
    .array(fc.tuple(fc.nat(7), fc.nat(7)), { minLength: 1, maxLength: 4 })
    .map((pairs) => pairs.filter(([one, other]) => one < other)),
  { nil: undefined },
);
const withApart = (small: Generation, pairs: readonly (readonly [number, number])[] = []): Generation => {
  const fitting = pairs.filter(([, other]) => other < small.members.length);
  return fitting.length === 0 ? small : { ...small, apart: fitting };
};
/** Where it goes back to, and whose place it has taken. */
const going = fc.tuple(
  fc.option(fc.record({ founder: member, step: count, hash })),
  fc.array(generationId, { maxLength: 16 }),
);
const generation: fc.Arbitrary<Generation> = fc
  .record({
    id: generationId,
    members: fc.array(aMember, { minLength: 1, maxLength: 8 }),
    updateMode: fc.constantFrom('native' as const, 'portable' as const),
    exactness: fc.oneof(
      fc.constant({ kind: 'exact' as const }),
      count.map((since) => ({ kind: 'unpromised' as const, since })),
    ),
    floor: count,
    running: fc.boolean(),
  })
  .chain((small) => apart.map((pairs) => withApart(small, pairs)))
  .chain((plain) =>
    going.map(([back, before]) => ({
      ...plain,
      ...(back === null ? {} : { back }),
      ...(before.length === 0 ? {} : { insteadOf: before.map(({ incarnation }) => incarnation) }),
    })),
  );
const largeGeneration: fc.Arbitrary<Generation> = fc
  .tuple(generation, fc.array(aMember, { minLength: 65, maxLength: 70 }))
  .map(([small, members]) => ({ ...small, members }));
/** Members with names of their own, as long as names are. */
const namedMembers = (count: number): Generation['members'] =>
  Array.from({ length: count }, (_, i) => {
    const name = i.toString(16).padStart(32, '0');
    return { member: name as MemberId, seat: name as SeatId, fingerprint: 'f'.repeat(16) };
  });
const words = fc.array(fc.integer(), { maxLength: 200 }).map((list) => Int32Array.from(list));
const standing = fc.record({ lineage: generationId, step: count, hash });
const pieceBytes = fc.uint8Array({ maxLength: 300 }).map((bytes) => Uint8Array.from(bytes));
const round = fc.record({ step: count, attempt: fc.integer({ min: -1, max: MAX_ATTEMPT }) });

const relayed = fc.oneof(
  fc.record({ kind: fc.constant('prepare' as const), generation: generationId, ballot }),
  fc.record({
    kind: fc.constant('accept' as const),
    generation: generationId,
    ballot,
    value: fc.oneof(generation, largeGeneration),
  }),
  fc.record({
    kind: fc.constant('news' as const),
    generation: generationId,
    suspects: fc.array(fc.record({ member, evidence: fc.constantFrom('goodbye' as const, 'ice' as const) }), {
      maxLength: 3,
    }),
    joiners: fc.array(aMember, { maxLength: 3 }),
    leaving: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('target' as const),
    generation: generationId,
    verdict: fc.record({
      target: fc.record({ step: count, hash, lineage: count, donors: fc.array(member, { maxLength: 4 }) }),
      paused: fc.boolean(),
      lost: fc.option(fc.record({ founder: fc.option(member, { nil: undefined }) }), { nil: undefined }),
      tied: fc.option(fc.constant(true as const), { nil: undefined }),
    }),
  }),
);

/** A part whose first lanes are small, as most of a gradient are. */
const narrowPart = fc
  .record({ bits: fc.integer({ min: 1, max: 31 }), lanes: fc.integer({ min: 1, max: 300 }), side: words })
  .chain(({ bits, lanes, side }) =>
    fc.record({
      kind: fc.constant('part' as const),
      generation: generationId,
      round,
      bucket: fc.nat(8),
      part: count,
      payload: fc
        .array(fc.integer({ min: -(2 ** (bits - 1)), max: 2 ** (bits - 1) - 1 }), {
          minLength: lanes,
          maxLength: lanes,
        })
        .map((narrow) => Int32Array.from([...narrow, ...side])),
    }),
  );

const beat = fc.record({
  kind: fc.constant('beat' as const),
  generation: generationId,
  phase: fc.constantFrom('computing' as const, 'reducing' as const, 'stuck' as const),
  step: count,
  waiting: fc.option(member, { nil: undefined }),
  attempt: fc.option(fc.integer({ min: -1, max: MAX_ATTEMPT }), { nil: undefined }),
  hidden: fc.option(fc.constant(true as const), { nil: undefined }),
  pieces: fc.option(count, { nil: undefined }),
  unheard: fc.option(fc.array(member, { minLength: 1, maxLength: 4 }), { nil: undefined }),
});
const part = fc.record({
  kind: fc.constant('part' as const),
  generation: generationId,
  round,
  bucket: fc.nat(8),
  part: count,
  payload: words,
});
const retainedGradient = fc.record({
  kind: fc.constant('gradient' as const),
  generation: generationId,
  step: count,
  exponents: fc.option(
    fc.array(fc.integer({ min: -64, max: 64 }), { maxLength: 9 }).map((list) => Int32Array.from(list)),
    { nil: undefined },
  ),
  quarantined: fc.option(fc.array(count, { minLength: 1, maxLength: 4 }), { nil: undefined }),
  reduced: words,
});
const wholeState = fc
  .record({ bytes: pieceBytes, others: fc.array(pieceBytes, { maxLength: 5 }), place: fc.nat(5) })
  .chain(({ bytes, others, place }) => {
    const piece = Math.min(place, others.length);
    const pieces = others.toSpliced(piece, 0, bytes);
    return fc.record({
      kind: fc.constant('state' as const),
      generation: generationId,
      step: count,
      hash,
      digests: fc.constant(pieces.map(digestOfPiece)),
      piece: fc.constant(piece),
      bytes: fc.constant(bytes),
    });
  });
const pieceOfState = pieceBytes.chain((bytes) =>
  fc.record({
    kind: fc.constant('piece' as const),
    generation: generationId,
    step: count,
    hash,
    piece: fc.nat(MAX_PIECES - 1),
    digest: fc.constant(digestOfPiece(bytes)),
    bytes: fc.constant(bytes),
  }),
);
const wantedPieces = fc.record({
  kind: fc.constant('want' as const),
  generation: generationId,
  step: count,
  hash,
  pieces: fc.array(fc.nat(MAX_PIECES - 1), { minLength: 1, maxLength: PIECE_WINDOW }),
});
const healRequest = fc.record({
  kind: fc.constant('heal' as const),
  generation: generationId,
  have: fc.option(standing, { nil: undefined }),
  piece: fc.nat(MAX_PIECES - 1),
});
/** What a learner and its teacher say to each other. */
const lesson: fc.Arbitrary<Message> = fc.oneof(
  fc.record({ kind: fc.constant('learn' as const), message: fc.oneof(healRequest, wantedPieces) }),
  fc.record({
    kind: fc.constant('lesson' as const),
    committed: count,
    hash: fc.constant(undefined),
    message: fc.oneof(wholeState, pieceOfState),
  }),
  fc.record({ kind: fc.constant('lesson' as const), committed: count, hash, message: retainedGradient }),
  fc.record({
    kind: fc.constant('lessonOver' as const),
    then: fc.constantFrom('come-in' as const, 'ask-another' as const),
  }),
);
const message: fc.Arbitrary<Message> = fc.oneof(
  lesson,
  fc.record({ kind: fc.constant('recall' as const) }),
  fc.record({ kind: fc.constant('copies' as const) }),
  fc.record({
    kind: fc.constant('holding' as const),
    device: fc.constant('d'.repeat(32) as DeviceId),
    checkpoints: fc.array(fc.record({ step: count, hash }), { maxLength: MAX_HELD }),
  }),
  fc.record({
    kind: fc.constant('colours' as const),
    claims: fc.array(fc.record({ member, claim: fc.nat(MAX_CLAIM) }), {
      minLength: 1,
      maxLength: MAX_CLAIMS_TOLD,
    }),
  }),
  fc.record({
    kind: fc.constant('flight' as const),
    entries: fc.array(
      fc.record({
        operation: fc.constantFrom('contribution' as const, 'all-reduce' as const, 'vote' as const),
        generation: count,
        step: count,
        attempt: fc.integer({ min: -1, max: MAX_ATTEMPT }),
        at: count,
        ms: fc.option(count, { nil: undefined }),
        aborted: fc.boolean(),
      }),
      { maxLength: 65 },
    ),
  }),
  beat,
  relayed,
  fc.record({
    kind: fc.constant('relay' as const),
    origin: member,
    to: member,
    hops: fc.integer({ min: 0, max: 4 }),
    message: fc.oneof(relayed, beat, part, narrowPart, retainedGradient),
  }),
  fc.record({
    kind: fc.constant('join' as const),
    member: fc.option(aMember, { nil: undefined }),
    jobHash: fc.constant(undefined),
    standing: fc.option(standing, { nil: undefined }),
    links: fc.array(member, { maxLength: 5 }),
    installed: fc.array(generationId, { maxLength: 3 }),
  }),
  fc.record({
    kind: fc.constant('room' as const),
    generation,
    committed: count,
    job: fc.constant(DEFAULT_JOB),
  }),
  fc.record({ kind: fc.constant('prepare' as const), generation: generationId, ballot }),
  fc.record({
    kind: fc.constant('accept' as const),
    generation: generationId,
    ballot,
    value: generation,
  }),
  fc.record({
    kind: fc.constant('standing' as const),
    generation: generationId,
    standing: fc.option(standing, { nil: undefined }),
    best: fc.option(standing, { nil: undefined }),
    paused: fc.boolean(),
    again: fc.boolean(),
  }),
  part,
  narrowPart,
  retainedGradient,
  wholeState,
  pieceOfState,
  wantedPieces,
  healRequest,
);

describe('a piece of a state', () => {
  it('puts the longest part of an all-reduce into two frames of the transport, with its header', () => {
    const { lane, bytes } = encodeMessage({
      kind: 'part',
      generation: { incarnation: `ffffffff-${'f'.repeat(32)}` as IncarnationId, number: 0x7fffffff },
      round: { step: 0x7fffffff, attempt: MAX_ATTEMPT },
      bucket: 65_535,
      part: 0x7fffffff,
      payload: new Int32Array(PART_LANES).fill(-(2 ** 31)),
    });
    expect(lane).toBe('bulk');
    expect(bytes.length).toBeLessThanOrEqual(2 * (MAX_FRAME_BYTES.bulk - FRAME_HEADER_BYTES));
  });

  const id = { incarnation: `00000001-${'a'.repeat(32)}` as IncarnationId, number: 3 };
  const place = { generation: id, step: 5, hash: 'b'.repeat(32) as StateHash };
  const offer = (pieces: readonly Uint8Array<ArrayBuffer>[]): Extract<Message, { kind: 'state' }> => ({
    kind: 'state',
    ...place,
    digests: pieces.map(digestOfPiece),
    piece: 0,
    bytes: pieces[0] ?? new Uint8Array(0),
  });

  it('is refused where its bytes are not those of its digest, whoever computed the checksum', () => {
    const bytes = Uint8Array.of(1, 2, 3, 4, 5);
    const digest = digestOfPiece(Uint8Array.of(1, 2, 3, 4, 6));
    const piece: Message = { kind: 'piece', ...place, piece: 2, digest, bytes };
    expect(() => decodeMessage(encodeMessage(piece).bytes)).toThrow(/digest/);
    const state = { ...offer([bytes]), bytes: Uint8Array.of(9) };
    expect(() => decodeMessage(encodeMessage(state).bytes)).toThrow(/digest/);
  });

  it('is refused where it is too long, or not in the list, and so is a list that is empty or too long', () => {
    const long = new Uint8Array(PIECE_BYTES + 1);
    expect(() => decodeMessage(encodeMessage(offer([long])).bytes)).toThrow(/at most/);
    const beyond = { ...offer([Uint8Array.of(1)]), piece: 1 };
    expect(() => decodeMessage(encodeMessage(beyond).bytes)).toThrow(/list/);
    for (const count of [0, MAX_PIECES + 1]) {
      const [digest] = offer([Uint8Array.of(1)]).digests;
      const state = { ...offer([]), digests: Array.from({ length: count }, () => digest) } as Message;
      expect(() => decodeMessage(encodeMessage(state).bytes)).toThrow(CodecError);
    }
    const greedy: Message = { kind: 'want', ...place, pieces: Array.from({ length: 5 }, (_, i) => i) };
    expect(() => decodeMessage(encodeMessage(greedy).bytes)).toThrow(CodecError);
  });

  it('has room for its list in a header, at the most pieces that there may be', () => {
    const digest = digestOfPiece(Uint8Array.of(1));
    const state = { ...offer([Uint8Array.of(1)]), digests: Array.from({ length: MAX_PIECES }, () => digest) };
    expect(decodeMessage(encodeMessage(state).bytes)).toEqual(state);
  });
});

describe('a lesson', () => {
  const id = { incarnation: `00000001-${'a'.repeat(32)}` as IncarnationId, number: 3 };
  const hash = 'b'.repeat(32) as StateHash;
  const bytes = Uint8Array.of(1, 2, 3);
  const piece = { kind: 'piece', generation: id, step: 5, hash, piece: 2, bytes } as const;
  const gradient = {
    kind: 'gradient',
    generation: id,
    step: 5,
    exponents: undefined,
    quarantined: undefined,
    reduced: Int32Array.of(1, -2),
  } as const;
  const teach = (message: Extract<Message, { kind: 'lesson' }>['message'], of?: StateHash): Message => ({
    kind: 'lesson',
    committed: 7,
    hash: of,
    message,
  });

  it('travels with what else is long, and is asked for with what is short', () => {
    expect(encodeMessage(teach(gradient, hash)).lane).toBe('bulk');
    expect(encodeMessage({ kind: 'lessonOver', then: 'come-in' }).lane).toBe('control');
    const heal = { kind: 'heal', generation: id, have: undefined, piece: 0 } as const;
    expect(encodeMessage({ kind: 'learn', message: heal }).lane).toBe('control');
  });

  it('is refused where its piece is not what its digest says, or too long', () => {
    const wrong = { ...piece, digest: digestOfPiece(Uint8Array.of(9)) };
    expect(() => decodeMessage(encodeMessage(teach(wrong)).bytes)).toThrow(/digest/);
    const long = new Uint8Array(PIECE_BYTES + 1);
    const tooLong = { ...piece, bytes: long, digest: digestOfPiece(long) };
    expect(() => decodeMessage(encodeMessage(teach(tooLong)).bytes)).toThrow(/at most/);
  });

  it('is refused where a gradient names no state that it leads to, or anything else does', () => {
    expect(() => decodeMessage(encodeMessage(teach(gradient)).bytes)).toThrow(CodecError);
    const whole = { ...piece, digest: digestOfPiece(bytes) };
    expect(() => decodeMessage(encodeMessage(teach(whole, hash)).bytes)).toThrow(CodecError);
  });

  it('carries nothing but what heals a rank', () => {
    const other = { kind: 'start', generation: id } as unknown as typeof gradient;
    expect(() => decodeMessage(encodeMessage(teach(other, hash)).bytes)).toThrow(CodecError);
  });
});

describe('lanes on the wire', () => {
  const part = (payload: Int32Array<ArrayBuffer>): Message => ({
    kind: 'part',
    generation: { incarnation: `00000001-${'a'.repeat(32)}` as IncarnationId, number: 3 },
    round: { step: 5, attempt: 0 },
    bucket: 0,
    part: 2,
    payload,
  });
  const small = part(Int32Array.from({ length: 4096 }, (_, i) => (i % 2 === 0 ? i : -i)));

  it('take fewer bytes where they are small, also in what is relayed or taught', () => {
    const late = encodeLate(small);
    expect(late.saved).toBeGreaterThan((4096 * 4) / 2);
    expect(decodeMessage(bytesOf(late))).toEqual(small);
    const [origin, to] = ['1', '2'].map((digit) => digit.repeat(32) as MemberId);
    const relayed = { kind: 'relay', origin, to, hops: 1, message: small } as Message;
    expect(encodeMessage(relayed).bytes.length).toBeLessThan(late.length + 256);
    expect(decodeMessage(encodeMessage(relayed).bytes)).toEqual(relayed);
  });

  it('are written wherever the wire has room, also at an odd place', () => {
    const late = encodeLate(small);
    const into = new Uint8Array(late.length + 3).subarray(3);
    late.write(into);
    expect(decodeMessage(into.slice())).toEqual(small);
    expect(decodeMessage(into)).toEqual(small);
  });

  it('are refused where the payload does not hold what it names, or is no lanes', () => {
    const retouched = (bytes: Uint8Array<ArrayBuffer>, change: (view: DataView) => void) => {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      change(view);
      view.setInt32(0, checksum(bytes, 4), true);
      return bytes;
    };
    const { bytes } = encodeMessage(small);
    const start = 8 + Math.ceil((new DataView(bytes.buffer).getUint32(4, true) & 0xff_ff_ff) / 4) * 4;
    const more = retouched(bytes.slice(), (view) => view.setUint32(start, 1_000_000, true));
    expect(() => decodeMessage(more)).toThrow(/blocks/);
    const unknown = retouched(bytes.slice(), (view) => view.setUint8(7, 2));
    expect(() => decodeMessage(unknown)).toThrow(/way 2/);
    const short = encodeMessage({ kind: 'lessonOver', then: 'come-in' }).bytes;
    expect(() => decodeMessage(retouched(short, (view) => view.setUint8(7, 1)))).toThrow(CodecError);
  });
});

describe('the message codec', () => {
  it('gives back every message that it encoded', () => {
    fc.assert(
      fc.property(message, (sent) => {
        expect(decodeMessage(encodeMessage(sent).bytes)).toEqual(sent);
      }),
      { numRuns: 300 },
    );
  });

  it('writes the same bytes late, as often as it is asked to, whatever the memory held before', () => {
    fc.assert(
      fc.property(message, fc.nat(255), fc.nat(8), (sent, filling, words) => {
        const late = encodeLate(sent);
        const at = 4 * words;
        const memory = new Uint8Array(at + late.length + 4).fill(filling);
        for (let time = 0; time < 2; time++) {
          late.write(memory.subarray(at, at + late.length));
          expect(Buffer.compare(memory.subarray(at, at + late.length), encodeMessage(sent).bytes)).toBe(0);
        }
        const around = [...memory.subarray(0, at), ...memory.subarray(at + late.length)];
        expect(around.every((byte) => byte === filling)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it('tells the size of every message without encoding it', () => {
    fc.assert(
      fc.property(message, (given) => {
        expect(messageBytes(given)).toBe(encodeMessage(given).bytes.length);
      }),
    );
  });

  it('sends what names a thousand members among the long messages, also where it is relayed', () => {
    const id = { incarnation: `00000001-${'a'.repeat(32)}` as IncarnationId, number: 3 };
    const name = (i: number): string => i.toString(16).padStart(32, '0');
    const value: Generation = {
      id,
      members: namedMembers(1000),
      updateMode: 'native',
      exactness: { kind: 'exact' },
      floor: 1,
      running: true,
    };
    const [origin, to] = [name(1) as MemberId, name(2) as MemberId];
    const accept = { kind: 'accept', generation: id, ballot: { round: 1, proposer: origin }, value } as const;
    const relay = { kind: 'relay', origin, to, hops: 3, message: accept } as const;
    for (const sent of [accept, relay]) {
      const { lane, bytes } = encodeMessage(sent);
      expect(lane).toBe('bulk');
      expect(messageBytes(sent)).toBe(bytes.length);
      expect(decodeMessage(bytes)).toEqual(sent);
    }
  });

  it('takes a generation of 1,024 members, and refuses one that is larger or empty', () => {
    const [origin] = namedMembers(1);
    if (origin === undefined) throw new Error('one member was asked for');
    const accept = (members: Generation['members']): Message => {
      const id = { incarnation: `00000001-${'a'.repeat(32)}` as IncarnationId, number: 3 };
      const exactness = { kind: 'exact' } as const;
      const value: Generation = { id, members, updateMode: 'native', exactness, floor: 1, running: true };
      return { kind: 'accept', generation: id, ballot: { round: 1, proposer: origin.member }, value };
    };
    const largest = accept(namedMembers(1024));
    const { bytes } = encodeMessage(largest);
    expect(decodeMessage(bytes)).toEqual(largest);
    expect(bytes.length).toBeLessThan(MAX_MESSAGE_BYTES.bulk);
    for (const members of [namedMembers(1025), []])
      expect(() => decodeMessage(encodeMessage(accept(members)).bytes)).toThrow(/members|header/);
  });

  it('answers random bytes with a CodecError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        expect(() => decodeMessage(Uint8Array.from(bytes))).toThrow(CodecError);
      }),
      { numRuns: 500 },
    );
  });

  it('notices any flipped bit and any cut', () => {
    fc.assert(
      fc.property(
        message,
        fc.nat(),
        fc.integer({ min: 0, max: 7 }),
        fc.boolean(),
        (sent, place, bit, cut) => {
          const { bytes } = encodeMessage(sent);
          const at = place % bytes.length;
          const damaged = cut ? bytes.slice(0, at) : bytes.slice();
          if (!cut) damaged[at] = (damaged[at] ?? 0) ^ (1 << bit);
          expect(() => decodeMessage(damaged)).toThrow(CodecError);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('refuses a header length beyond the message without allocating it', () => {
    const { bytes } = encodeMessage({ kind: 'refuse', reason: 'job-differs', detail: 'x' });
    new DataView(bytes.buffer).setUint32(4, 0x00ffffff, true);
    expect(() => decodeMessage(bytes)).toThrow(/does not fit/);
  });

  it('refuses an unknown kind of message and a stored ballot of another shape', () => {
    const { bytes } = encodeMessage({ kind: 'dance' } as unknown as Message);
    expect(() => decodeMessage(bytes)).toThrow(CodecError);
    expect(() => parseSeatRecord({ format: 1, seat: 'none' })).toThrow(CodecError);
  });
});
