// A class whose connections are driven by hand, on a clock that stands still until it is moved.

import { randomBytes } from 'node:crypto';
import type { ClassReport, ToPage, ToServer } from '../../../../src/live/classroom/messages.ts';
import { createClassroom } from '../../../../src/server/classroom/classroom.ts';
import type { Classroom, ConnectionId } from '../../../../src/server/classroom/classroom.ts';

export interface Driven {
  readonly classroom: Classroom;
  /** Connects, from an address. */
  open(address?: string): Client;
  /** Milliseconds go by. */
  pass(ms: number): void;
}

export interface Client {
  readonly heard: ToPage[];
  readonly closed: () => string | undefined;
  say(message: ToServer): void;
  shout(text: string): void;
  hangUp(): void;
  /** The newest message of a kind. */
  last<Kind extends ToPage['say']>(kind: Kind): Extract<ToPage, { say: Kind }>;
}

export function drive(
  classroom: Classroom = createClassroom({ random: (b) => b.set(randomBytes(b.length)) }),
): Driven {
  const clients = new Map<ConnectionId, { readonly heard: ToPage[]; closed: string | undefined }>();
  let now = 1_000_000;
  let lastId = 0;
  const take = (input: Parameters<Classroom['take']>[0]): void => {
    for (const output of classroom.take(input, now)) {
      const client = clients.get(output.to);
      if (client === undefined || client.closed !== undefined)
        throw new Error(`A word to connection ${output.to}, which is gone.`);
      if (output.kind === 'close') client.closed = output.reason;
      else client.heard.push(output.message);
    }
  };
  return {
    classroom,
    open(address = '10.0.0.1') {
      const connection = ++lastId;
      const client = { heard: [] as ToPage[], closed: undefined as string | undefined };
      clients.set(connection, client);
      take({ kind: 'opened', connection, address });
      return {
        heard: client.heard,
        closed: () => client.closed,
        say: (message) => take({ kind: 'heard', connection, text: JSON.stringify(message) }),
        shout: (text) => take({ kind: 'heard', connection, text }),
        hangUp: () => take({ kind: 'closed', connection }),
        last<Kind extends ToPage['say']>(kind: Kind) {
          const found = client.heard.findLast(({ say }) => say === kind);
          if (found === undefined)
            throw new Error(`It never heard ${kind}, but ${client.heard.map(({ say }) => say).join()}.`);
          return found as Extract<ToPage, { say: Kind }>;
        },
      };
    },
    pass(ms) {
      now += ms;
      take({ kind: 'tick' });
    },
  };
}

export function enter(driven: Driven, nickname: string, address?: string): Client {
  const client = driven.open(address);
  client.say({ say: 'enter', nickname, code: driven.classroom.code });
  return client;
}

export function teach(driven: Driven): Client {
  const client = driven.open();
  client.say({ say: 'teach', key: driven.classroom.key });
  return client;
}

export const report = (room: string, more: Partial<ClassReport> = {}): ClassReport => ({
  room,
  state: 'training',
  rank: 0,
  members: 2,
  step: 40,
  steps: 300,
  engine: { kind: 'webgpu', adapter: 'SwiftShader' },
  device: 'Chrome on Linux',
  faults: 0,
  ...more,
});
