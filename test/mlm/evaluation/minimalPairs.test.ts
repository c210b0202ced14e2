import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Engine } from '../../../src/autograd/index.ts';
import { buildDataset } from '../../../src/mlm/data/dataset.ts';
import { logLikelihoods, textRows } from '../../../src/mlm/evaluation/likelihood.ts';
import {
  lengthScores,
  pairGroups,
  parsePairs,
  scorePairs,
  unigramScores,
} from '../../../src/mlm/evaluation/minimalPairs.ts';
import { fillMask } from '../../../src/mlm/fillMask.ts';
import { createObjective, type ObjectiveName } from '../../../src/mlm/objectives/index.ts';
import { languageModel } from '../../../src/mlm/objectives/languageModel.ts';
import type { Pretrained } from '../../../src/mlm/pretrained.ts';
import { smallCorpus, smallModel } from '../smallModel.ts';

let engine: Engine;

beforeAll(async () => {
  engine = await Engine.open();
});
afterAll(() => engine.close());

const texts = ['the cat sat', 'the old red door', 'dog', 'on the mat and the dog lay'];

async function likelihoods(
  { model, config, tokenizer }: Pretrained,
  batchSize: number,
): Promise<Float64Array> {
  const trainee = languageModel(config, model);
  const { evaluation } = createObjective({ objective: config.objective as ObjectiveName }, tokenizer);
  return logLikelihoods(engine, trainee, textRows(texts, tokenizer, trainee), evaluation, batchSize);
}

describe('the likelihood of a text', () => {
  test('is the sum over its tokens, each hidden alone, for a model that fills blanks', async () => {
    const model = await smallModel(engine, { initializer_range: 0.3 });
    const { tokenizer } = model;
    const scores = await likelihoods(model, 3);
    for (const [i, text] of texts.entries()) {
      const ids = [...tokenizer.encodeToIds(text)];
      let sum = 0;
      for (const [at, id] of ids.entries()) {
        const hidden = tokenizer.decode(
          ids.map((own, place) => (place === at ? tokenizer.special.mask : own)),
        );
        const [answers] = await fillMask(model, hidden, { topK: tokenizer.vocabSize });
        sum += Math.log(answers.find(({ token }) => token === id)!.score);
      }
      expect(scores[i]).toBeCloseTo(sum, 3);
    }
    (await likelihoods(model, 32)).forEach((score, i) => {
      expect(score).toBeCloseTo(scores[i], 4);
    });
  });

  test('is that of the tokens, one after another, for a model that reads left to right', async () => {
    const model = await smallModel(engine, { initializer_range: 0.3, objective: 'causal' });
    const scores = await likelihoods(model, 3);
    // What follows cannot change it: a text's score is that of its beginning, and what the rest adds is below 0.
    const { tokenizer, config } = model;
    const trainee = languageModel(config, model.model);
    const { evaluation } = createObjective({ objective: 'causal' }, tokenizer);
    const beginnings = ['on', 'on the', 'on the mat', 'on the mat and the dog lay'];
    const rows = textRows(beginnings, tokenizer, trainee);
    const growing = await logLikelihoods(engine, trainee, rows, evaluation, 2);
    for (let i = 1; i < growing.length; i++) expect(growing[i]).toBeLessThan(growing[i - 1]);
    expect(growing[3]).toBeCloseTo(scores[3], 4);
  });

  test('is refused for texts and models that have none', async () => {
    const model = await smallModel(engine);
    const trainee = languageModel(model.config, model.model);
    expect(() => textRows([' '], model.tokenizer, trainee)).toThrow(/no token that could be scored/);
    expect(() => textRows(['the '.repeat(50)], model.tokenizer, trainee)).toThrow(/52 tokens.*at most 40/);
    const rows = textRows(['the'], model.tokenizer, trainee);
    const prefix = { attention: 'prefix', shift: 1 } as const;
    await expect(logLikelihoods(engine, trainee, rows, prefix, 1)).rejects.toThrow(
      /gives texts no likelihood/,
    );
  });
});

describe('minimal pairs', () => {
  const blimp = [
    '{"sentence_good": "Who should Derek hug?", "sentence_bad": "Who should Derek hug Richard?", "UID": "wh"}',
    '',
    '{"sentence_good": "a", "sentence_bad": "b", "UID": "ab", "field": "syntax"}',
  ].join('\n');

  test('are read as BLiMP writes them, and from columns', () => {
    expect(parsePairs(blimp, 'x.jsonl')).toEqual([
      { good: 'Who should Derek hug?', bad: 'Who should Derek hug Richard?', group: 'wh' },
      { good: 'a', bad: 'b', group: 'ab' },
    ]);
    const pairs = [{ good: 'a b', bad: 'b a', group: undefined }];
    expect(parsePairs('sentence_good\tsentence_bad\na b\tb a\n', 'x.tsv')).toEqual(pairs);
    expect(parsePairs('a b\tb a', 'x.TSV')).toEqual(pairs);
  });

  test.each([
    [
      'x.jsonl',
      `${blimp}\n{"sentence_good": "a"}`,
      /x\.jsonl, line 4: sentence_bad: .*Write \{"sentence_good"/,
    ],
    ['x.jsonl', 'no json', /x\.jsonl, line 1: /],
    ['x.tsv', 'a\tb\nalone', /x\.tsv, line 2: sentence_bad: .*a tab/],
    ['x.tsv', '\n', /x\.tsv holds no pair/],
  ])('in %s that are wrong are named by their line', (source, text, message) => {
    expect(() => parsePairs(text, source)).toThrow(message);
  });

  test('pass where the good sentence scores higher; ties count half', () => {
    const { accuracy, interval, pairs } = scorePairs([1, 2, 3, 4, 0, 5, 3, 3], [0, 1, 2, 3]);
    expect({ accuracy, pairs }).toEqual({ accuracy: (1 + 0 + 0.5 + 1) / 4, pairs: 4 });
    expect(interval[0]).toBeLessThan(accuracy);
    expect(interval[1]).toBeGreaterThan(accuracy);
    // Wilson's interval for 8 of 10, as tables have it.
    const eight = scorePairs(
      [...new Array(8).fill(1), 0, 0, ...new Array(10).fill(0.5)],
      [...new Array(10).keys()],
    );
    expect(eight.interval[0]).toBeCloseTo(0.4902, 4);
    expect(eight.interval[1]).toBeCloseTo(0.9433, 4);
    expect([...pairGroups(parsePairs(blimp, 'x'))]).toEqual([
      ['wh', [0]],
      ['ab', [1]],
    ]);
  });

  test('have two trivial bars: the shorter sentence, and the more frequent words', async () => {
    const model = await smallModel(engine);
    const { tokenizer } = model;
    const rows = textRows(['the cat', 'cat the the'], tokenizer, languageModel(model.config, model.model));
    expect([...lengthScores(rows)]).toEqual([-4, -5]);
    const train = buildDataset([smallCorpus], tokenizer, { seqLen: 40 });
    const [two, three] = unigramScores(rows, train);
    // `the` stands four times in the corpus, `cat` once; each token counts once more than it does.
    const ordinary = tokenizer.vocabSize - tokenizer.specialIds.size;
    const total = train.tokens + ordinary;
    expect(two).toBeCloseTo(Math.log((5 * 2) / total ** 2), 10);
    expect(three).toBeCloseTo(Math.log((5 * 5 * 2) / total ** 3), 10);
  });
});
