// Carries what ranks wear between this rank and those with which it has links (colours.ts decides).

import type { MemberId } from '../ports/ids.ts';
import type { Send } from '../protocol/effects.ts';
import { MAX_CLAIMS_TOLD, type Claim, type Message } from '../protocol/messages.ts';
import type { TraceEvent } from '../trace/events.ts';
import { createRoomColours, type Worn } from './colours.ts';

export interface ColourTelling {
  /** Whether the message is one of these, and is dealt with. */
  heard(message: Message): boolean;
  linked(peer: MemberId): void;
  /** A generation of these members is in force. */
  alive(members: readonly MemberId[]): void;
  readonly worn: () => readonly Worn[];
}

export function createColourTelling(host: {
  readonly member: MemberId;
  readonly transmit: (send: Send) => void;
  readonly peers: () => readonly MemberId[];
  /** Told when this rank's own colour is another. */
  readonly report: (event: TraceEvent) => void;
}): ColourTelling {
  const colours = createRoomColours(host.member);
  let reported: number | undefined;

  const tell = (peers: readonly MemberId[], claims: readonly Claim[]): void => {
    for (let from = 0; from < claims.length; from += MAX_CLAIMS_TOLD) {
      const message = { kind: 'colours', claims: claims.slice(from, from + MAX_CLAIMS_TOLD) } as const;
      for (const to of peers) host.transmit({ to, message });
    }
  };

  const tellAll = (claims: readonly Claim[]): void => {
    tell(host.peers(), claims);
    const slot = colours.own();
    if (slot === undefined || slot === reported) return;
    reported = slot;
    host.report({ kind: 'coloured', slot });
  };

  return {
    heard(message) {
      if (message.kind !== 'colours') return false;
      tellAll(colours.heard(message.claims));
      return true;
    },
    linked(peer) {
      tell([peer], colours.claims());
    },
    alive(members) {
      tellAll(colours.alive(members));
    },
    worn: colours.worn,
  };
}
