/**
 * How tests run: `node` for everything that needs no browser, `browser` for tests that run inside a real one
 * (WebGPU, IndexedDB, WebRTC), `e2e` for tests in Node that drive whole tabs from outside, and `long` for those of them
 * that measure, soak, or fill a class.
 *
 * `npm test` runs the first three one after the other, `npm run test:all` all four, and `npm run test:node` and its siblings one alone.
 */
import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';
import { BROWSER_FLAGS, findBrowser } from './src/cli/browser.ts';

const executablePath = findBrowser();

/** Tests in Node that drive whole tabs from outside. */
const tabs = (name: 'e2e' | 'long') => ({
  name,
  include: [`test/${name}/**/*.test.ts`],
  environment: 'node',
  // Two browsers at a time take as long as one after the other on two cores, and miss their deadlines.
  fileParallelism: false,
  // Real tabs on two cores without a GPU: slow is not broken, and a hang still ends.
  testTimeout: 180_000,
  hookTimeout: 120_000,
});

export default defineConfig({
  test: {
    // Checks and laptops have as little as two cores, and a browser wants one of them.
    maxWorkers: 2,
    // As with whole tests: slow is not broken, and what never comes still ends.
    expect: { poll: { timeout: 10_000 } },
    projects: [
      {
        test: {
          name: 'node',
          include: ['test/node/**/*.test.ts'],
          environment: 'node',
          // Whoever changes a global puts it back: loading the sources anew for each file would take as long as a third of the tests.
          isolate: false,
          testTimeout: 60_000,
        },
      },
      {
        // Found before the first test: a package met in mid-run makes Vite reload the page under the tests.
        optimizeDeps: {
          entries: [
            'test/browser/**/*.test.ts',
            'src/live/worker.ts',
            'src/lab/main.tsx',
            'src/live/rank-page.ts',
          ],
        },
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          // One page at a time: two of them would share the GPU process, the cores and the IndexedDB quota.
          fileParallelism: false,
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: playwright({
              launchOptions: {
                args: [...BROWSER_FLAGS],
                ...(executablePath === undefined ? {} : { executablePath }),
              },
            }),
            instances: [{ browser: 'chromium' }],
          },
        },
      },
      { test: tabs('e2e') },
      { test: tabs('long') },
    ],
  },
});
