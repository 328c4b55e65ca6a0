// `window.rankfall`: the lab's door for scripts, tests and the command line.

import type { LabDoor, RankHandle } from '../live/api.ts';
import type { CheckpointShelf } from '../live/shelf-service.ts';
import type { MemberId } from '../ports/ids.ts';
import type { Lab } from './model/lab.ts';

declare global {
  interface Window {
    rankfall?: LabDoor;
  }
}

export function openDoor(lab: Lab, shelf: CheckpointShelf): LabDoor {
  return {
    get ranks(): ReadonlyMap<MemberId, RankHandle> {
      return new Map(lab.locals.value.map((rank) => [rank.member, rank.handle]));
    },
    addRank: () => lab.addRank(),
    async killRank(member, options) {
      lab.removeRank(member, options?.goodbye ?? false);
    },
    recording: () => lab.recording(),
    incident: (failures = []) => lab.incident(failures),
    agree: () => {
      lab.agree();
    },
    checkpoints: { ...shelf, path: lab.shelf.path },
    get link() {
      return location.href;
    },
  };
}
