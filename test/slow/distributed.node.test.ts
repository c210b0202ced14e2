/** docs/scale.md: a folder that goes on under PyTorch's launcher, by one process or two, and comes back. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Engine } from '../../src/autograd/index.ts';
import { loadPretrained } from '../../src/mlm/index.ts';
import { FolderStore } from '../../src/mlm/storage/folder-store.node.ts';
import { hubConfigs, languageLogits, nested, randomRows, smallModel } from '../mlm/interchange/models.ts';
import { findPython } from '../mlm/interchange/python.node.ts';

const python = findPython();
const folder = mkdtempSync(join(tmpdir(), 'cloze-distributed-'));
const at = (name: string) => join(folder, name);
const steps = 8;

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open();
});
afterAll(() => {
  engine.close();
  rmSync(folder, { recursive: true });
});

interface Line {
  step: number;
  loss: number;
  processes: number;
}

function launch(processes: number, out: string): Line[] {
  // The defaults of the last two are what PyTorch 1.13 cannot read under Python 3.11, which Debian 12 puts together.
  const launcher = ['-m', 'torch.distributed.run', '--standalone', '--nproc_per_node', String(processes)];
  launcher.push('--redirects', '2', '--tee', '2');
  const script = join(import.meta.dirname, 'distributed.py');
  const output = execFileSync(python!, [...launcher, script, at('in'), out, String(steps), at('rows.json')], {
    encoding: 'utf8',
    env: { ...process.env, GLOO_SOCKET_IFNAME: 'lo', OMP_NUM_THREADS: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

describe.skipIf(!python).each(['bert', 'modernbert'] as const)('%s', (family) => {
  test('goes on under torch.distributed.run, and comes back with the loss that it had there', async () => {
    const { files, config, slab } = await smallModel(engine, hubConfigs[family]);
    const store = await FolderStore.open(at('in'));
    for (const [name, bytes] of Object.entries(files)) await store.write(name, bytes);
    const rows = randomRows([20, 20, 12, 17, 9, 20], config);
    const labels = Array.from(rows.ids, (id, i) => (rows.attentionMask[i] === 1 && i % 5 === 0 ? id : -100));
    const input = {
      input_ids: rows.ids,
      attention_mask: rows.attentionMask,
      token_type_ids: rows.types,
      labels,
    };
    const lists = Object.entries(input).map(([name, values]) => [name, nested(values, rows.shape)]);
    writeFileSync(at('rows.json'), JSON.stringify(Object.fromEntries(lists)));

    const alone = launch(1, at('alone'));
    const together = launch(2, at('together'));
    expect(together.map(({ processes }) => processes)).toEqual(new Array(steps + 1).fill(2));
    together.forEach(({ loss }, i) => {
      expect(loss).toBeCloseTo(alone[i].loss, 9);
    });
    expect(together.at(-1)!.loss).toBeLessThan(0.7 * together[0].loss);

    for (const [place, { loss }] of [
      ['in', together[0]],
      ['together', together.at(-1)!],
    ] as const) {
      const read = new FolderStore(at(place));
      const back = await loadPretrained(engine, (name) => read.readBytes(name), place);
      expect(crossEntropy(await languageLogits(back, rows), labels)).toBeCloseTo(loss, 4);
      back.slab.dispose();
    }
    slab.dispose();
  });
});

/** The mean over the labels that are asked for, of logits [tokens, V]. */
function crossEntropy(logits: Float32Array, labels: readonly number[]): number {
  const width = logits.length / labels.length;
  const losses = labels.flatMap((label, i) => {
    if (label < 0) return [];
    const row = logits.subarray(i * width, (i + 1) * width);
    const largest = Math.max(...row);
    return [largest + Math.log(row.reduce((sum, value) => sum + Math.exp(value - largest), 0)) - row[label]];
  });
  return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
}
