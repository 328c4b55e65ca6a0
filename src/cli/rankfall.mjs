#!/usr/bin/env node
// The `rankfall` command's way in: plain JavaScript that any supported Node runs, which teaches Node to load
// TypeScript and hands over to main.ts. Nothing is compiled beforehand, so it works right after `npm ci`.
import { fileURLToPath } from 'node:url';
import { register } from 'tsx/esm/api';

// The project's own tsconfig, not that of whatever folder the command is called from.
register({ tsconfig: fileURLToPath(new URL('../../tsconfig.json', import.meta.url)) });
await import('./main.ts');
