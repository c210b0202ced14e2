/** `cloze bench serve`: how many requests a second a server answers, with batches and one by one. */
import type { ServeSizes } from '../../bench/serve.node.ts';
import { sayJson } from './json.ts';
import { say, type Terminal } from './terminal.ts';

export interface ServeFlags extends ServeSizes {
  adapter?: string;
  json?: boolean;
}

export async function benchServe({ adapter, json, ...sizes }: ServeFlags, terminal: Terminal): Promise<void> {
  const { measureServe, serveLines } = await import('../../bench/serve.node.ts');
  const { Device } = await import('../gpu/index.ts');
  const { presetConfig } = await import('../mlm/index.ts');
  presetConfig(sizes.model);
  using device = await Device.open({ adapter });
  const report = await measureServe(device, sizes);
  if (json) sayJson(terminal, report);
  else say(terminal, serveLines(report).join('\n'));
}
