// The engine's dedicated worker, beside the rank's: nothing but the arithmetic, its data and their faults.

import { openEngine } from '../engine/open.ts';
import { createEngineService } from './engine-service.ts';
import { exposeToRank } from './helpers.ts';
import { openData } from './open-data.ts';

exposeToRank(
  createEngineService({
    openData,
    openEngine: (choice, job, loader, hooks) => openEngine({ choice, job, loader, hooks }),
  }),
);
