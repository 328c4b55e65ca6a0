// The engine's dedicated worker, nested in the rank's worker: nothing but the arithmetic, its data and their faults.

import * as Comlink from 'comlink';
import { openEngine } from '../engine/open.ts';
import { createEngineService } from './engine-service.ts';
import { openData } from './open-data.ts';

Comlink.expose(
  createEngineService({
    openData,
    openEngine: (choice, job, loader, hooks) => openEngine({ choice, job, loader, hooks }),
  }),
);
