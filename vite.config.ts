/** How the pages are served and built: Preact, ES-module workers, five pages, and our signalling on the same origin. */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { SANDBOX_SCRIPT } from './src/lab/simulation/sandbox-script.ts';
import { bundledModules } from './src/server/bundled.ts';
import { contentPolicy } from './src/server/content-policy.ts';
import { fewFiles } from './src/server/few-files.ts';
import { plainShaders } from './src/server/plain-shaders.ts';
import { sharedWorkers } from './src/server/shared-workers.ts';
import { rankfallServer } from './src/server/vite-plugin.ts';

export default defineConfig({
  // From any folder of any web server.
  base: './',
  plugins: [
    rankfallServer(),
    contentPolicy({ inline: [SANDBOX_SCRIPT] }),
    bundledModules(),
    plainShaders(),
    sharedWorkers(),
  ],
  resolve: {
    alias: {
      // PeerJS asks for it; its patches are for browsers that cannot run a rank anyway.
      'webrtc-adapter': fileURLToPath(new URL('src/transport/webrtc-as-it-is.mjs', import.meta.url)),
    },
  },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  worker: { format: 'es' },
  server: {
    // Ranks are on localhost only, unless somebody says `--host`.
    host: 'localhost',
    port: 5173,
    strictPort: false,
    // A page that trains must not be reloaded because a file was saved: reload by hand (see also src/server/vite-plugin.ts).
    hmr: false,
  },
  preview: { host: 'localhost', port: 5173, strictPort: false },
  optimizeDeps: {
    // Everything that a page or worker imports. A package met first in mid-run would be bundled then, and change the others'
    // addresses; with the list, nothing is looked for at run time.
    noDiscovery: true,
    include: [
      '@noble/hashes/hmac.js',
      '@noble/hashes/sha2.js',
      '@noble/hashes/utils.js',
      '@preact/signals',
      'comlink',
      'crc-32',
      'fflate',
      'idb',
      'marked',
      'peerjs',
      'preact',
      'preact/hooks',
      'preact/jsx-dev-runtime',
      'preact/jsx-runtime',
      'uplot',
      'uqr',
      'valibot',
      'yaml',
    ],
  },
  build: {
    target: 'es2023',
    sourcemap: true,
    // Browsers that run a rank know it themselves.
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: {
        /** The lab. */
        index: 'index.html',
        /** One rank, in a frame of the lab or alone in a tab. */
        rank: 'rank.html',
        /** The instructor's console of a class. */
        console: 'console.html',
        /** The lessons. */
        lessons: 'lessons.html',
        /** Where strangers lend a tab. */
        volunteer: 'volunteer.html',
      },
      output: { codeSplitting: { groups: fewFiles } },
    },
  },
});
