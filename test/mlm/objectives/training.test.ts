/** Every objective in training: micro-batches, attention, bars. */
import { expect, test } from 'vitest';
import { Engine } from '../../../src/autograd/index.ts';
import { presetConfig } from '../../../src/mlm/bert/config.ts';
import type { BertForMaskedLM } from '../../../src/mlm/bert/heads.ts';
import { makeBatch } from '../../../src/mlm/data/batch.ts';
import { modelInput, uploadBatch } from '../../../src/mlm/data/batchInputs.ts';
import { buildDataset } from '../../../src/mlm/data/dataset.ts';
import { createObjective, objectiveNames } from '../../../src/mlm/objectives/index.ts';
import type { StartEvent, StepEvent } from '../../../src/mlm/training/events.ts';
import { parseOptions } from '../../../src/mlm/training/options.ts';
import { materialize } from '../../../src/nn/index.ts';
import { run } from '../training.ts';
import { characterTokenizer } from '../vocabulary.ts';

test.each(objectiveNames.filter((name) => name !== 'mlm'))(
  '%s: micro-batches add up to one large batch, and the loss begins above its bar',
  async (objective) => {
    const train = async (accumulation: number) => {
      const { events } = await run({ objective, batchSize: 8, accumulation, dropout: 0, steps: 2 });
      return {
        start: events[0] as StartEvent,
        steps: events.filter(({ event }) => event === 'step') as StepEvent[],
      };
    };
    const [whole, parts] = [await train(1), await train(2)];
    // ELECTRA draws by the number of the micro-batch, as dropout does, so its losses differ.
    const comparable = objective === 'electra' ? [] : whole.steps;
    comparable.forEach(({ loss, gradNorm, accuracy }, i) => {
      expect(Math.abs(parts.steps[i].loss / loss - 1)).toBeLessThan(1e-6);
      expect(Math.abs(parts.steps[i].gradNorm / gradNorm - 1)).toBeLessThan(1e-5);
      expect(parts.steps[i].accuracy).toBeCloseTo(accuracy, 6);
    });
    const { baselines, floor } = whole.start;
    const context = baselines.neighbours ?? baselines.ngrams;
    expect(context?.accuracy).toBeGreaterThan(baselines.unigram.accuracy);
    if (floor !== null) expect(context?.loss).toBeGreaterThan(floor);
  },
);

const tokenizer = characterTokenizer('abcdefgh');
const dataset = buildDataset(['abcdefgh', 'hgfedcba'], tokenizer, { seqLen: 10 });

test.each([
  ['causal', 0],
  ['t5', 1],
])('%s: what a token predicts does not depend on what comes after it', async (name, prefixed) => {
  using engine = await Engine.open();
  const { train, build, extraTokens } = createObjective(parseOptions({ objective: name }), tokenizer);
  const T = train.rowLength(10);
  const config = presetConfig('nano', {
    vocab_size: tokenizer.vocabSize + extraTokens,
    max_position_embeddings: T,
    position_embedding_type: 'rotary',
  });
  const trainee = build(config);
  const model = trainee.model as BertForMaskedLM;
  materialize(model, engine, { seed: 1 });
  const logitsOf = async (change: number) => {
    const batch = makeBatch(dataset, Int32Array.of(0), train, { seed: 0, epoch: 0 });
    const length = batch.attentionMask.reduce((sum, bit) => sum + bit, 0);
    if (change >= 0) batch.inputIds[change] = 6;
    const logits = engine.noGrad(() =>
      engine.scope(() =>
        model
          .eval()
          .forward(modelInput(uploadBatch(engine, { config }, batch, { normalizer: 1, tokens: 1 }))),
      ),
    );
    const values = (await logits.data()) as Float32Array;
    const width = values.length / T;
    return {
      prefix: batch.prefix?.[0] ?? 0,
      length,
      row: (t: number) => values.slice(t * width, (t + 1) * width),
    };
  };
  const before = await logitsOf(-1);
  const last = before.length - 1;
  const after = await logitsOf(last);
  for (let t = 0; t < last; t++) expect(after.row(t)).toEqual(before.row(t));
  expect(after.row(last)).not.toEqual(before.row(last));
  if (!prefixed) return;
  // The source is seen whole, also by its own first token.
  const source = await logitsOf(before.prefix - 2);
  expect(source.row(0)).not.toEqual(before.row(0));
});

test('masked diffusion never predicts a special token', async () => {
  using engine = await Engine.open();
  const { train, build } = createObjective(parseOptions({ objective: 'diffusion' }), tokenizer);
  const { model, config } = build(
    presetConfig('nano', { vocab_size: tokenizer.vocabSize, max_position_embeddings: 10 }),
  );
  materialize(model, engine, { seed: 1 });
  const batch = makeBatch(dataset, Int32Array.of(0), train, { seed: 0, epoch: 0 });
  const logits = engine.noGrad(() =>
    engine.scope(() =>
      (model as BertForMaskedLM)
        .eval()
        .forward(modelInput(uploadBatch(engine, { config }, batch, { normalizer: 1, tokens: 1 }))),
    ),
  );
  const values = (await logits.data()) as Float32Array;
  for (let t = 0; t < 10; t++) {
    for (let id = 0; id < tokenizer.vocabSize; id++) {
      const value = values[t * tokenizer.vocabSize + id];
      expect(value < -9000).toBe(tokenizer.specialIds.has(id));
    }
  }
});
