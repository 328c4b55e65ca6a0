// What travels with a state beside its bits: the curves, how the state came about, how far the run is and where its time went.

import { progressAt, progressIn, progressNotes } from '../checkpoint/progress.ts';
import type { Engine } from '../ports/engine.ts';
import type { GenerationId } from '../ports/ids.ts';
import type { CheckpointNotes } from '../ports/store.ts';
import type { RankView } from '../protocol/view.ts';
import type { History } from './history.ts';
import { provenanceNotes } from './saved.ts';
import type { TimeBook } from './time-book.ts';

export interface StateNotes {
  /** Of a state of so many updates, in this generation. */
  readonly of: (step: number, generation: GenerationId) => CheckpointNotes;
  /** A state of so many updates came with these. */
  readonly adopt: (notes: CheckpointNotes, step: number) => void;
}

export function createStateNotes(host: {
  readonly history: History;
  readonly time: TimeBook;
  readonly view: () => RankView;
  /** Of the engine's data set; undefined while there is no engine. */
  readonly samples: () => Engine['samples'] | undefined;
}): StateNotes {
  const { history, time } = host;
  return {
    of(step, generation) {
      const { job, provenance } = host.view();
      const samples = host.samples();
      const progress = job && samples && progressAt(job, samples.train, step, generation, time.ledger());
      return { ...history.notes(step), ...provenanceNotes(provenance), ...progressNotes(progress) };
    },
    adopt(notes, step) {
      history.adopt(notes, step);
      const progress = progressIn(notes);
      if (progress !== undefined) time.adopt(progress.ledger);
    },
  };
}
