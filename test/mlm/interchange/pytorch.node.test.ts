/** What is written, read by a plain PyTorch script that knows Hugging Face's names and formulas and nothing of us. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Engine } from '../../../src/autograd/index.ts';
import { furthest, type HeadName, heads, smallHead } from './heads.ts';
import { hubConfigs, nested, randomRows } from './models.ts';
import { findPython } from './python.node.ts';

const python = findPython();

let engine: Engine;
const folder = mkdtempSync(join(tmpdir(), 'cloze-pytorch-'));
beforeAll(async () => {
  engine = await Engine.open();
});
afterAll(() => {
  engine.close();
  rmSync(folder, { recursive: true });
});

const { bert, modernbert } = hubConfigs;
const variants: [string, HeadName, object][] = [
  ['bert', 'fill-mask', bert],
  ['bert', 'text-classification', bert],
  ['bert', 'token-classification', { ...bert, hidden_act: 'gelu_new' }],
  ['modernbert', 'fill-mask', modernbert],
  ['modernbert', 'text-classification', modernbert],
  ['modernbert, mean', 'text-classification', { ...modernbert, classifier_pooling: 'mean' }],
  ['modernbert', 'token-classification', modernbert],
];

describe.skipIf(!python).each(variants)('%s, %s', (_, head, hub) => {
  test('has the logits that PyTorch computes from its files', async () => {
    const { files, config, logits, slab } = await smallHead(engine, head, hub);
    for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
    const rows = randomRows([31, 7, 18], config);
    const input = {
      input_ids: nested(rows.ids, rows.shape),
      attention_mask: nested(rows.attentionMask, rows.shape),
      token_type_ids: nested(rows.types, rows.shape),
    };
    const output = execFileSync(python!, [join(import.meta.dirname, 'forward.py'), folder], {
      input: JSON.stringify(input),
      encoding: 'utf8',
      maxBuffer: 1 << 26,
    });
    const theirs: number[] = JSON.parse(output).flat(2);
    expect(furthest(await logits(rows), theirs, rows, heads[head].perText)).toBeLessThan(1e-4);
    slab.dispose();
  });
});
