/**
 * Benchmarks in a real browser: the page is bundled for the occasion, opened in the Chromium of the tests, and asked. What it
 * takes comes with this repository's development dependencies, which are loaded here alone.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ClozeError } from '../../src/gpu/index.ts';
import type { PageAnswer, PageEvent, PageRequest } from './page.ts';

/** Asks the page for a measurement. Throws `option` where a package is missing, and `gpu` with what went wrong in the page. */
export async function measureInBrowser(
  request: PageRequest,
  onEvent: (event: PageEvent) => void = () => {},
): Promise<Exclude<PageAnswer, { error: string }>> {
  const script = await bundlePage();
  const { chromium } = await import('playwright-core').catch(lacking('playwright-core'));
  const { chromiumLaunchOptions } = await import('./chromium.node.ts');
  const server = createServer((incoming, response) => {
    const page = incoming.url === '/page.js';
    response.setHeader('Content-Type', page ? 'text/javascript' : 'text/html');
    response.end(page ? script : '<!doctype html><script type="module" src="/page.js"></script>');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const browser = await chromium.launch({ headless: true, ...chromiumLaunchOptions() });
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(0);
    await page.exposeFunction('tell', onEvent);
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.waitForFunction(() => 'measure' in globalThis, undefined, { timeout: 60_000 });
    const answer = await page.evaluate((request) => globalThis.measure(request), request);
    if ('error' in answer) throw new ClozeError('gpu', `measuring in the browser failed: ${answer.error}`);
    return answer;
  } finally {
    await browser.close();
    server.close();
  }
}

/** The page and all that it imports as one module. */
async function bundlePage(): Promise<string> {
  const { build, defaultClientConditions } = await import('vite').catch(lacking('vite'));
  const extension = extname(fileURLToPath(import.meta.url));
  const source = extension === '.ts' ? ['cloze-source'] : [];
  const result = await build({
    configFile: false,
    logLevel: 'silent',
    resolve: { conditions: [...source, ...defaultClientConditions] },
    build: {
      write: false,
      target: 'esnext',
      minify: false,
      rollupOptions: {
        input: fileURLToPath(new URL(`./page${extension}`, import.meta.url)),
        output: { format: 'es', codeSplitting: false },
      },
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
