import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Engine } from '../../../src/autograd/index.ts';
import { Random } from '../../../src/kernels/random.ts';
import { presetConfig } from '../../../src/mlm/bert/config.ts';
import { BertForMaskedLM } from '../../../src/mlm/bert/heads.ts';
import { bertInput } from '../../../src/mlm/bert/input.ts';
import { beamSearch } from '../../../src/mlm/generate/beamSearch.ts';
import { continueCausally } from '../../../src/mlm/generate/causal.ts';
import { Decoding } from '../../../src/mlm/generate/decoding.ts';
import { candidates, logProbabilities, sample } from '../../../src/mlm/generate/sampling.ts';
import { unmask } from '../../../src/mlm/generate/unmask.ts';
import { materialize, type Slab } from '../../../src/nn/index.ts';
import { pValue } from '../statistics.ts';
import { characterTokenizer } from '../vocabulary.ts';

const tokenizer = characterTokenizer('abcd');
const { cls, sep, mask } = tokenizer.special;
let engine: Engine;
const models: Record<'rotary' | 'absolute', { model: BertForMaskedLM; slab: Slab }> = {} as never;
beforeAll(async () => {
  engine = await Engine.open();
  for (const kind of ['rotary', 'absolute'] as const) {
    const config = presetConfig('nano', {
      vocab_size: tokenizer.vocabSize,
      max_position_embeddings: 16,
      position_embedding_type: kind,
      norm_position: kind === 'rotary' ? 'pre' : 'post',
      // Wide first weights, so that what it says depends on what it reads.
      initializer_range: 0.6,
    });
    const model = new BertForMaskedLM(config).eval();
    models[kind] = { model, slab: materialize(model, engine, { seed: 4 }) };
  }
});
afterAll(() => engine.close());

/** Logits of every token of one row, read at once. */
async function whole(
  model: BertForMaskedLM,
  ids: readonly number[],
  prefix: number,
): Promise<Float32Array[]> {
  const logits = engine.noGrad(() =>
    engine.scope(() => {
      const input = bertInput(engine, { ids: Uint32Array.from(ids), shape: [1, ids.length] }, model.config);
      return model.forward({ ...input, mask: { prefix: engine.tensor(Uint32Array.of(prefix)) } });
    }),
  );
  const values = (await logits.data()) as Float32Array;
  return ids.map((_, t) => values.slice(t * tokenizer.vocabSize, (t + 1) * tokenizer.vocabSize));
}

const close = (got: ArrayLike<number>, want: ArrayLike<number>) => {
  for (let i = 0; i < want.length; i++) expect(Math.abs(got[i] - want[i])).toBeLessThan(2e-4);
};

describe.each(['rotary', 'absolute'] as const)('a cache, %s positions', (kind) => {
  test.each(['causal', 'prefix'] as const)(
    '%s prompts of several lengths: what a whole pass says',
    async (prompt) => {
      const { model } = models[kind];
      const rows = [
        [cls, 5, 6, sep, 7, 8, 5],
        [cls, 7, 8, 6, 5, 8],
      ];
      const prompts = [rows[0].slice(0, 4), rows[1].slice(0, 3)];
      const prefixes = prompts.map(({ length }) => (prompt === 'prefix' ? length : 0));
      const full = await Promise.all(rows.map((row, r) => whole(model, row, prefixes[r])));
      const live = engine.memory().live;
      const decoding = new Decoding(engine, model);
      const first = await decoding.start(prompts, { prompt });
      for (const r of [0, 1]) close(first[r], full[r][prompts[r].length - 1]);
      const second = await decoding.next([7, 6]);
      for (const r of [0, 1]) close(second[r], full[r][prompts[r].length]);
      // Rows change places, and one of them comes twice.
      const third = await decoding.next([5, 8, 5], Uint32Array.of(1, 0, 1));
      close(third[0], full[1][4]);
      close(third[1], full[0][5]);
      expect(third[2]).toEqual(third[0]);
      decoding.dispose();
      expect(engine.memory().live).toBe(live);
    },
  );
});

test('causal generation draws from what the model says, and ends where it says or there is no more room', async () => {
  const { model } = models.rotary;
  const options = { end: sep, temperature: 0, maxTokens: 6, forbidden: new Set([0, 1, cls, mask]) };
  const [greedy] = await continueCausally(engine, model, [[cls, 5]], options);
  const row = [cls, 5];
  for (const token of [...greedy, ...(greedy.length < 6 ? [sep] : [])]) {
    const logits = (await whole(model, row, 0))[row.length - 1];
    expect(candidates(logits, options)[0][0]).toBe(token);
    row.push(token);
  }
  const draw = (seed: number) =>
    continueCausally(engine, model, [[cls], [cls]], { end: -1, seed, temperature: 2 });
  const [one, other] = await draw(1);
  expect(one).toHaveLength(16);
  expect(one).not.toEqual(other);
  expect(await draw(1)).toEqual([one, other]);
  expect(await draw(2)).not.toEqual([one, other]);
});

/** Every target of at most `most` tokens with its log-probability, its end included where it has one. */
async function allTargets(model: BertForMaskedLM, source: readonly number[], most: number) {
  const forbidden = new Set([0, 1, cls, mask]);
  const found: { ids: number[]; score: number }[] = [];
  const visit = async (ids: number[], logProbability: number): Promise<void> => {
    const row = [cls, ...source, sep, ...ids];
    const next = logProbabilities(
      (await whole(model, row, source.length + 2)).at(-1) as Float32Array,
      forbidden,
    );
    found.push({ ids, score: (logProbability + next[sep]) / (ids.length + 1) });
    if (ids.length + 1 > most) return;
    for (let id = 5; id < 9; id++) await visit([...ids, id], logProbability + next[id]);
  };
  await visit([], 0);
  return found.sort((a, b) => b.score - a.score);
}

test('beam search with enough beams finds the best targets of all; one beam is greedy; sources share a batch', async () => {
  const { model } = models.rotary;
  const sources = [[5, 6, 7], [8]];
  const together = await beamSearch(engine, model, sources, tokenizer, { beams: 64, maxTokens: 4 });
  for (const [i, source] of sources.entries()) {
    const best = (await allTargets(model, source, 3)).slice(0, 2);
    // Among finished targets; those of four tokens are cut off, and may rank above.
    const finished = together[i].filter(({ ids }) => ids.length < 4);
    best.forEach(({ ids, score }, rank) => {
      expect(finished[rank].ids).toEqual(ids);
      expect(finished[rank].score).toBeCloseTo(score, 3);
    });
  }
  const [[greedy]] = await beamSearch(engine, model, [sources[0]], tokenizer, { beams: 1, maxTokens: 5 });
  const row = [cls, ...sources[0], sep];
  for (const token of greedy.ids) {
    const logits = (await whole(model, row, 5))[row.length - 1];
    expect(candidates(logits, { temperature: 0, forbidden: new Set([0, 1, cls, mask]) })[0][0]).toBe(token);
    row.push(token);
  }
  expect(greedy.ids.length).toBeLessThanOrEqual(5);
  await expect(beamSearch(engine, model, [new Array(16).fill(5)], tokenizer)).rejects.toThrow(
    'reads at most 16',
  );
});

test('unmasking fills every blank and changes nothing else, by each sampler', async () => {
  const { model } = models.rotary;
  const row = Uint32Array.of(cls, 5, mask, mask, 6, mask, mask, mask, mask, sep);
  for (const options of [
    {},
    { steps: 3 },
    { steps: 2, sampler: 'confidence' },
    { sampler: 'random', blockLength: 2 },
    { sampler: 'confidence', temperature: 0, steps: 100 },
  ] as const) {
    const fill = () => unmask(engine, model, [row, row], tokenizer, { ...options, seed: 3 });
    const filled = await fill();
    for (const ids of filled) {
      ids.forEach((id, at) => {
        if (row[at] === mask) expect(id).toBeGreaterThanOrEqual(5);
        else expect(id).toBe(row[at]);
      });
    }
    expect(await fill()).toEqual(filled);
  }
  const none = Uint32Array.of(cls, 5, sep);
  expect(await unmask(engine, model, [none], tokenizer)).toEqual([none]);
});

describe('sampling', () => {
  const logits = [Math.log(0.5), Math.log(0.3), Math.log(0.15), Math.log(0.05)];
  const shares = (options: object) =>
    candidates(logits, options).map(([id, p]) => [id, Math.round(1000 * p) / 1000]);

  test('keeps the likeliest k, or as many as have the probability p', () => {
    expect(shares({})).toEqual([
      [0, 0.5],
      [1, 0.3],
      [2, 0.15],
      [3, 0.05],
    ]);
    expect(shares({ topK: 2 })).toEqual([
      [0, 0.625],
      [1, 0.375],
    ]);
    expect(shares({ topP: 0.79 })).toEqual([
      [0, 0.625],
      [1, 0.375],
    ]);
    expect(shares({ topP: 0.2 })).toEqual([[0, 1]]);
    expect(shares({ temperature: 0 })).toEqual([[0, 1]]);
    expect(shares({ temperature: 0.5, topK: 2 })).toEqual([
      [0, 0.735],
      [1, 0.265],
    ]);
    expect(shares({ forbidden: new Set([0, 3]) })).toEqual([
      [1, 0.667],
      [2, 0.333],
    ]);
  });

  test('draws by these probabilities', () => {
    const random = new Random(1);
    const counts = [0, 0, 0, 0];
    for (let i = 0; i < 20_000; i++) counts[sample(logits, {}, random).token]++;
    expect(pValue(counts, [0.5, 0.3, 0.15, 0.05])).toBeGreaterThan(0.001);
  });
});
