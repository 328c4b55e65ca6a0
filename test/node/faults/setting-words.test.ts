// A fault's settings as people read them, in stories, diagrams and the lab's log.

import { expect, test } from 'vitest';
import { settingsOf } from '../../../src/faults/setting-words.ts';

test('settings are told with their units, and a partition by who is on its side', () => {
  expect(settingsOf({ kind: 'slow-gpu', factor: 10, forMs: 600_000 })).toEqual([
    '10 times as slow',
    'for 10 min',
  ]);
  expect(settingsOf({ kind: 'partition', side: 0b10010, forMs: 4717 })).toEqual([
    '1, 4 on one side',
    'for 4.7 s',
  ]);
  expect(settingsOf({ kind: 'limit-storage', maxBytes: 0 })).toEqual(['at most 0 B']);
  expect(settingsOf({ kind: 'limit-bandwidth', to: 2, bytesPerSecond: 65_536 })).toEqual([
    'towards rank 2',
    '64 KiB a second',
  ]);
  expect(settingsOf({ kind: 'corrupt', chance: 0.0001 })).toEqual(['0.01% of the messages']);
});

test('what is not in the vocabulary is told as it is spelled', () => {
  expect(settingsOf({ kind: 'command', command: 'pause', constructor: 1 })).toEqual([
    'command pause',
    'constructor 1',
  ]);
});
