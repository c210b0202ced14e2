import { describe, expect, test } from 'vitest';
import { type Batch, batches } from '../../../../src/mlm/data/batch.ts';
import { buildDataset } from '../../../../src/mlm/data/dataset.ts';
import { clock, copy, floorOnBatches } from '../../../../src/mlm/data/synthetic.ts';
import { countBaselines } from '../../../../src/mlm/evaluation/baselines/neighbours.ts';
import { pureMask } from '../../../../src/mlm/masking/index.ts';
import { maskedCorruption, masks } from '../../../../src/mlm/objectives/maskedLanguageModel.ts';
import { characterTokenizer } from '../../vocabulary.ts';

/** A batch of one row in which the characters at `hidden` are masked. */
function question(text: string, hidden: readonly number[], tokenizer = characterTokenizer('abc')): Batch {
  const truth = Uint32Array.from(tokenizer.encodeToIds(text));
  return {
    B: 1,
    T: truth.length,
    M: hidden.length,
    inputIds: truth.map((id, at) => (hidden.includes(at) ? tokenizer.special.mask : id)),
    attentionMask: truth.map(() => 1),
    maskedPositions: Uint32Array.from(hidden),
    labels: Int32Array.from(hidden, (at) => truth[at]),
    count: hidden.length,
    attention: 'bidirectional',
    shift: 0,
    normalizer: hidden.length,
    tokens: truth.length,
    rows: Int32Array.of(0),
  };
}

describe('countBaselines', () => {
  const train = buildDataset(['abcab', 'ac'], characterTokenizer('abc'), { seqLen: 5, specialTokens: false });

  test('is what the formula gives by hand', () => {
    // Unigram: a 3, b 2, c 2 of 7, three distinct, over the uniform 1/3.
    const [a, b, c] = [3, 2, 2].map((n) => (n + 3 / 3) / (7 + 3));
    // After an a: b twice, c once. Between a and c: b once.
    const after = [0, 2, 1].map((n, x) => (n + 2 * [a, b, c][x]) / (3 + 2));
    const between = [0, 1, 0].map((n, x) => (n + after[x]) / (1 + 1));
    const { unigram, neighbours, count } = countBaselines(train, [question('abc', [1])], { window: 1 });
    expect(count).toBe(1);
    const of = (p: number) => ({ loss: expect.closeTo(-Math.log(p), 12), confidence: expect.closeTo(p, 12) });
    expect(unigram).toEqual({ ...of(b), accuracy: 0 });
    expect(neighbours).toEqual({ ...of(between[1]), accuracy: 1 });
  });

  test('a masked neighbour is not looked at; without any, the unigram is left', () => {
    const both = countBaselines(train, [question('bc', [0, 1])]);
    expect(both.neighbours).toEqual(both.unigram);
    expect(both.count).toBe(2);
  });

  test('special tokens are contexts, never answers', () => {
    const tokenizer = characterTokenizer('ab');
    const starts = buildDataset(['ab', 'ab', 'ab', 'ba'], tokenizer, { seqLen: 4 });
    const masking = { rate: 0.001, replace: pureMask };
    const scored = countBaselines(
      starts,
      batches(starts, {
        batchSize: 4,
        seed: 0,
        corruption: maskedCorruption(masks(masking, starts.vocabulary)),
      }),
    );
    expect(scored.neighbours.accuracy).toBe(1);
    expect(scored.unigram.loss).toBeCloseTo(Math.log(2), 12);
  });
});

describe('on a language with a known floor', () => {
  test.each(['token', 'bernoulli'] as const)(
    'clock, %s: neighbours come near the floor, never below',
    (selection) => {
      const language = clock();
      const tokenizer = characterTokenizer(language.alphabet);
      const options = { seqLen: 66 };
      const train = buildDataset(language.documents({ count: 4000, seed: 1 }), tokenizer, options);
      const held = buildDataset(language.documents({ count: 300, seed: 2 }), tokenizer, options);
      const masking = { rate: 0.15, replace: pureMask, selection };
      const masked = [
        ...batches(held, {
          batchSize: 50,
          seed: 0,
          corruption: maskedCorruption(masks(masking, held.vocabulary)),
        }),
      ];
      const floor = floorOnBatches(language, masked, tokenizer);
      const { unigram, neighbours } = countBaselines(train, masked, { window: 2 });
      expect(unigram.loss).toBeCloseTo(Math.log(16), 2);
      expect(neighbours.loss).toBeGreaterThan(floor.loss);
      expect(neighbours.loss).toBeLessThan(1.12 * floor.loss);
      expect(neighbours.accuracy).toBeGreaterThan(floor.accuracy - 0.02);
    },
  );

  test('copy: neighbours know nothing, and training noise is no knowledge either', () => {
    const language = copy();
    const tokenizer = characterTokenizer(language.alphabet);
    const train = buildDataset(language.documents({ count: 2000, seed: 1 }), tokenizer, { seqLen: 34 });
    const held = buildDataset(language.documents({ count: 100, seed: 2 }), tokenizer, { seqLen: 34 });
    const masked = [
      ...batches(held, {
        batchSize: 50,
        seed: 0,
        corruption: maskedCorruption(masks({ rate: 0.3 }, tokenizer)),
      }),
    ];
    const { neighbours } = countBaselines(train, masked);
    expect(neighbours.loss).toBeGreaterThan(0.99 * Math.log(32));
    expect(neighbours.accuracy).toBeLessThan(0.06);
  });
});
