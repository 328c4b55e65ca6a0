// A witness for a command's room: it votes over the command's own server, and its ballots last as long as the command.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newRoom, type RoomLink } from '../../live/link.ts';
import { openWitness } from '../../server/witness/witness-host.ts';
import type { Cleanup } from '../cleanup.ts';
import type { Narrator } from './narrator.ts';

/** Returns the room that it votes in, which nobody has opened yet. */
export async function witnessedRoom(server: string, narrator: Narrator, cleanup: Cleanup): Promise<RoomLink> {
  const folder = await mkdtemp(join(tmpdir(), 'rankfall-witness-'));
  cleanup.add(() => rm(folder, { recursive: true, force: true }));
  const room = newRoom();
  const witness = await openWitness({
    url: server,
    ...room,
    file: join(folder, 'ballots'),
    abstained: (reason) => {
      narrator.say(`the witness abstains: ${reason}`);
    },
  });
  cleanup.add(() => witness.close());
  return room;
}
