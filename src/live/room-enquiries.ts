// What ranks ask each other beside the protocol: their flights, for an incident, and which checkpoints their devices hold.

import type { Clock } from '../ports/clock.ts';
import type { DeviceId, MemberId } from '../ports/ids.ts';
import type { CheckpointStore } from '../ports/store.ts';
import type { Send } from '../protocol/effects.ts';
import { MAX_HELD } from '../protocol/messages.ts';
import type { Holding, Message } from '../protocol/messages.ts';
import type { Flight, FlightRecorder } from '../trace/flight-recorder.ts';
import { createEnquiry } from './enquiry.ts';

export interface RoomEnquiries {
  /** Whether the message is one of these, and is dealt with. */
  heard(from: MemberId, message: Message): boolean;
  /** The flights of these ranks, as far as they answer in time. */
  recall(peers: readonly MemberId[]): Promise<readonly Flight[]>;
  /** The checkpoints of each other device that answers in time. */
  copies(peers: readonly MemberId[]): Promise<readonly Holding[]>;
}

export function createRoomEnquiries(host: {
  readonly clock: Clock;
  readonly transmit: (send: Send) => void;
  readonly flight: FlightRecorder;
  readonly device: () => Promise<DeviceId>;
  readonly checkpoints: CheckpointStore;
  readonly path: string;
  readonly isOver: () => boolean;
}): RoomEnquiries {
  const { clock, transmit } = host;

  const recalls = createEnquiry<Flight['entries']>({
    clock,
    ask: (to) => {
      transmit({ to, message: { kind: 'recall' } });
    },
    answer: (to) => {
      transmit({ to, message: { kind: 'flight', entries: host.flight.read().entries } });
    },
  });

  const readHolding = async (): Promise<Holding> => ({
    device: await host.device(),
    checkpoints: (await host.checkpoints.list(host.path))
      .filter(({ standing }) => standing === 'verified')
      .slice(0, MAX_HELD)
      .map(({ step, stateHash }) => ({ step, hash: stateHash })),
  });

  const holdings = createEnquiry<Holding>({
    clock,
    ask: (to) => {
      transmit({ to, message: { kind: 'copies' } });
    },
    answer: (to) => {
      readHolding().then(
        (holding) => {
          if (!host.isOver()) transmit({ to, message: { kind: 'holding', ...holding } });
        },
        // A device whose store cannot be read holds nothing that could be counted.
        () => undefined,
      );
    },
  });

  return {
    heard(from, message) {
      if (message.kind === 'recall') recalls.asked(from);
      else if (message.kind === 'flight') recalls.told(from, message.entries);
      else if (message.kind === 'copies') holdings.asked(from);
      else if (message.kind === 'holding') holdings.told(from, message);
      else return false;
      return true;
    },
    async recall(peers) {
      const flights = await recalls.ask(peers);
      return [...flights].map(([member, entries]) => ({ member, entries }));
    },
    async copies(peers) {
      const here = await host.device();
      const answers = await holdings.ask(peers);
      // The ranks of one device read the same store.
      const others = new Map<DeviceId, Holding>();
      for (const { device, checkpoints } of answers.values())
        if (device !== here) others.set(device, { device, checkpoints });
      return [...others.values()];
    },
  };
}
