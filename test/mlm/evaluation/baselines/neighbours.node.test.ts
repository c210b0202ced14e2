import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { batches } from '../../../../src/mlm/data/batch.ts';
import { splitCorpus } from '../../../../src/mlm/data/corpus.ts';
import { buildDataset } from '../../../../src/mlm/data/dataset.ts';
import { countBaselines } from '../../../../src/mlm/evaluation/baselines/neighbours.ts';
import { pureMask } from '../../../../src/mlm/masking/index.ts';
import { maskedCorruption, masks } from '../../../../src/mlm/objectives/maskedLanguageModel.ts';
import { characterTokenizer } from '../../vocabulary.ts';

const shared = process.env.CLOZE_SHARED ?? fileURLToPath(new URL('../../../../../shared', import.meta.url));
const path = `${shared}/data/tinyshakespeare/input.txt`;
const missing = !existsSync(path) && !process.env.CI;
if (missing) console.log(`tinyshakespeare is skipped: there is no ${path}`);

describe.skipIf(missing)('tinyshakespeare by characters', () => {
  test('the usual split, and the bar that counting sets at 15 %', () => {
    const text = readFileSync(path, 'utf8');
    const { train, validation } = splitCorpus([text], { by: 'contiguous' });
    expect([train[0].length, validation[0].length]).toEqual([1_003_854, 111_540]);
    expect(train[0] + validation[0]).toBe(text);

    const tokenizer = characterTokenizer([...new Set(text)].sort().join(''));
    expect(tokenizer.vocabSize).toBe(65 + 5);
    const rows = { seqLen: 512, specialTokens: false, rows: 'contiguous' } as const;
    const held = buildDataset(validation, tokenizer, rows);
    expect(held.tokens).toBe(111_540);
    const masking = { rate: 0.15, replace: pureMask, selection: 'bernoulli' } as const;
    const masked = batches(held, {
      batchSize: 16,
      seed: 0,
      corruption: maskedCorruption(masks(masking, held.vocabulary)),
    });
    const { unigram, neighbours, count } = countBaselines(buildDataset(train, tokenizer, rows), masked);
    expect(count).toBeGreaterThan(16_000);
    expect(unigram.loss).toBeCloseTo(3.347, 1);
    expect(unigram.accuracy).toBeCloseTo(0.149, 1);
    expect(Math.abs(neighbours.loss - 1.033)).toBeLessThan(0.05);
    expect(Math.abs(neighbours.accuracy - 0.737)).toBeLessThan(0.02);
  });
});
