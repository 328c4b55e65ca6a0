// A hunting thread's way in: teaches Node to load TypeScript, as rankfall.mjs does for the command itself.
import { fileURLToPath } from 'node:url';
import { register } from 'tsx/esm/api';

register({ tsconfig: fileURLToPath(new URL('../../../tsconfig.json', import.meta.url)) });
await import('./hunt-worker.ts');
