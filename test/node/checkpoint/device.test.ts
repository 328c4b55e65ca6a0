// What tells one browser profile from another.

import 'fake-indexeddb/auto';
import { openDB } from 'idb';
import { expect, test } from 'vitest';
import { deviceIn } from '../../../src/checkpoint/device.ts';
import { isDeviceId } from '../../../src/ports/ids.ts';

test('a device has one name in a room, for tabs that open together and later, and another in every other room', async () => {
  const together = await Promise.all([1, 2, 3].map(() => deviceIn('OURSSS', 'here')));
  const names = [...together, await deviceIn('OURSSS', 'here')];
  expect(new Set(names).size).toBe(1);
  expect(names.every(isDeviceId)).toBe(true);
  expect(await deviceIn('THEIRS', 'here')).not.toBe(names[0]);
  expect(await deviceIn('OURSSS', 'there')).not.toBe(names[0]);
});

test('a device whose stored secret is not one gets a new one', async () => {
  await deviceIn('OURSSS', 'spoilt');
  const database = await openDB('spoilt');
  await database.put('device', 'nothing of ours', 'secret');
  database.close();
  const name = await deviceIn('OURSSS', 'spoilt');
  expect(await deviceIn('OURSSS', 'spoilt')).toBe(name);
});
