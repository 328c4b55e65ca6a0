/** A class lets in who knows its code, keeps everybody's place, does what its instructor says, and bears with anybody else. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PRESET_NAMES } from '../../../../src/job/presets.ts';
import { MAX_PARTICIPANTS, parseToPage, REPORT_MS } from '../../../../src/live/classroom/messages.ts';
import type { ClassRoster, ToServer } from '../../../../src/live/classroom/messages.ts';
import { dealSizes, freeName, roomName } from '../../../../src/server/classroom/dealing.ts';
import { drive, enter, report, teach } from './driven.ts';
import type { Client, Driven } from './driven.ts';

const WRONG_CODE = 'AAAAAA';
const NO_TOKEN = 'A'.repeat(22);

function rosterOf(driven: Driven, console: Client): ClassRoster {
  driven.pass(500);
  return console.last('roster').roster;
}

const roomsOf = (roster: ClassRoster): readonly number[] =>
  roster.rooms.map(({ room }) => roster.participants.filter((one) => one.room === room).length);

describe('entering', () => {
  it('takes a nickname and the code, and gives a token and a room, which the first of it founds', () => {
    const driven = drive();
    const [ada, ben] = [enter(driven, '  Ada \n Lovelace '), enter(driven, 'Ben')];
    const [first, second] = [ada.last('entered'), ben.last('entered')];
    expect(first.nickname).toBe('Ada Lovelace');
    expect(first.room).toEqual(second.room);
    expect([first.founds, second.founds]).toEqual([true, false]);
    expect(first.token).not.toBe(second.token);
  });

  it('numbers a nickname that is taken', () => {
    const driven = drive();
    const names = ['Ada', 'ada', 'ADA'].map((name) => enter(driven, name).last('entered').nickname);
    expect(names).toEqual(['Ada', 'ada 2', 'ADA 3']);
  });

  it.each(['', '   ', 'x'.repeat(25), 'a\u202eb', 'a\u0000b'])('refuses the nickname %j', (nickname) => {
    const driven = drive();
    const client = enter(driven, nickname);
    expect(client.heard).toEqual([]);
    expect(client.closed()).toBe('not a message of the class');
  });

  it('lets one address try ten wrong codes, then one each six seconds, and other addresses as before', () => {
    const driven = drive();
    const attempt = (address: string, code: string): string => {
      const client = driven.open(address);
      client.say({ say: 'enter', nickname: 'Eve', code });
      return client.heard.map((message) => (message.say === 'refused' ? message.why : message.say)).join();
    };
    const tries = Array.from({ length: 12 }, () => attempt('10.0.0.66', WRONG_CODE));
    expect(tries).toEqual([...Array<string>(10).fill('code'), 'slow', 'slow']);
    expect(attempt('10.0.0.66', driven.classroom.code)).toBe('slow');
    expect(attempt('10.0.0.1', driven.classroom.code)).toBe('entered');
    driven.pass(6000);
    expect([attempt('10.0.0.66', WRONG_CODE), attempt('10.0.0.66', WRONG_CODE)]).toEqual(['code', 'slow']);
  });

  it('counts wrong keys and tokens in the same way', () => {
    const driven = drive();
    const tries = Array.from({ length: 11 }, (_, i) => {
      const client = driven.open();
      client.say(
        i % 2 === 0 ? { say: 'teach', key: NO_TOKEN } : { say: 'return', token: NO_TOKEN, ifAway: false },
      );
      return client.last('refused').why;
    });
    expect(tries).toEqual([...Array.from({ length: 10 }, (_, i) => (i % 2 === 0 ? 'key' : 'token')), 'slow']);
  });

  it('makes room for a newcomer by forgetting who has been away longest, and is full when nobody is', () => {
    const driven = drive();
    const everybody = Array.from({ length: MAX_PARTICIPANTS }, (_, i) => enter(driven, `p${i}`));
    expect(enter(driven, 'late').last('refused').why).toBe('full');
    const [first, second] = everybody;
    second?.hangUp();
    driven.pass(1000);
    first?.hangUp();
    expect(enter(driven, 'late').last('entered').nickname).toBe('late');
    const back = driven.open();
    back.say({ say: 'return', token: second?.last('entered').token ?? '', ifAway: true });
    expect(back.last('refused').why).toBe('token');
  });

  it('closes a stranger who says nothing', () => {
    const driven = drive();
    const stranger = driven.open();
    driven.pass(10_001);
    expect(stranger.closed()).toBe('late');
  });

  it('has connections for others when one address holds many and says nothing', () => {
    const driven = drive();
    const strangers = Array.from({ length: 40 }, () => driven.open('10.0.0.66'));
    expect(strangers.filter(({ closed }) => closed() === 'full')).toHaveLength(8);
    expect(enter(driven, 'Ada').last('entered').nickname).toBe('Ada');
  });
});

describe('coming back', () => {
  it('gives place and room to the token, after a reload as after a network that failed', () => {
    const driven = drive();
    const ada = enter(driven, 'Ada');
    const { token, room } = ada.last('entered');
    ada.say({ say: 'report', report: report(room.room) });
    ada.hangUp();
    const again = driven.open('10.0.0.9');
    again.say({ say: 'return', token, ifAway: true });
    expect(again.last('entered')).toMatchObject({ nickname: 'Ada', room, founds: false });
    const taken = driven.open();
    taken.say({ say: 'return', token, ifAway: true });
    expect(taken.last('refused').why).toBe('taken');
    const reloaded = driven.open();
    reloaded.say({ say: 'return', token, ifAway: false });
    expect(again.heard.at(-1)).toEqual({ say: 'replaced' });
    expect(again.closed()).toBe('replaced');
    expect(rosterOf(driven, teach(driven)).participants).toHaveLength(1);
  });

  it('founds the room that nobody has seen yet', () => {
    const driven = drive();
    const ada = enter(driven, 'Ada');
    ada.hangUp();
    const again = driven.open();
    again.say({ say: 'return', token: ada.last('entered').token, ifAway: false });
    expect(again.last('entered').founds).toBe(true);
  });

  it('is of no use to who was removed', () => {
    const driven = drive();
    const console = teach(driven);
    const eve = enter(driven, 'Eve');
    const [{ id } = { id: 0 }] = rosterOf(driven, console).participants;
    console.say({ say: 'remove', participant: id });
    expect([eve.heard.at(-1), eve.closed()]).toEqual([{ say: 'removed' }, 'removed']);
    const again = driven.open();
    again.say({ say: 'return', token: eve.last('entered').token, ifAway: false });
    expect(again.last('refused').why).toBe('token');
  });
});

describe('an instructor', () => {
  it('sees who is in, what they report and who has gone', () => {
    const driven = drive();
    const console = teach(driven);
    expect(console.last('class').code).toBe(driven.classroom.code);
    const [ada, ben] = [enter(driven, 'Ada'), enter(driven, 'Ben')];
    const { room } = ada.last('entered').room;
    ada.say({ say: 'report', report: report(room, { lessons: { passed: 2, of: 8 } }) });
    ben.hangUp();
    expect(rosterOf(driven, console).participants).toMatchObject([
      { nickname: 'Ada', present: true, room, report: { step: 40, lessons: { passed: 2, of: 8 } } },
      { nickname: 'Ben', present: false, room },
    ]);
  });

  it('sees whose page is connected and says nothing any more, and whose rank does not answer its page', () => {
    const driven = drive();
    const console = teach(driven);
    const [ada, ben] = [enter(driven, 'Ada'), enter(driven, 'Ben')];
    const { room } = ada.last('entered').room;
    const silent = () => rosterOf(driven, console).participants.map((one) => one.silent === true);
    for (const one of [ada, ben]) one.say({ say: 'report', report: report(room) });
    driven.pass(2 * REPORT_MS);
    ben.say({ say: 'report', report: report(room) });
    expect(silent()).toEqual([false, false]);
    driven.pass(REPORT_MS);
    expect(silent()).toEqual([true, false]);
    ada.say({ say: 'report', report: report(room) });
    ben.say({ say: 'report', report: report(room, { silent: true }) });
    expect(silent()).toEqual([false, true]);
    // Who is away is away.
    ben.hangUp();
    expect(silent()).toEqual([false, false]);
  });

  it('starts one room or all, and throws a fault at one or all, and hears what came of it', () => {
    const driven = drive();
    const console = teach(driven);
    const [ada, ben, cyd] = ['Ada', 'Ben', 'Cyd'].map((name) => enter(driven, name));
    console.say({ say: 'form', size: 2, job: 'digits' });
    const orders = (): readonly number[] =>
      [ada, ben, cyd].map((client) => client?.heard.filter(({ say }) => say === 'order').length ?? 0);
    console.say({ say: 'order', order: { do: 'start' } });
    expect(orders()).toEqual([1, 1, 1]);
    console.say({ say: 'order', room: cyd?.last('move').room.room, order: { do: 'pause' } });
    expect(orders()).toEqual([1, 1, 2]);
    const { participants } = rosterOf(driven, console);
    const target = participants.find(({ nickname }) => nickname === 'Ben')?.id ?? 0;
    const fault = { kind: 'refuse-gpu' } as const;
    console.say({ say: 'order', to: [target], order: { do: 'fault', fault } });
    expect(orders()).toEqual([1, 2, 2]);
    const { id } = ben?.last('order') ?? { id: 0 };
    ada?.say({ say: 'outcome', order: id, problem: 'not mine' });
    ben?.say({ say: 'outcome', order: id, problem: 'No rank is here.' });
    ben?.say({ say: 'outcome', order: id, problem: 'Twice.' });
    expect(console.heard.filter(({ say }) => say === 'done')).toEqual([
      { say: 'done', participant: target, order: { do: 'fault', fault }, problem: 'No rank is here.' },
    ]);
  });

  it('throws nothing at others that really uses their machines up', () => {
    for (const fault of [
      { kind: 'exhaust-gpu' },
      { kind: 'grow-memory' },
      { kind: 'fill-storage' },
      { kind: 'hog-cpu', where: 'worker', forMs: 1000 },
    ] as const) {
      const driven = drive();
      const console = teach(driven);
      const ada = enter(driven, 'Ada');
      console.say({ say: 'order', order: { do: 'fault', fault } });
      expect(ada.heard.filter(({ say }) => say === 'order')).toEqual([]);
    }
  });

  it('forms rooms of n from those who are there; who comes back gets one of them', () => {
    const driven = drive();
    const console = teach(driven);
    const clients = Array.from({ length: 8 }, (_, i) => enter(driven, `p${i}`));
    const away = clients[7];
    away?.hangUp();
    console.say({ say: 'form', size: 3, job: 'digits' });
    expect(roomsOf(rosterOf(driven, console))).toEqual([3, 2, 2]);
    const moves = clients.slice(0, 7).map((client) => client.last('move'));
    expect(moves.map(({ founds }) => founds)).toEqual([true, false, false, true, false, true, false]);
    expect(new Set(moves.map(({ room }) => room.secret)).size).toBe(3);
    const back = driven.open();
    back.say({ say: 'return', token: away?.last('entered').token ?? '', ifAway: true });
    expect(back.last('entered').room.name).toBe('B');
    enter(driven, 'p8');
    enter(driven, 'p9');
    expect(roomsOf(rosterOf(driven, console))).toEqual([3, 3, 3, 1]);
  });

  it('does not take a report from the room before for the new one', () => {
    const driven = drive();
    const console = teach(driven);
    const ada = enter(driven, 'Ada');
    const { room } = ada.last('entered').room;
    console.say({ say: 'form', size: 4, job: 'moons' });
    expect(ada.last('move').room.job).toBe('moons');
    expect(rosterOf(driven, console).job).toBe('moons');
    ada.say({ say: 'report', report: report(room) });
    expect(rosterOf(driven, console).participants[0]?.report).toBeUndefined();
  });

  it('asks a question, sees the histogram grow, and shows it to the class', () => {
    const driven = drive();
    const console = teach(driven);
    const [ada, ben] = [enter(driven, 'Ada'), enter(driven, 'Ben')];
    console.say({ say: 'ask', text: 'What happens now?', choices: ['It stops', 'It goes on'] });
    const { id } = ada.last('question').question;
    ada.say({ say: 'answer', question: id, choice: 0 });
    ada.say({ say: 'answer', question: id, choice: 1 });
    ben.say({ say: 'answer', question: id, choice: 5 });
    ben.say({ say: 'answer', question: id - 1, choice: 0 });
    expect(rosterOf(driven, console).question).toMatchObject({ open: true, counts: [0, 1] });
    const late = enter(driven, 'Cyd');
    late.say({ say: 'answer', question: late.last('question').question.id, choice: 1 });
    console.say({ say: 'reveal' });
    ben.say({ say: 'answer', question: id, choice: 0 });
    expect(ben.last('question')).toMatchObject({ counts: [0, 2] });
    expect(rosterOf(driven, console).question).toMatchObject({ open: false, counts: [0, 2] });
  });

  it('gets at most two rosters a second, however much happens', () => {
    const driven = drive();
    const console = teach(driven);
    driven.pass(500);
    const before = console.heard.length;
    for (let i = 0; i < 39; i++) {
      enter(driven, `p${i}`);
      driven.pass(25);
    }
    expect(console.heard.length - before).toBeLessThanOrEqual(2);
  });
});

describe('who does not keep to the rules', () => {
  it.each([
    ['a participant who orders', { say: 'order', order: { do: 'start' } }],
    ['a participant who forms rooms', { say: 'form', size: 2, job: 'digits' }],
    ['a participant who enters twice', { say: 'enter', nickname: 'Eve', code: 'ABCDEF' }],
  ] as const)('%s is disconnected, and nothing comes of it', (_, message) => {
    const driven = drive();
    const [ada, eve] = [enter(driven, 'Ada'), enter(driven, 'Eve')];
    const heard = ada.heard.length;
    eve.say(message);
    expect(eve.closed()).toBe('not for participants');
    expect(ada.heard).toHaveLength(heard);
  });

  it.each([
    '',
    '{',
    'null',
    '[]',
    '{"say":"report"}',
    JSON.stringify({ say: 'form', size: 0, job: 'digits' }),
    ' '.repeat(5000),
  ])('a text that is no message ends its connection alone: %j', (text) => {
    const driven = drive();
    const [ada, eve] = [enter(driven, 'Ada'), enter(driven, 'Eve')];
    eve.shout(text);
    expect([eve.closed(), ada.closed()]).toEqual(['not a message of the class', undefined]);
  });

  it('a fault outside the vocabulary reaches nobody', () => {
    const driven = drive();
    const console = teach(driven);
    const ada = enter(driven, 'Ada');
    console.shout(JSON.stringify({ say: 'order', order: { do: 'fault', fault: { kind: 'format-disk' } } }));
    expect(console.closed()).toBe('not a message of the class');
    expect(ada.heard.some(({ say }) => say === 'order')).toBe(false);
  });

  it('a flood ends its connection', () => {
    const driven = drive();
    const eve = enter(driven, 'Eve');
    const { room } = eve.last('entered').room;
    for (let i = 0; i < 100 && eve.closed() === undefined; i++)
      eve.say({ say: 'report', report: report(room) });
    expect(eve.closed()).toBe('too many');
  });
});

describe('dealing', () => {
  it('makes as few rooms as will do, of sizes that differ by one at most', () => {
    fc.assert(
      fc.property(fc.nat(200), fc.integer({ min: 1, max: 32 }), (count, size) => {
        const sizes = dealSizes(count, size);
        expect(sizes.reduce((sum, one) => sum + one, 0)).toBe(count);
        expect(sizes).toHaveLength(Math.ceil(count / size));
        if (count > 0) expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
        if (count > 0) expect(Math.max(...sizes)).toBeLessThanOrEqual(size);
      }),
    );
  });

  it('names rooms by letters, and people by what they said', () => {
    expect([0, 25, 26, 27, 701].map(roomName)).toEqual(['A', 'Z', 'AA', 'AB', 'ZZ']);
    expect(freeName('x'.repeat(24), ['x'.repeat(24)], 24)).toBe(`${'x'.repeat(22)} 2`);
  });
});

describe('whatever is said, in whatever order', () => {
  const code = fc.constantFrom('right', 'wrong');
  const action = fc.oneof(
    fc.record({ do: fc.constant('open' as const), address: fc.nat(3) }),
    fc.record({ do: fc.constant('pass' as const), ms: fc.nat(20_000) }),
    fc.record({ do: fc.constant('hang-up' as const), who: fc.nat(12) }),
    fc.record({ do: fc.constant('shout' as const), who: fc.nat(12), text: fc.string() }),
    fc.record({
      do: fc.constant('enter' as const),
      who: fc.nat(12),
      nickname: fc.string({ maxLength: 30 }),
      code,
    }),
    fc.record({ do: fc.constant('return' as const), who: fc.nat(12), of: fc.nat(12), ifAway: fc.boolean() }),
    fc.record({ do: fc.constant('teach' as const), who: fc.nat(12), code }),
    fc.record({
      do: fc.constant('say' as const),
      who: fc.nat(12),
      message: fc.oneof(
        fc.record({
          say: fc.constant('form' as const),
          size: fc.integer({ min: 1, max: 5 }),
          job: fc.constantFrom(...PRESET_NAMES),
        }),
        fc.record({ say: fc.constant('remove' as const), participant: fc.nat(30) }),
        fc.record({ say: fc.constant('answer' as const), question: fc.nat(30), choice: fc.nat(5) }),
        fc.record({ say: fc.constant('outcome' as const), order: fc.nat(30) }),
        fc.record({
          say: fc.constant('ask' as const),
          text: fc.constant('What?'),
          choices: fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 2, maxLength: 6 }),
        }),
        fc.constant({ say: 'reveal' } as const),
        fc.constant({ say: 'order', order: { do: 'start' } } as const),
      ),
    }),
  );

  it('nobody speaks for another, every message is well formed, and the roster adds up', () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 120 }), (actions) => {
        const driven = drive();
        const clients: Client[] = [];
        const console = driven.open('10.9.9.9');
        console.say({ say: 'teach', key: driven.classroom.key });
        const speak = (who: number, message: ToServer): void => {
          const client = clients[who];
          if (client !== undefined && client.closed() === undefined) client.say(message);
        };
        for (const one of actions) {
          switch (one.do) {
            case 'open':
              clients.push(driven.open(`10.0.0.${one.address}`));
              break;
            case 'pass':
              driven.pass(one.ms);
              break;
            case 'hang-up':
              if (clients[one.who]?.closed() === undefined) clients[one.who]?.hangUp();
              clients.splice(one.who, 1);
              break;
            case 'shout':
              if (clients[one.who]?.closed() === undefined) clients[one.who]?.shout(one.text);
              break;
            case 'enter':
              speak(one.who, {
                say: 'enter',
                nickname: one.nickname,
                code: one.code === 'right' ? driven.classroom.code : WRONG_CODE,
              });
              break;
            case 'return': {
              const known = clients[one.of]?.heard.find((message) => message.say === 'entered');
              speak(one.who, { say: 'return', token: known?.token ?? NO_TOKEN, ifAway: one.ifAway });
              break;
            }
            case 'teach':
              speak(one.who, { say: 'teach', key: one.code === 'right' ? driven.classroom.key : NO_TOKEN });
              break;
            case 'say':
              speak(one.who, one.message);
              break;
          }
        }
        const roster = rosterOf(driven, console);
        for (const message of [console, ...clients].flatMap(({ heard }) => heard))
          expect(parseToPage(JSON.stringify(message))).toEqual(message);
        const there = clients.filter(
          ({ heard, closed }) => closed() === undefined && heard.some(({ say }) => say === 'entered'),
        );
        expect(roster.participants.filter(({ present }) => present)).toHaveLength(there.length);
        const names = roster.participants.map(({ nickname }) => nickname.toLowerCase());
        expect(new Set(names).size).toBe(names.length);
        const known = new Set(roster.rooms.map(({ room }) => room));
        for (const { present, room } of roster.participants)
          expect(room === undefined ? !present : known.has(room)).toBe(true);
        for (const room of roster.rooms) {
          const inside = roster.participants.filter((one) => one.room === room.room && one.present);
          const founders = there.filter(({ heard }) => {
            const place = heard.findLast((message) => message.say === 'entered' || message.say === 'move');
            return place?.room.room === room.room && place.founds;
          });
          expect(founders.length).toBeLessThanOrEqual(Math.min(1, inside.length));
        }
      }),
      { numRuns: 150 },
    );
  });
});
