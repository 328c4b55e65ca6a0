// The two lanes of one link over a medium. A medium has no send queue to look at, so the receiver gives credit: what is not
// credited counts as buffered, and the outbox holds back as it does on a data channel.

import type { Lane } from '../../ports/network.ts';
import type { LinkChannel } from '../link.ts';
import { LANE_LIMITS } from '../outbox.ts';
import type { Datagram } from './datagram.ts';

/** Credit is given for this many bytes at a time: well below the low-water mark of either lane. */
const CREDIT_BYTES = 16 * 1024;

type Handlers = Parameters<LinkChannel['listen']>[0];

export interface CarriedLanes {
  readonly control: LinkChannel;
  readonly bulk: LinkChannel;
  /** The other end takes the call. */
  answered(): void;
  receive(datagram: Extract<Datagram, { kind: 'data' | 'credit' }>): void;
  /** The other end is gone, or has hung up. */
  end(): void;
}

/**
 * `state`: `opening` for the caller, until it is answered; `open` for the callee. `hangup` is called once, when this side closes a
 * lane first: both close together.
 */
export function createCarriedLanes(options: {
  readonly stream: number;
  readonly state: 'opening' | 'open';
  readonly send: (datagram: Datagram) => void;
  readonly hangup: () => void;
}): CarriedLanes {
  const { stream, send } = options;
  let { state }: { state: 'opening' | 'open' | 'closed' } = options;
  const handlers: Partial<Record<Lane, Handlers>> = {};
  const unacknowledged: Record<Lane, number> = { control: 0, bulk: 0 };
  const taken: Record<Lane, number> = { control: 0, bulk: 0 };

  const end = (): void => {
    if (state === 'closed') return;
    state = 'closed';
    handlers.control?.closed();
    handlers.bulk?.closed();
  };

  const lane = (name: Lane): LinkChannel => ({
    get state() {
      return state;
    },
    get bufferedAmount() {
      return unacknowledged[name];
    },
    send(bytes) {
      if (state !== 'open') throw new DOMException(`The ${name} lane is ${state}.`, 'InvalidStateError');
      unacknowledged[name] += bytes.length;
      send({ kind: 'data', stream, lane: name, frame: bytes });
    },
    listen(given) {
      handlers[name] = given;
    },
    close() {
      if (state === 'closed') return;
      options.hangup();
      end();
    },
  });

  return {
    control: lane('control'),
    bulk: lane('bulk'),
    answered() {
      if (state !== 'opening') return;
      state = 'open';
      handlers.control?.open();
      handlers.bulk?.open();
    },
    receive(datagram) {
      if (state !== 'open') return;
      const { lane: name } = datagram;
      if (datagram.kind === 'credit') {
        const before = unacknowledged[name];
        // A peer that credits what was never sent gains nothing.
        unacknowledged[name] = Math.max(0, before - datagram.bytes);
        const low = LANE_LIMITS[name].lowWaterBytes;
        if (before > low && unacknowledged[name] <= low) handlers[name]?.low();
        return;
      }
      taken[name] += datagram.frame.length;
      if (taken[name] >= CREDIT_BYTES) {
        send({ kind: 'credit', stream, lane: name, bytes: taken[name] });
        taken[name] = 0;
      }
      handlers[name]?.frame(datagram.frame);
    },
    end,
  };
}
