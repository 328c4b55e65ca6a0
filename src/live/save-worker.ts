// The dedicated worker that saves checkpoints, beside the rank's.

import { exposeToRank } from './helpers.ts';
import { createSaveService } from './save-service.ts';

exposeToRank(createSaveService());
