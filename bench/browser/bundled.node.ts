/**
 * A module in a real browser: bundled for the occasion, opened in the Chromium of the tests. What that takes comes with this
 * repository's development dependencies, which are loaded here alone.
 */
import { createReadStream } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { ClozeError } from '../../src/gpu/index.ts';

/**
 * Runs `work` with a page that has loaded `entry`, the path of a module, and all that it imports. `files` can be fetched: paths on
 * disk by those in URLs. Throws `option` where a package is missing.
 */
export async function withBundledPage<T>(
  entry: string,
  work: (page: Page) => Promise<T>,
  files: Readonly<Record<string, string>> = {},
): Promise<T> {
  const script = await bundle(entry);
  const { chromium } = await import('playwright-core').catch(lacking('playwright-core'));
  const { chromiumLaunchOptions } = await import('./chromium.node.ts');
  const server = createServer((incoming, response) => {
    const file = files[incoming.url ?? ''];
    if (file) {
      createReadStream(file).pipe(response);
      return;
    }
    const isScript = incoming.url === '/page.js';
    response.setHeader('Content-Type', isScript ? 'text/javascript' : 'text/html');
    response.end(isScript ? script : '<!doctype html><script type="module" src="/page.js"></script>');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const browser = await chromium.launch({ headless: true, ...chromiumLaunchOptions() });
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(0);
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, { waitUntil: 'load' });
    return await work(page);
  } finally {
    await browser.close();
    server.close();
  }
}

/** The module and all that it imports as one. */
async function bundle(entry: string): Promise<string> {
  const { build, defaultClientConditions } = await import('vite').catch(lacking('vite'));
  const source = extname(fileURLToPath(import.meta.url)) === '.ts' ? ['cloze-source'] : [];
  const result = await build({
    configFile: false,
    logLevel: 'silent',
    resolve: { conditions: [...source, ...defaultClientConditions] },
    build: {
      write: false,
      target: 'esnext',
      minify: false,
      rollupOptions: { input: entry, output: { format: 'es', codeSplitting: false } },
    },
  });
  const [{ output }] = [result].flat() as { output: { type: string; code?: string }[] }[];
  return output.find(({ type }) => type === 'chunk')?.code as string;
}

const lacking =
  (name: string) =>
  (cause: Error): never => {
    throw new ClozeError(
      'option',
      `a browser needs the package ${name}, which is not installed`,
      `Run: npm install --save-dev ${name}`,
      { cause },
    );
  };
