import { describe, expect, test } from 'vitest';
import { batches } from '../../../src/mlm/data/batch.ts';
import { buildDataset } from '../../../src/mlm/data/dataset.ts';
import {
  clock,
  clockEntropyRate,
  copy,
  exactLoss,
  floorOnBatches,
  syntheticLanguage,
} from '../../../src/mlm/data/synthetic.ts';
import { bertReplacement, pureMask } from '../../../src/mlm/masking/index.ts';
import { maskedCorruption, masks } from '../../../src/mlm/objectives/maskedLanguageModel.ts';
import { characterTokenizer } from '../vocabulary.ts';

const symbolsOf = (alphabet: string, text: string) => Array.from(text, (c) => alphabet.indexOf(c));

describe('clock', () => {
  const language = clock();

  test.each([
    [0, 0.4873, 0.7444],
    [0.15, 0.5519, 0.7363],
    [0.3, 0.6384, 0.7187],
    [0.4, 0.7146, 0.7004],
    [0.5, 0.8131, 0.675],
    [0.8, 1.4091, 0.5091],
    [1, 2.7726, 1 / 16],
  ])('at rate %f the floor is %f nats and the best accuracy %f', (rate, nats, accuracy) => {
    expect(language.floor(rate)).toBeCloseTo(nats, 4);
    expect(language.accuracy(rate)).toBeCloseTo(accuracy, 4);
  });

  test('the floor integrated over the rate is the entropy rate of the chain', () => {
    expect(clockEntropyRate).toBeCloseTo(1.0153, 4);
    const intervals = 128;
    let integral = 0;
    for (let i = 0; i <= intervals; i++) {
      const weight = i === 0 || i === intervals ? 1 : i % 2 === 1 ? 4 : 2;
      integral += (weight * language.floor(i / intervals)) / (3 * intervals);
    }
    expect(integral).toBeCloseTo(clockEntropyRate, 6);
  });

  test('documents have the frequencies of the chain', () => {
    const moves = new Float64Array(16);
    for (const text of language.documents({ count: 2000, seed: 0 })) {
      const symbols = symbolsOf(language.alphabet, text);
      expect(symbols).toHaveLength(64);
      for (let i = 1; i < symbols.length; i++) moves[(symbols[i] - symbols[i - 1] + 16) % 16]++;
    }
    const total = 2000 * 63;
    expect(moves[1] / total).toBeCloseTo(0.7 + 0.1 / 16, 2);
    expect(moves[3] / total).toBeCloseTo(0.2 + 0.1 / 16, 2);
    expect(moves[9] / total).toBeCloseTo(0.1 / 16, 2);
  });

  test('forward–backward gives what enumeration gives', () => {
    const move = (from: number, to: number) => {
      const d = (to - from + 16) % 16;
      return 0.1 / 16 + (d === 1 ? 0.7 : d === 3 ? 0.2 : 0);
    };
    const symbols = [5, 6, 9, 10];
    const [p0, p2] = language.posteriors(symbols, [0, 2]);
    const first = new Float64Array(16);
    const third = new Float64Array(16);
    let total = 0;
    for (let x = 0; x < 16; x++) {
      for (let y = 0; y < 16; y++) {
        const joint = (move(x, 6) * move(6, y) * move(y, 10)) / 16;
        first[x] += joint;
        third[y] += joint;
        total += joint;
      }
    }
    for (let x = 0; x < 16; x++) {
      expect(p0[x]).toBeCloseTo(first[x] / total, 12);
      expect(p2[x]).toBeCloseTo(third[x] / total, 12);
    }
    const unknown = language.posteriors(symbols, [0, 1, 2, 3]);
    for (const p of unknown) expect(Math.max(...p)).toBeCloseTo(1 / 16, 12);
  });
});

describe('copy', () => {
  const language = copy();

  test.each([
    [0.15, 0.52, 0.855],
    [0.3, 1.04, 0.709],
    [0.5, 1.733, 0.516],
  ])('at rate %f the floor is %f nats and the best accuracy %f', (rate, nats, accuracy) => {
    expect(language.floor(rate)).toBeCloseTo(nats, 3);
    expect(language.accuracy(rate)).toBeCloseTo(accuracy, 3);
  });

  test('a twin that is visible settles the symbol, one that is masked leaves it open', () => {
    const [text] = language.documents({ count: 1, seed: 3 });
    expect(text.slice(0, 16)).toBe(text.slice(16));
    const symbols = symbolsOf(language.alphabet, text);
    expect(exactLoss(language, symbols, [3])).toMatchObject({ count: 1, loss: 0, entropy: 0, correct: 1 });
    const both = exactLoss(language, symbols, [3, 5, 19]);
    expect(both.loss).toBeCloseTo(2 * Math.log(32), 12);
    expect(both.entropy).toBeCloseTo(2 * Math.log(32), 12);
  });

  test('half a document has no exact loss', () => {
    expect(() => exactLoss(language, [1, 2, 3], [0])).toThrow('has 32 symbols, this one 3');
  });
});

describe('floorOnBatches', () => {
  test.each(['clock', 'copy'])('%s: the floor on masked batches is near the formula', (name) => {
    const language = syntheticLanguage(name);
    const tokenizer = characterTokenizer(language.alphabet);
    const documents = language.documents({ count: 1000, seed: 5 });
    const dataset = buildDataset(documents, tokenizer, { seqLen: language.length + 2 });
    const masking = { rate: 0.15, replace: pureMask, selection: 'bernoulli' } as const;
    const floor = floorOnBatches(
      language,
      batches(dataset, {
        batchSize: 32,
        seed: 0,
        corruption: maskedCorruption(masks(masking, dataset.vocabulary)),
      }),
      tokenizer,
    );
    expect(floor.count).toBeGreaterThan(4000);
    const error = 4 * Math.sqrt(2 / floor.count);
    expect(Math.abs(floor.loss - language.floor(0.15))).toBeLessThan(error);
    expect(Math.abs(floor.entropy - language.floor(0.15))).toBeLessThan(error);
    expect(Math.abs(floor.accuracy - language.accuracy(0.15))).toBeLessThan(error);
  });

  test('refuses 80/10/10, under which the floor is another one', () => {
    const language = clock();
    const tokenizer = characterTokenizer(language.alphabet);
    const dataset = buildDataset(language.documents({ count: 64, seed: 5 }), tokenizer, { seqLen: 66 });
    const masking = { rate: 0.15, replace: bertReplacement };
    const corrupted = batches(dataset, {
      batchSize: 32,
      seed: 0,
      corruption: maskedCorruption(masks(masking, dataset.vocabulary)),
    });
    expect(() => floorOnBatches(language, corrupted, tokenizer)).toThrow('the floor holds for [MASK] alone');
  });

  test('an unknown name is an error that lists the known ones', () => {
    expect(() => syntheticLanguage('toString')).toThrow('Use synthetic:clock or synthetic:copy.');
  });
});
