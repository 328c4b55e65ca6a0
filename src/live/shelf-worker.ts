// The lab's worker for the checkpoints of this browser.

import * as Comlink from 'comlink';
import { createShelfService } from './shelf-service.ts';

Comlink.expose(createShelfService());
