// How a room stands, from what those who are in it have last reported.

import type { ClassParticipant } from '../../live/classroom/messages.ts';

export interface RoomState {
  readonly members: number;
  readonly step: number;
  /** Of the whole run; 0 while nobody has said. */
  readonly steps: number;
}

/** Who does not answer reported an older membership, perhaps with itself in it: counted only where nobody else can tell. */
export function roomState(people: readonly ClassParticipant[]): RoomState {
  const here = people.filter(({ present }) => present);
  const answering = here.filter(({ silent }) => silent !== true);
  const reports = (answering.length > 0 ? answering : here).flatMap(({ report }) =>
    report === undefined ? [] : [report],
  );
  const most = (what: keyof RoomState): number => Math.max(0, ...reports.map((report) => report[what]));
  return { members: most('members'), step: most('step'), steps: most('steps') };
}
