/** `cloze train` on a disk that is really full. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { SmallDisk } from './smallDisk.node.ts';
import { cloze } from './terminal.node.ts';

test('one line says so, the last checkpoint is whole, and with room the run ends as it would have', async (context) => {
  using disk = SmallDisk.mount(64 << 20);
  if (!disk) return context.skip('mounting a small disk needs root');
  const options =
    '--data synthetic:clock --preset nano --seq-len 18 --batch-size 4 --eval-sequences 4 --steps 12 --eval-every 12 --checkpoint-every 3';
  const [whole, out] = ['whole', 'full'].map((name) => join(disk.folder, name));
  const train = (...more: string[]) => cloze(['train', ...options.split(' '), '--json', '--out', ...more]);
  expect((await train(whole)).code).toBe(0);

  // Room for the first checkpoint, and not for a second one beside it.
  const folder = join(whole, 'checkpoint');
  const bytes = readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  disk.fill(1.5 * bytes);
  const { code, err } = await train(out);
  expect(code).toBe(1);
  expect(err).toMatch(
    /^cloze: Cannot write .*checkpoint: the disk is full, \d+ bytes were needed; what stood there before is kept\. [^\n]*\n$/,
  );

  disk.empty();
  const resumed = await train(out, '--resume');
  expect(resumed.code).toBe(0);
  expect(JSON.parse(resumed.out.split('\n')[0])).toMatchObject({ event: 'start', firstStep: 4 });
  for (const name of ['model.safetensors', 'metrics.jsonl']) {
    expect(readFileSync(join(out, name)).equals(readFileSync(join(whole, name))), name).toBe(true);
  }
});
