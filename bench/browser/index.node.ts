/** Benchmarks in a real browser: `page.ts` is opened there, and asked. */
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { ClozeError } from '../../src/gpu/index.ts';
import { onnxWasm } from '../peers/onnxruntime.node.ts';
import { withBundledPage } from './bundled.node.ts';
import type { PageAnswer, PageEvent, PageRequest } from './page.ts';

/** Asks the page for a measurement. Throws `option` where a package is missing, and `gpu` with what went wrong in the page. */
export async function measureInBrowser(
  request: PageRequest,
  onEvent: (event: PageEvent) => void = () => {},
): Promise<Exclude<PageAnswer, { error: string }>> {
  const extension = extname(fileURLToPath(import.meta.url));
  const ask = async (page: Page) => {
    await page.exposeFunction('tell', onEvent);
    const answer = await page.evaluate((request) => globalThis.measure(request), request);
    if ('error' in answer) throw new ClozeError('gpu', `measuring in the browser failed: ${answer.error}`);
    return answer;
  };
  const entry = fileURLToPath(new URL(`./page${extension}`, import.meta.url));
  return withBundledPage(entry, ask, { '/onnxruntime.wasm': onnxWasm() });
}
