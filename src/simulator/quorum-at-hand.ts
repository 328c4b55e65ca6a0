// Whether a room that waits for a quorum could have one: what the liveness phase asks before a person forces the room on.

import { sameGeneration, type SeatId } from '../ports/ids.ts';
import { electorate, type Generation } from '../protocol/generation.ts';
import { RULES } from '../protocol/rules.ts';
import { recordIn } from '../protocol/witness-book.ts';
import type { Host } from './host.ts';
import { loadBook } from './storage.ts';
import type { World } from './world.ts';

/** Whether those who hold a majority of the generation's seats are there, and yet the room waits for them. */
export function isQuorumAtHand(world: World, inside: readonly Host[], stuck: Host): boolean {
  const generation = stuck.core.membership?.generation;
  if (generation === undefined) return false;
  const seats = inside
    .flatMap((host) => seatsAtHand(host, stuck, generation).map((seat) => ({ seat, profile: host.profile })))
    // What binds a seat is what is stored: with ballots of another line, or of a later generation, it abstains.
    .filter(({ seat, profile }) => {
      const base = world.profile(profile).records.get(seat)?.base?.id;
      return (
        base === undefined ||
        (base.incarnation === generation.id.incarnation && base.number <= generation.id.number)
      );
    })
    .map(({ seat }) => seat);
  const witness = witnessAtHand(world, stuck, generation);
  return RULES.isQuorum(
    new Set([...seats, ...(witness === undefined ? [] : [witness])]),
    electorate(generation),
  );
}

/** The seats that a page can vote for: a member for all that it holds, a newcomer for those of dead members that it has come to. */
function seatsAtHand(host: Host, stuck: Host, { id }: Generation): readonly SeatId[] {
  const { membership, heirIn, seats, self } = host.core;
  if (membership !== undefined) return sameGeneration(membership.generation.id, id) ? [...seats.keys()] : [];
  if (heirIn === undefined || !sameGeneration(heirIn.id, id) || !isLinked(host, stuck)) return [];
  return [...seats.keys()].filter((seat) => seat !== self.seat);
}

const isLinked = (host: Host, stuck: Host): boolean => {
  const link = host.links.get(stuck.member);
  return link?.up === true && link.fault?.kind !== 'cut';
};

/** The witness's seat, where it can vote: it is there, has a link, and has voted on nothing newer. */
function witnessAtHand(world: World, stuck: Host, { id, witness: seat }: Generation): SeatId | undefined {
  const host = world.witness();
  if (seat === undefined || host?.seat !== seat || host.waiting !== undefined || !isLinked(host, stuck))
    return undefined;
  const base = recordIn(loadBook(world.profile(host.profile), seat), id.incarnation)?.base;
  return base === undefined || base.id.number <= id.number ? seat : undefined;
}
