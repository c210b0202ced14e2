import { afterAll, beforeAll, expect, test } from 'vitest';
import { Engine, indices } from '../../src/autograd/index.ts';
import { presetConfig } from '../../src/mlm/bert/config.ts';
import {
  type Batch,
  BertForMaskedLM,
  bertInput,
  buildDataset,
  makeBatch,
  pureMask,
} from '../../src/mlm/index.ts';
import { maskedLoss, TrainingStep } from '../../src/mlm/step.ts';
import { AdamW, materialize } from '../../src/nn/index.ts';
import { characterTokenizer } from './vocabulary.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open();
});
afterAll(() => engine.close());

const tokenizer = characterTokenizer('abcdefgh');
/** Rows of very different lengths, so that micro-batches differ in how many tokens they mask. */
const texts = ['abcdefghabcd', 'ab', 'hgfedcbahgfe', 'c', 'aabbccddeeff', 'fg'];
const dataset = buildDataset(texts, tokenizer, { seqLen: 14 });
const masking = { rate: 0.3, replace: pureMask };

function batchOf(...rows: number[]): Batch {
  return makeBatch(dataset, Int32Array.from(rows), { masking, seed: 2, epoch: 0 });
}

function setUp(dropout = 0) {
  const config = presetConfig('nano', {
    vocab_size: tokenizer.vocabSize,
    max_position_embeddings: 14,
    hidden_dropout_prob: dropout,
    attention_probs_dropout_prob: dropout,
  });
  const model = new BertForMaskedLM(config);
  const slab = materialize(model, engine, { seed: 1 });
  const optimizer = new AdamW(slab);
  const step = new TrainingStep({ model, slab, optimizer, seed: 0 });
  return { model, slab, optimizer, step, gradients: () => slab.read(slab.segments.map((s) => s.gradients)) };
}

test('the loss is the mean over all masked tokens of a step, not of its batches', async () => {
  const { model, slab, step } = setUp();
  const batches = [batchOf(0, 1), batchOf(3, 5)];
  expect(batches[0].count).toBeGreaterThan(batches[1].count);
  const losses: number[] = [];
  for (const batch of batches) {
    const { B, T, M } = batch;
    const logits = engine.scope(() => {
      const input = bertInput(engine, {
        ids: batch.inputIds,
        attentionMask: batch.attentionMask,
        shape: [B, T],
      });
      return engine.noGrad(() =>
        model.eval().forward(input, indices(engine, batch.maskedPositions, [B * M])),
      );
    });
    const [rows, width] = logits.shape;
    const values = await logits.data();
    for (let row = 0; row < rows; row++) {
      const label = batch.labels[row];
      if (label < 0) continue;
      const scores = Array.from(values.subarray(row * width, (row + 1) * width));
      losses.push(Math.log(scores.reduce((sum, score) => sum + Math.exp(score), 0)) - scores[label]);
    }
  }
  expect(losses).toHaveLength(batches[0].count + batches[1].count);
  const mean = losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
  const { loss, accuracy, gradNorm } = await step.run(batches, 1, 0);
  expect(loss).toBeCloseTo(mean, 5);
  expect(accuracy * losses.length).toBeCloseTo(Math.round(accuracy * losses.length), 9);
  expect(gradNorm).toBeGreaterThan(0);
  slab.dispose();
});

test('uneven micro-batches give the gradient of one large batch', async () => {
  const { slab, step, gradients } = setUp();
  await step.run([batchOf(0, 1, 2, 3, 4, 5)], 1, 0);
  const whole = await gradients();
  await step.run([batchOf(0, 1), batchOf(2, 3), batchOf(4, 5)], 1, 0);
  for (const [name, values] of await gradients()) {
    const expected = whole.get(name)!;
    const scale = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-3);
    values.forEach((value, i) => {
      expect(Math.abs(value - expected[i])).toBeLessThan(1e-5 * scale);
    });
  }
  slab.dispose();
});

test('dropout differs between steps and between micro-batches, and repeats with the step', async () => {
  const { slab, step } = setUp(0.3);
  const batch = batchOf(0, 2);
  const loss = async (number: number, batches: Batch[]) => (await step.run(batches, number, 0)).loss;
  const first = await loss(1, [batch]);
  expect(await loss(2, [batch])).not.toBe(first);
  expect(await loss(1, [batch])).toBe(first);
  expect(await loss(1, [batch, batch])).not.toBeCloseTo(first, 7);
  slab.dispose();
});

test('a batch that asks for nothing has the loss 0 and changes nothing', async () => {
  const { slab, step } = setUp();
  const before = await slab.read();
  const metrics = await step.run([batchOf(-1, -1)], 1, 0.1);
  expect(metrics).toEqual({ loss: 0, accuracy: 0, gradNorm: 0 });
  const decayed = [...(await slab.read())].every(([name, values]) =>
    values.every((value, i) => Math.abs(value) <= Math.abs(before.get(name)![i])),
  );
  expect(decayed).toBe(true);
  slab.dispose();
});

test('evaluation is without dropout', async () => {
  const { model, slab } = setUp(0.5);
  const batch = batchOf(0, 2);
  const loss = async () => {
    model.eval();
    const sum = engine.noGrad(() =>
      engine.scope(() => maskedLoss(engine, model, batch, engine.full([1], 1)).loss),
    );
    const value = await sum.item();
    sum.dispose();
    return value;
  };
  engine.seed(0, 1);
  const first = await loss();
  engine.seed(0, 2);
  expect(await loss()).toBe(first);
  slab.dispose();
});
