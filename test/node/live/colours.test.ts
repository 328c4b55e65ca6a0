// One colour per rank on all pages of a room, whatever comes in whatever order.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createRoomColours, type RoomColours, type Worn } from '../../../src/live/colours.ts';
import { readLog } from '../../../src/lab/simulation/log-reading.ts';
import { joined } from '../../../src/live/recorder.ts';
import type { MemberId } from '../../../src/ports/ids.ts';
import { MAX_CLAIM, type Claim } from '../../../src/protocol/messages.ts';
import { isRinged, SLOTS } from '../../../src/trace/looks.ts';
import { createRoom } from './room.ts';
import { SMALL_JOB } from './small-job.ts';

const member = (place: number): MemberId => place.toString(16).padStart(32, '0') as MemberId;

/** A room in which news of members and claims are under way. Two of its ranks may have no link. */
function createTelling(apart: ReadonlySet<MemberId>) {
  const ranks = new Map<MemberId, RoomColours>();
  /** Generations that a rank has not installed yet, in order. */
  const coming = new Map<MemberId, (readonly MemberId[])[]>();
  let underWay: { readonly from: MemberId; readonly to: MemberId; readonly claims: readonly Claim[] }[] = [];
  let told = 0;

  const hasLink = (a: MemberId, b: MemberId): boolean =>
    a !== b && ranks.has(a) && ranks.has(b) && !(apart.has(a) && apart.has(b));
  const tell = (from: MemberId, to: MemberId, claims: readonly Claim[]): void => {
    if (claims.length === 0 || !hasLink(from, to)) return;
    underWay.push({ from, to, claims });
    told += 1;
  };
  const tellAll = (from: MemberId, claims: readonly Claim[]): void => {
    for (const to of ranks.keys()) tell(from, to, claims);
  };
  const link = (a: MemberId, b: MemberId): void => {
    tell(a, b, ranks.get(a)?.claims() ?? []);
    tell(b, a, ranks.get(b)?.claims() ?? []);
  };
  const changed = (): void => {
    for (const queue of coming.values()) queue.push([...ranks.keys()]);
  };

  return {
    living: () => [...ranks.keys()],
    join(id: MemberId): void {
      ranks.set(id, createRoomColours(id));
      coming.set(id, []);
      for (const other of ranks.keys()) link(id, other);
      changed();
    },
    die(id: MemberId): void {
      ranks.delete(id);
      coming.delete(id);
      underWay = underWay.filter(({ from, to }) => from !== id && to !== id);
      changed();
    },
    install(id: MemberId): void {
      const members = coming.get(id)?.shift();
      if (members !== undefined) tellAll(id, ranks.get(id)?.alive(members) ?? []);
    },
    /** `again`: it comes another time, later. */
    deliver(place: number, again: boolean): void {
      const [message] = underWay.splice(place % Math.max(1, underWay.length), 1);
      if (message === undefined) return;
      tellAll(message.to, ranks.get(message.to)?.heard(message.claims) ?? []);
      if (again) underWay.push(message);
    },
    /** What was under way between two is lost, and their link comes up anew. */
    cut(a: MemberId, b: MemberId): void {
      const between = new Set([a, b]);
      underWay = underWay.filter(({ from, to }) => !(between.has(from) && between.has(to)));
      link(a, b);
    },
    settle(): void {
      for (let one = 0; [...coming.values()].some((queue) => queue.length > 0); one += 1)
        for (const id of ranks.keys()) this.install(id);
      // Grows while it is read; one taken from its front at a time would move all the others, thousands of times.
      for (const { to, claims } of underWay) tellAll(to, ranks.get(to)?.heard(claims) ?? []);
      underWay = [];
    },
    told: () => told,
    seen: (id: MemberId) => worn(ranks.get(id)?.worn() ?? [], [...ranks.keys()]),
  };
}

const worn = (all: readonly Worn[], of: readonly MemberId[]): (number | undefined)[] =>
  of.map((id) => all.find((one) => one.member === id)?.slot);

const place = fc.nat(63);
const deed = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('join' as const), place }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('die' as const), place }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('install' as const), place }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('deliver' as const), place, again: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cut' as const), place, other: place }) },
);

function run(deeds: readonly (typeof deed extends fc.Arbitrary<infer T> ? T : never)[], most: number) {
  const room = createTelling(new Set([member(1), member(2)]));
  // Has links with all: what two say that have none goes over it.
  room.join(member(0));
  const pick = (at: number): MemberId => room.living()[at % room.living().length] ?? member(0);
  for (const one of deeds) {
    const id = member(one.place);
    if (one.do === 'join') {
      if (!room.living().includes(id) && room.living().length < most) room.join(id);
    } else if (one.do === 'die') {
      if (pick(one.place) !== member(0)) room.die(pick(one.place));
    } else if (one.do === 'install') room.install(pick(one.place));
    else if (one.do === 'deliver') room.deliver(one.place, one.again);
    else room.cut(pick(one.place), pick(one.other));
  }
  room.settle();
  return room;
}

describe('what ranks wear', () => {
  test('is the same on all pages and different for all ranks alive, in whatever order they come, go and hear of each other', () => {
    fc.assert(
      fc.property(fc.array(deed, { maxLength: 120, size: 'max' }), (deeds) => {
        const room = run(deeds, SLOTS);
        const [first, ...others] = room.living().map(room.seen);
        expect(new Set(first).size).toBe(room.living().length);
        expect(first).not.toContain(undefined);
        for (const other of others) expect(other).toEqual(first);
      }),
      { numRuns: 400 },
    );
  });

  test('is the same on all pages of a room with more ranks than looks, and comes to rest', () => {
    fc.assert(
      fc.property(fc.array(deed, { minLength: 60, maxLength: 200, size: 'max' }), (deeds) => {
        const room = run(deeds, 40);
        const [first, ...others] = room.living().map(room.seen);
        for (const other of others) expect(other).toEqual(first);
        expect(room.told()).toBeLessThan(200 * 40 * 40);
      }),
      { numRuns: 100 },
    );
  });

  test('is plain while a colour is left, and what the dead wore comes last', () => {
    const room = createTelling(new Set());
    for (let i = 0; i < SLOTS; i += 1) {
      room.join(member(i));
      room.settle();
    }
    expect(room.seen(member(3))).toEqual(Array.from({ length: SLOTS }, (_, slot) => slot));
    for (const gone of [5, 2, 7, 9]) room.die(member(gone));
    room.join(member(20));
    room.settle();
    const [slot] = room.seen(member(20)).slice(-1);
    expect(slot).toBe(2);
    expect(isRinged(slot ?? SLOTS)).toBe(false);
    room.die(member(20));
    room.join(member(21));
    room.settle();
    // 2 was worn by two that are gone, and 5 and 7 by one.
    expect(room.seen(member(21)).at(-1)).toBe(5);
  });

  test('is known of a newcomer before it has said a word', () => {
    const here = createRoomColours(member(0));
    here.alive([member(0)]);
    here.alive([member(0), member(5), member(3)]);
    expect(worn(here.worn(), [0, 3, 5].map(member))).toEqual([0, 1, 2]);
  });

  test('is kept by the lower of two that have claimed the same, whoever speaks first', () => {
    const [low, high] = [member(1), member(2)];
    for (const self of [low, high]) {
      const here = createRoomColours(self);
      here.alive([self]);
      here.alive([low, high]);
      here.heard([{ member: self === low ? high : low, claim: 0 }]);
      expect(here.own()).toBe(self === low ? 0 : 1);
    }
  });

  test('never runs away, however often another claims the same', () => {
    const self = member(9);
    const here = createRoomColours(self);
    here.alive([member(1), self]);
    let last = 0;
    for (let i = 0; i < 3 * MAX_CLAIM; i += 1) {
      const own = here.claims().find(({ member: one }) => one === self)?.claim ?? 0;
      expect(own).toBeLessThanOrEqual(MAX_CLAIM);
      expect(own).toBeGreaterThanOrEqual(last);
      last = own;
      here.heard([{ member: member(1), claim: Math.min(MAX_CLAIM, own + SLOTS) }]);
    }
  });
});

describe('in a room of hosts', () => {
  test('all agree on what each wears through deaths and newcomers, and a rank keeps its colour', async () => {
    const { clock, open } = createRoom(SMALL_JOB);
    const waiting = { autostart: false };
    const first = await open({ options: { fresh: true, ...waiting } });
    let ranks = [first, await open({ options: waiting }), await open({ options: waiting })];
    const agreed = async () => {
      await clock.until('all are members', () =>
        ranks.every(({ host }) => host.status().members.length === ranks.length),
      );
      const ids = ranks.map((rank) => rank.member);
      const all = () => ranks.map(({ host }) => worn(host.status().colours, ids));
      await clock.until('all say the same', () => new Set(all().map(String)).size === 1);
      const [one] = all();
      expect(new Set(one).size).toBe(ranks.length);
      return one ?? [];
    };
    expect((await agreed()).sort()).toEqual([0, 1, 2]);
    for (let round = 0; round < 3; round += 1) {
      const before = await agreed();
      ranks[1]?.kill('goodbye');
      ranks = ranks.filter((_, i) => i !== 1);
      expect(await agreed()).toEqual(before.filter((_, i) => i !== 1));
      ranks.push(await open({ options: waiting }));
      const after = await agreed();
      expect(after.slice(0, 2)).toEqual(before.filter((_, i) => i !== 1));
    }
    // Whoever opens the log later sees them in the same.
    const opened = await readLog(
      new Blob([joined(await Promise.all(ranks.map((rank) => rank.recording())))]),
    );
    if (opened.kind === 'refused') throw new Error(JSON.stringify(opened.why));
    const { lanes } = opened.log.diagram;
    const drawn = new Map(lanes.map(({ member: id, slot }) => [id, slot]));
    expect(ranks.map((rank) => drawn.get(rank.member))).toEqual(await agreed());
    const said = first.host.log(0, 10_000).filter(({ event }) => event.kind === 'coloured');
    expect(said.map(({ event }) => event)).toEqual([{ kind: 'coloured', slot: 0 }]);
  });
});
