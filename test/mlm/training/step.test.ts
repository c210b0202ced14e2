import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { Engine, indices } from '../../../src/autograd/index.ts';
import { presetConfig } from '../../../src/mlm/bert/config.ts';
import { maskedLoss, uploadBatch } from '../../../src/mlm/data/batchInputs.ts';
import {
  type Batch,
  BertForMaskedLM,
  bertInput,
  buildDataset,
  makeBatch,
  parseOptions,
  pureMask,
} from '../../../src/mlm/index.ts';
import { languageModel } from '../../../src/mlm/objectives/languageModel.ts';
import { maskedCorruption, masks } from '../../../src/mlm/objectives/maskedLanguageModel.ts';
import { prepareTraining } from '../../../src/mlm/training/optimizer.ts';
import { inPrecision } from '../../../src/mlm/training/precision.ts';
import { TrainingStep } from '../../../src/mlm/training/step.ts';
import { AdamW, createSchedule, materialize } from '../../../src/nn/index.ts';
import { characterTokenizer } from '../vocabulary.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open();
});
afterAll(() => engine.close());

const tokenizer = characterTokenizer('abcdefgh');
/** Rows of very different lengths, so that micro-batches differ in how many tokens they mask. */
const texts = ['abcdefghabcd', 'ab', 'hgfedcbahgfe', 'c', 'aabbccddeeff', 'fg'];
const dataset = buildDataset(texts, tokenizer, { seqLen: 14 });
const corruption = maskedCorruption(masks({ rate: 0.3, replace: pureMask }, tokenizer));

function batchOf(...rows: number[]): Batch {
  return makeBatch(dataset, Int32Array.from(rows), corruption, { seed: 2, epoch: 0 });
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
  const step = new TrainingStep({ trainee: languageModel(config, model), slab, optimizer, seed: 0 });
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
  expect(metrics).toEqual({ loss: 0, accuracy: 0, gradNorm: 0, lossScale: 1 });
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
      engine.scope(
        () =>
          maskedLoss(
            model,
            uploadBatch(engine, languageModel(model.config, model), batch, { normalizer: 1, tokens: 1 }),
          ).loss,
      ),
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

describe('replayed steps', () => {
  const lr = createSchedule({ name: 'cosine', totalSteps: 50, warmupSteps: 5 });

  /** Two micro-batches that differ from step to step. */
  const pairOf = (step: number) => [batchOf(step % 6, (step + 1) % 6), batchOf((step + 3) % 6, 5)];

  /** Fifty steps with dropout: what they tell, and the weights and moments that they leave. */
  async function train(eager: boolean) {
    engine.eager = eager;
    const { slab, optimizer, step } = setUp(0.2);
    const told = [];
    for (let number = 1; number <= 50; number++) {
      told.push(await step.run(pairOf(number), number, 1e-2 * lr(number)));
    }
    const weights = await slab.read();
    const moments = [await slab.read(optimizer.expAvg), await slab.read(optimizer.expAvgSq)];
    step.dispose();
    optimizer.dispose();
    slab.dispose();
    engine.eager = false;
    return { told, weights, moments };
  }

  test('equal eager ones bit for bit, with micro-batches, dropout and a schedule, and leave no memory', async () => {
    const eager = await train(true);
    expect(new Set(eager.told.map(({ loss }) => loss)).size).toBe(50);
    const before = engine.memory().live;
    expect(await train(false)).toEqual(eager);
    expect(engine.memory().live).toBe(before);
  });

  test('hold the same memory at each, and run the model no more', async () => {
    const { model, slab, optimizer, step } = setUp(0.2);
    const loss = vi.spyOn(model, 'loss');
    const run = async (number: number) => {
      await step.run(pairOf(number), number, 1e-3);
      return { ...engine.memory(), bindGroups: engine.device.cachedBindGroups };
    };
    await run(1);
    const recorded = await run(2);
    expect(loss).toHaveBeenCalledTimes(2);
    for (let number = 3; number < 20; number++) expect(await run(number)).toEqual(recorded);
    expect(loss).toHaveBeenCalledTimes(2);
    for (const part of [step, optimizer, slab]) part.dispose();
  });

  test.each(['f32', 'f16'] as const)(
    'equal eager ones with Muon and rotary positions in %s',
    async (dtype) => {
      if (dtype === 'f16' && !engine.device.capabilities.features.has('shader-f16')) {
        console.log('replays in f16 skipped: the adapter has no shader-f16');
        return;
      }
      const train = async (eager: boolean) => {
        engine.eager = eager;
        const config = presetConfig('nano', {
          vocab_size: tokenizer.vocabSize,
          max_position_embeddings: 14,
          position_embedding_type: 'rotary',
        });
        const model = new BertForMaskedLM(config);
        const options = parseOptions({ optimizer: 'muon', seed: 1, dtype });
        const { slab, optimizer, scaler } = prepareTraining(model, engine, options);
        const trainee = inPrecision(engine, languageModel(config, model), dtype);
        const step = new TrainingStep({ trainee, slab, optimizer, scaler, seed: 0 });
        scaler?.load({ scale: 2 ** 24, growthTracker: 0 }); // too much, so that replays lower it
        const told = [];
        for (let number = 1; number <= 5; number++) {
          told.push(await step.run(pairOf(number), number, 1e-2 * lr(number)));
        }
        for (const part of [step, optimizer, slab]) part.dispose();
        scaler?.dispose();
        engine.eager = false;
        if (scaler) expect(new Set(told.map(({ lossScale }) => lossScale)).size).toBeGreaterThan(3);
        return told;
      };
      expect(await train(false)).toEqual(await train(true));
    },
  );

  test('of many shapes forget the one used longest ago, and give the gradients of eager ones', async () => {
    const shapes = [[0], [0, 1], [0, 1, 2], [0, 1, 2, 3], [0, 1, 2, 3, 4]];
    const order = [0, 0, 0, 1, 2, 2, 0, 2, 3, 4, 4, 1, 1, 1, 0];
    const train = async (eager: boolean) => {
      engine.eager = eager;
      const { model, slab, optimizer, step } = setUp(0.2);
      const loss = vi.spyOn(model, 'loss');
      const told = [];
      for (const [i, shape] of order.entries()) {
        told.push(await step.run([batchOf(...shapes[shape])], i + 1, 1e-3));
      }
      for (const part of [step, optimizer, slab]) part.dispose();
      engine.eager = false;
      return { told, calls: loss.mock.calls.length };
    };
    const before = engine.memory().live;
    const [eager, replayed] = [await train(true), await train(false)];
    expect(replayed.told).toEqual(eager.told);
    expect(eager.calls).toBe(order.length);
    // Replayed: the third and the fourth of shape 0, the third of 2, the third of 1 after it was forgotten and came anew.
    expect(replayed.calls).toBe(order.length - 4);
    expect(engine.memory().live).toBe(before);
  });
});
