// The shaders as Node reads them: from disk. In browsers Vite bundles them.

import { readFileSync } from 'node:fs';

/** The text of a file in shaders/. */
export const shaderFromDisk = (file: string): string =>
  readFileSync(new URL(`../../shaders/${file}`, import.meta.url), 'utf8');
