// The dedicated worker that saves checkpoints, nested in the rank's worker.

import * as Comlink from 'comlink';
import { createSaveService } from './save-service.ts';

Comlink.expose(createSaveService());
