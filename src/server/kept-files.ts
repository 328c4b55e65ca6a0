// Files of a build whose names hold a digest of what is in them never change: a browser that has one need not ask for it again. Without
// this, each page and worker of a tab asks anew for all that the tabs before it have loaded.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** As Vite names them: a word, eight characters of a digest, and what kind of file it is. */
const NAMED_BY_CONTENT = /^\/assets\/[\w.-]+-[\w-]{8}\.\w+$/;
/** A year, which is as long as anybody keeps anything. */
const FOR_GOOD = 'public, max-age=31536000, immutable';

/** `folder` holds the build. For what is not there the server answers with something else, which nobody is to keep. */
export const keptFiles =
  (folder: string) =>
  (request: IncomingMessage, response: ServerResponse, next: () => void): void => {
    const [path = ''] = (request.url ?? '').split('?');
    if (NAMED_BY_CONTENT.test(path) && existsSync(join(folder, path)))
      response.setHeader('Cache-Control', FOR_GOOD);
    next();
  };
