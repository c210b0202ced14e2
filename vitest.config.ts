import { playwright } from '@vitest/browser-playwright';
import { defaultClientConditions, defaultServerConditions } from 'vite';
import { defineConfig } from 'vitest/config';
import { chromiumLaunchOptions } from './bench/browser/chromium.node.ts';

const slow = process.env.CLOZE_SLOW === '1' ? [] : ['test/slow/**'];

/** `cloze-source` makes `#platform` resolve to the TypeScript sources, see "imports" in package.json. */
const inNode = { conditions: ['cloze-source', ...defaultServerConditions] };
const inBrowser = { conditions: ['cloze-source', ...defaultClientConditions] };

export default defineConfig({
  test: {
    projects: [
      {
        resolve: inNode,
        ssr: { resolve: inNode },
        test: {
          name: 'node',
          environment: 'node',
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.browser.test.ts', ...slow],
          testTimeout: 300_000,
          hookTimeout: 60_000,
          pool: 'forks',
          maxWorkers: 1, // a software adapter uses all cores: a second worker makes the whole slower
          sequence: { groupOrder: 0 },
        },
      },
      {
        resolve: inBrowser,
        test: {
          name: 'browser',
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.node.test.ts', ...slow],
          testTimeout: 300_000,
          hookTimeout: 60_000,
          maxWorkers: 1,
          sequence: { groupOrder: 1 }, // after those in Node, not beside them
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: playwright({ launchOptions: chromiumLaunchOptions() }),
            instances: [{ browser: 'chromium' }],
          },
        },
      },
    ],
  },
});
