// What a participant's page says of itself: in few words, and always in a form that the server takes.

import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import type { Fault } from '../../src/faults/vocabulary.ts';
import { deviceWords } from '../../src/lab/classroom/device.ts';
import { lessonProgress, reportOf } from '../../src/lab/classroom/attending.ts';
import { createLab } from '../../src/lab/model/lab.ts';
import { parseLabQuery } from '../../src/lab/query.ts';
import type { RankHandle } from '../../src/live/api.ts';
import { ReportSchema } from '../../src/live/classroom/messages.ts';
import { openShelf } from '../../src/live/shelf-service.ts';
import { newRoom } from '../../src/live/link.ts';
import type { MemberId } from '../../src/ports/ids.ts';

describe('a device in words', () => {
  it.each([
    [
      'Chrome · Linux',
      'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36',
    ],
    [
      'Chrome · Android',
      'Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36',
    ],
    [
      'Safari · iPhone',
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1',
    ],
    [
      'Edge · Windows',
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0',
    ],
    [
      'Firefox · macOS',
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 14.6; rv:132.0) Gecko/20100101 Firefox/132.0',
    ],
    ['?', 'something else'],
  ])('is %s', (expected, userAgent) => {
    expect(deviceWords(userAgent)).toBe(expected);
  });
});

describe('a report', () => {
  const room = { name: 'A', job: 'digits' as const, ...newRoom() };
  const lab = createLab(
    room,
    true,
    parseLabQuery(''),
    () => ({ open: () => new Promise(() => undefined), remove: () => undefined }),
    openShelf(() => {
      throw new Error('Nobody looks at checkpoints here.');
    }),
    true,
  );

  it('says that no rank is up, before there is one', () => {
    const report = reportOf(lab, room, 'Chrome · Linux');
    expect(v.parse(ReportSchema, report)).toEqual(report);
    expect(report).toMatchObject({ room: room.room, state: 'empty', members: 0, step: 0, faults: 0 });
    expect(report).not.toHaveProperty('engine');
  });

  it('counts a freeze, of which its rank cannot tell, for as long as it lasts', async () => {
    const struck: Fault[] = [];
    const member = 'a'.repeat(32) as MemberId;
    const handle = {
      inject: (fault: Fault) => {
        struck.push(fault);
        return Promise.resolve('1');
      },
    } as Partial<RankHandle> as RankHandle;
    const frozenLab = createLab(
      room,
      true,
      parseLabQuery(''),
      (listener) => {
        listener.opened({ member, handle }, undefined);
        return { open: () => Promise.resolve(member), remove: () => undefined };
      },
      openShelf(() => {
        throw new Error('Nobody looks at checkpoints here.');
      }),
      true,
    );
    const fault: Fault = { kind: 'freeze', forMs: 60_000 };
    await frozenLab.strike(member, fault);
    expect(struck).toEqual([fault]);
    expect(reportOf(frozenLab, room, 'Chrome · Linux').faults).toBe(1);
    frozenLab.now.value += 120_000;
    expect(reportOf(frozenLab, room, 'Chrome · Linux').faults).toBe(0);
  });

  it('says how far the lessons are and what was predicted, once somebody has begun', () => {
    lessonProgress.value = {
      lessons: { passed: 2, of: 8 },
      predictions: [{ lesson: 'zombie', kind: 'number', value: 1500 }],
    };
    const report = reportOf(lab, room, 'Chrome · Linux');
    expect(v.parse(ReportSchema, report)).toMatchObject(lessonProgress.value);
    lessonProgress.value = {};
  });
});
