/** Folders of Hugging Face on the command line, and the way out to ONNX. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Engine } from '../../src/autograd/index.ts';
import { hubConfigs, smallModel } from '../mlm/interchange/models.ts';
import { cloze } from './terminal.node.ts';

const folder = mkdtempSync(join(tmpdir(), 'cloze-interchange-'));
const at = (name: string) => join(folder, name);

beforeAll(async () => {
  const engine = await Engine.open();
  const { files } = await smallModel(engine, hubConfigs.modernbert);
  engine.close();
  for (const [name, bytes] of Object.entries(files)) writeFileSync(at(name), bytes);
  writeFileSync(at('text.txt'), 'the quick brown fox\njumps over the lazy dog\n'.repeat(20));
  const lines = Array.from({ length: 40 }, (_, i) => (i % 2 ? 'YES the quick fox' : 'NO the lazy dog'));
  writeFileSync(at('labelled.txt'), lines.join('\n'));
});
afterAll(() => rmSync(folder, { recursive: true }));

test('a ModernBERT fills blanks, is scored and fine-tuned, and stays one', async () => {
  const filled = await cloze(['fill-mask', '--model', folder, '--json', '--top-k', '2', 'the qui[MASK]k']);
  expect(JSON.parse(filled.out)).toHaveLength(2);
  const scored = await cloze([
    'eval',
    '--model',
    folder,
    '--data',
    at('text.txt'),
    '--seq-len',
    '30',
    '--json',
  ]);
  expect(JSON.parse(scored.out).loss).toBeGreaterThan(0);
  const task = ['finetune', '--task', 'classification', '--data', at('labelled.txt'), '--model', folder];
  const tuned = await cloze([...task, '--epochs', '2', '--lr', '3e-3', '--out', at('tuned'), '--json']);
  expect(tuned).toMatchObject({ code: 0, err: '' });
  expect(JSON.parse(readFileSync(at('tuned/config.json'), 'utf8'))).toMatchObject({
    model_type: 'modernbert',
    architectures: ['ModernBertForSequenceClassification'],
  });
  const said = await cloze(['predict', '--model', at('tuned'), '--json', 'the lazy dog']);
  expect(JSON.parse(said.out).label).toMatch(/YES|NO/);
});

test('export writes an ONNX file and says what it takes and gives', async () => {
  const { code, out, err } = await cloze(['export', '--model', folder, '--out', at('model.onnx'), '--json']);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  const { bytes, ...rest } = JSON.parse(out);
  expect(readFileSync(at('model.onnx'))).toHaveLength(bytes);
  expect(rest).toMatchObject({
    task: 'fill-mask',
    opset: 20,
    inputs: [{ name: 'input_ids', type: 'int64', shape: ['batch', 'sequence'] }, { name: 'attention_mask' }],
    outputs: [{ name: 'logits', type: 'float' }],
  });
  const told = await cloze(['export', '--model', folder, '--out', at('model.onnx')]);
  expect(told.out).toMatch(/fill-mask, ONNX opset 20/);
});

test.each([
  [['export', '--model', folder, '--out', 'model.bin'], /--out is model.bin. Name a file that ends in .onnx/],
  [['export', '--model', '/nowhere', '--out', 'model.onnx'], /\/nowhere has no config.json/],
  [['fill-mask', '--model', 'hf://a/b/c', 'x'], /names no model of the hub/],
])('%o is refused in one line', async (args, message) => {
  const { code, err } = await cloze(args);
  expect(code).toBe(1);
  expect(err).toMatch(message);
  expect(err.trim()).not.toContain('\n');
});
