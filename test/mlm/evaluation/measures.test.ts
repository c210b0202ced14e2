import { expect, test } from 'vitest';
import { Engine } from '../../../src/autograd/index.ts';
import { presetConfig } from '../../../src/mlm/bert/config.ts';
import { measure } from '../../../src/mlm/evaluation/measures.ts';
import { pseudoLikelihoodBatches } from '../../../src/mlm/evaluation/pseudoLikelihood.ts';
import { fillMask } from '../../../src/mlm/fillMask.ts';
import { buildSession, type Corpus, createObjective, parseOptions } from '../../../src/mlm/index.ts';
import { languageModel } from '../../../src/mlm/objectives/languageModel.ts';
import { materialize } from '../../../src/nn/index.ts';

const corpus: Corpus = {
  name: 'letters',
  documents: Array.from({ length: 40 }, (_, i) => `abc${'abcd'.slice(i % 3)}é`),
};

async function setUp(engine: Engine, overrides: object) {
  const options = parseOptions({ tokenizer: 'char', documents: 'line', seqLen: 12, ...overrides });
  const session = await buildSession(corpus, options);
  const { tokenizer } = session;
  const objective = createObjective(options, tokenizer);
  const trainee = objective.build(
    presetConfig('nano', {
      vocab_size: tokenizer.vocabSize,
      max_position_embeddings: 12,
      objective: options.objective,
    }),
  );
  const slab = materialize(trainee.model, engine, { seed: 3 });
  return { options: { ...options, maskSeed: 1 }, text: session, tokenizer, objective, trainee, slab };
}

test('the pseudo-log-likelihood hides every token alone, whatever the batch size', async () => {
  using engine = await Engine.open();
  const { options, text, tokenizer, trainee, objective, slab } = await setUp(engine, {});
  const scores = [];
  for (const batchSize of [3, 8]) {
    const all = await measure(engine, trainee, {
      text,
      objective,
      tokenizer,
      options: { ...options, batchSize, pll: true },
    });
    expect(all.map(({ name }) => name)).toEqual(['mlm', 'pll']);
    scores.push(all[1]);
  }
  expect(scores[0].predictions).toBe(text.validation.tokens);
  expect(scores[1].loss).toBeCloseTo(scores[0].loss, 5);
  expect(scores[0].perplexity).toBeCloseTo(Math.exp(scores[0].loss), 9);

  // By hand: fill-mask with each token hidden in turn.
  let total = 0;
  const rows = Array.from({ length: text.validation.size }, (_, row) => row);
  const model = languageModel(trainee.config, trainee.model as never).model;
  for (const batch of pseudoLikelihoodBatches(text.validation, rows, objective.evaluation, 1)) {
    const hidden = tokenizer.decode(
      batch.inputIds.filter((_, i) => batch.attentionMask[i] === 1).slice(1, -1),
    );
    const [answers] = await fillMask({ model, tokenizer, config: trainee.config, slab }, hidden, {
      topK: 99,
    });
    total -= Math.log(answers.find(({ token }) => token === batch.labels[0])?.score ?? 0);
  }
  expect(scores[0].loss).toBeCloseTo(total / text.validation.tokens, 4);
  expect(scores[0].baselines?.neighbours?.loss).toBeGreaterThan(0);
});

test('bits per byte are those of the text: a letter of two bytes counts twice', async () => {
  using engine = await Engine.open();
  const { options, text, tokenizer, trainee, objective } = await setUp(engine, { objective: 'causal' });
  const [score] = await measure(engine, trainee, { text, objective, tokenizer, options });
  const bytes = text.validation.tokens + text.validation.size;
  // Each row also predicts its end.
  expect(score.predictions).toBe(text.validation.tokens + text.validation.size);
  expect(score.bitsPerByte).toBeCloseTo((score.loss * score.predictions) / Math.LN2 / bytes, 6);
  expect(score.baselines?.ngrams?.loss).toBeLessThan(score.baselines?.unigram.loss ?? 0);
});

test('a hybrid is measured on both of its tasks', async () => {
  using engine = await Engine.open();
  const { options, text, tokenizer, trainee, objective } = await setUp(engine, { objective: 'hybrid' });
  const measures = await measure(engine, trainee, { text, objective, tokenizer, options });
  expect(measures.map(({ name }) => name)).toEqual(['hybrid', 'causal']);
  expect(measures[1].baselines?.ngrams).toBeDefined();
});
