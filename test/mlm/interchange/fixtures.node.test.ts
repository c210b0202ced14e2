/** Folders that Hugging Face wrote, read and written again: what is written passes the fixtures as they did. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { Engine } from '../../../src/autograd/index.ts';
import { descriptionFiles, loadWeights, readModelConfig, weightsFile } from '../../../src/mlm/pretrained.ts';
import { materialize } from '../../../src/nn/index.ts';
import { Report } from '../../fixtures/report.ts';
import { runFixtures } from '../../fixtures/run.ts';
import { heads } from './heads.ts';
import { smallTokenizer } from './models.ts';

const shared = resolve(
  process.env.CLOZE_SHARED ?? join(import.meta.dirname, '../../../../shared'),
  'fixtures',
);
const fixture = join(shared, 'bert-tiny-a');
const present = existsSync(fixture);
if (!present && process.env.CI) throw new Error(`No fixtures at ${fixture}; set CLOZE_SHARED`);
if (!present) console.warn(`Skipped: no fixtures at ${fixture}; set CLOZE_SHARED`);

const scratch = mkdtempSync(join(tmpdir(), 'cloze-rewritten-'));
afterAll(() => rmSync(scratch, { recursive: true }));

test.skipIf(!present)('every head passes its fixtures after it was read and written', async () => {
  const engine = await Engine.open();
  const tokenizer = await smallTokenizer();
  const index = JSON.parse(readFileSync(join(fixture, 'index.json'), 'utf8'));
  writeFileSync(join(scratch, 'index.json'), JSON.stringify(index));
  for (const [name, { model }] of Object.entries<{ model: string }>(index)) {
    mkdirSync(join(scratch, name));
    for (const file of readdirSync(join(fixture, name))) {
      writeFileSync(join(scratch, name, file), readFileSync(join(fixture, name, file)));
    }
    const read = async (file: string) => new Uint8Array(readFileSync(join(fixture, name, file)));
    const config = await readModelConfig(read, name);
    const head = Object.values(heads).find(({ architecture }) => architecture === model)!;
    const slab = materialize(head.open(config).model, engine);
    await loadWeights(slab, config, read, name);
    writeFileSync(join(scratch, name, 'model.safetensors'), await weightsFile(slab, config));
    writeFileSync(join(scratch, name, 'config.json'), descriptionFiles(config, tokenizer)['config.json']);
    slab.dispose();
  }
  engine.close();
  const lines: string[] = [];
  const report = new Report((line) => lines.push(line));
  await runFixtures(scratch, {}, report);
  expect(lines).toEqual([]);
  expect(report.passed).toBeGreaterThan(200);
});
