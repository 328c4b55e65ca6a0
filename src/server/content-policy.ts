// The content security policy of the pages: scripts come from this site alone, and nothing is sent anywhere else. It is in each page, for
// web servers that know nothing of it, and our own server says it as well, to workers too, which take it from nowhere else.

import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Plugin } from 'vite';

export interface ContentPolicyOptions {
  /** Scripts that stand in a page that the lab makes, and are known by their digest. */
  readonly inline: readonly string[];
}

type Policy = Readonly<Record<string, readonly string[]>>;

const SELF = "'self'";

const commonPolicy = (inline: readonly string[]): Policy => ({
  'default-src': ["'none'"],
  // `blob:`: somebody's protocol, in a frame without an origin, which inherits this. Markup alone makes no such address.
  'script-src': [SELF, 'blob:', ...inline.map(digestOf)],
  'worker-src': [SELF, 'blob:'],
  'frame-src': [SELF],
  // Charts and the ring place things by style.
  'style-src': [SELF, "'unsafe-inline'"],
  'img-src': [SELF, 'data:', 'blob:'],
  'connect-src': [SELF],
  'base-uri': ["'none'"],
  'form-action': ["'none'"],
});

/**
 * The page of a rank may meet others through any PeerServer that its settings name, and learns of it only when it runs: it then takes
 * back all others (`narrowConnections` in src/live/narrow-connections.ts).
 */
const RANK_PAGE = /\/rank\.html$/;
const PAGE = /\/(?:(?:index|rank|console|lessons|volunteer)\.html)?$/;
const ANYWHERE = ['https:', 'wss:', 'http:', 'ws:'];

/** A worker loads and starts what is ours, and that is all. */
const WORKER_POLICY = textOf({
  'default-src': ["'none'"],
  'script-src': [SELF],
  'worker-src': [SELF],
  'connect-src': [SELF],
});

export function contentPolicy({ inline }: ContentPolicyOptions): Plugin {
  const common = commonPolicy(inline);
  const pagePolicy = (path: string): Policy =>
    RANK_PAGE.test(path) ? { ...common, 'connect-src': [SELF, ...ANYWHERE] } : common;
  const setHeader = (request: IncomingMessage, response: ServerResponse, next: () => void): void => {
    const [path = '/', query = ''] = (request.url ?? '/').split('?');
    if (PAGE.test(path))
      response.setHeader(
        'Content-Security-Policy',
        textOf({ ...pagePolicy(path), 'frame-ancestors': [SELF] }),
      );
    else if (path.endsWith('.js') || query.includes('worker_file'))
      response.setHeader('Content-Security-Policy', WORKER_POLICY);
    next();
  };
  return {
    name: 'rankfall-content-policy',
    transformIndexHtml: {
      order: 'pre',
      handler: (_html, { path }) =>
        PAGE.test(path)
          ? [
              {
                tag: 'meta',
                attrs: { 'http-equiv': 'content-security-policy', content: textOf(pagePolicy(path)) },
                injectTo: 'head-prepend',
              },
            ]
          : [],
    },
    configureServer({ middlewares }) {
      middlewares.use(setHeader);
    },
    configurePreviewServer({ middlewares }) {
      middlewares.use(setHeader);
    },
  };
}

function textOf(policy: Policy): string {
  return Object.entries(policy)
    .map(([directive, sources]) => `${directive} ${sources.join(' ')}`)
    .join('; ');
}

const digestOf = (script: string): string =>
  `'sha256-${createHash('sha256').update(script).digest('base64')}'`;
