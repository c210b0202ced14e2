/** The built page in a real Chromium, for tests. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { build, preview } from 'vite';
import { chromiumLaunchOptions } from '../../bench/browser/chromium.node.ts';

export interface ServedPage extends AsyncDisposable {
  page: Page;
  browser: Browser;
  address: string;
  /** A folder that goes when the page is closed. */
  folder: string;
  /** What the page wrote to the console as an error, and where it asked for something that is not its own. */
  complaints: string[];
}

/**
 * Builds the page into a folder of its own, serves it, and opens it in a browser whose language has the name that bare systems give it,
 * with or without WebGPU.
 */
export async function openPage({ webgpu = true } = {}): Promise<ServedPage> {
  const outDir = mkdtempSync(join(tmpdir(), 'cloze-page-'));
  const configFile = fileURLToPath(new URL('../../vite.config.ts', import.meta.url));
  const common = { configFile, logLevel: 'error', build: { outDir } } as const;
  await build(common);
  const server = await preview({ ...common, preview: { port: 0, host: '127.0.0.1' } });
  const { port } = server.httpServer.address() as { port: number };
  const address = `http://localhost:${port}/`;
  const options = chromiumLaunchOptions();
  const args = options.args.filter((flag) => webgpu || !/webgpu/.test(flag));
  const env = { ...process.env, ...options.env, LC_ALL: 'POSIX' } as Record<string, string>;
  const browser = await chromium.launch({ ...options, args, env });
  const page = await browser.newPage({
    viewport: { width: 1280, height: 900 },
    acceptDownloads: true,
  });
  const complaints: string[] = [];
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(address) && !/^(data|blob):/.test(url)) complaints.push(`asks for ${url}`);
  });
  await page.goto(address);
  return {
    page,
    browser,
    address,
    folder: outDir,
    complaints,
    async [Symbol.asyncDispose]() {
      await browser.close();
      await server.close();
      rmSync(outDir, { recursive: true, force: true });
    },
  };
}
