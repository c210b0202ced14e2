import { expect, test } from 'vitest';
import { Random } from '../../../src/kernels/random.ts';
import { parseTokenizer, trainTokenizer } from '../../../src/mlm/tokenizer/index.ts';
import { learnMerges } from '../../../src/mlm/tokenizer/merges.ts';

const tokensOf = (tokenizer: { vocabSize: number; idToToken(id: number): string }) =>
  Array.from({ length: tokenizer.vocabSize }, (_, id) => tokenizer.idToToken(id));

test('WordPiece: special tokens, alphabet, continuations, then merges by count, ties to the lower ids', async () => {
  // Pairs: h ##u 15, ##u ##g 20, p ##u 17, ##u ##n 16, b ##u 4, ##g ##s 5; then h ##ug 15, p ##un 12.
  const words = { hug: 10, pug: 5, pun: 12, bun: 4, hugs: 5 };
  const corpus = Object.entries(words).map(([word, count]) => `${word} `.repeat(count));
  const tokenizer = await trainTokenizer({ kind: 'wordpiece', corpus, vocabSize: 20 });
  expect(tokensOf(tokenizer).slice(5)).toEqual(
    ['b', 'g', 'h', 'n', 'p', 's', 'u', '##g', '##n', '##s', '##u'].concat(['##ug', '##un', 'hug', 'pun']),
  );
});

test('equal counts go to the pair with the lower ids', async () => {
  const tokenizer = await trainTokenizer({ kind: 'wordpiece', corpus: 'dc ba dc ba', vocabSize: 100 });
  expect(tokensOf(tokenizer).slice(5)).toEqual(['a', 'b', 'c', 'd', '##a', '##c', 'ba', 'dc']);
});

test('depends on the counts, not on the order of the texts or how they are handed over', async () => {
  const texts = 'she sells sea shells by the sea shore the shells she sells are surely sea shells'.split(' ');
  const options = { kind: 'wordpiece', vocabSize: 60 } as const;
  const reference = JSON.stringify(await trainTokenizer({ ...options, corpus: texts }));
  const shuffled = new Random(3).shuffle([...texts]);
  async function* stream() {
    yield* shuffled;
  }
  expect(JSON.stringify(await trainTokenizer({ ...options, corpus: shuffled }))).toBe(reference);
  expect(JSON.stringify(await trainTokenizer({ ...options, corpus: stream() }))).toBe(reference);
  expect(JSON.stringify(await trainTokenizer({ ...options, corpus: texts.join(' ') }))).toBe(reference);
});

test('counts kept up to date give the merges that counting anew gives', () => {
  const random = new Random(7);
  for (let round = 0; round < 20; round++) {
    const words = Array.from({ length: 30 }, () => ({
      ids: Array.from({ length: 1 + random.below(9) }, () => random.below(3)),
      count: 1 + random.below(4),
    }));
    const copy = () => words.map(({ ids, count }) => ({ ids: [...ids], count }));
    const tokens = ['a', 'b', 'c'];
    const join = (left: string, right: string) => left + right;
    const merges = learnMerges({ words: copy(), tokens, vocabSize: 25, minFrequency: 2, join });
    expect(merges).toEqual(mergesByRecounting(copy(), 25));
  }
});

/** The definition: count all pairs, merge the best, begin again. */
function mergesByRecounting(words: { ids: number[]; count: number }[], vocabSize: number): number[][] {
  const tokens = ['a', 'b', 'c'];
  const merges: number[][] = [];
  while (tokens.length < vocabSize) {
    const counts = new Map<string, number>();
    for (const { ids, count } of words) {
      for (let i = 1; i < ids.length; i++) {
        const key = `${ids[i - 1]} ${ids[i]}`;
        counts.set(key, (counts.get(key) ?? 0) + count);
      }
    }
    const ranked = [...counts].map(([key, count]) => ({ pair: key.split(' ').map(Number), count }));
    ranked.sort((x, y) => y.count - x.count || x.pair[0] - y.pair[0] || x.pair[1] - y.pair[1]);
    if (ranked.length === 0 || ranked[0].count < 2) break;
    const [left, right] = ranked[0].pair;
    merges.push([left, right]);
    const token = tokens[left] + tokens[right];
    if (!tokens.includes(token)) tokens.push(token);
    const id = tokens.indexOf(token);
    for (const word of words) {
      const merged: number[] = [];
      for (let i = 0; i < word.ids.length; i++) {
        if (word.ids[i] === left && word.ids[i + 1] === right) {
          merged.push(id);
          i++;
        } else merged.push(word.ids[i]);
      }
      word.ids = merged;
    }
  }
  return merges;
}

test('minFrequency, lowercase and limitAlphabet', async () => {
  const corpus = 'Ab Ab ab x';
  const train = (options: object) => trainTokenizer({ kind: 'wordpiece', corpus, vocabSize: 50, ...options });
  expect(tokensOf(await train({})).slice(5)).toEqual(['a', 'b', 'x', '##b', 'ab']);
  expect(tokensOf(await train({ minFrequency: 4 })).slice(5)).toEqual(['a', 'b', 'x', '##b']);
  expect(tokensOf(await train({ lowercase: false })).slice(5)).toEqual(['A', 'a', 'b', 'x', '##b', 'Ab']);
  expect(tokensOf(await train({ limitAlphabet: 2 })).slice(5)).toEqual(['a', 'b', '##b', 'ab']);
});

test('what was trained encodes its corpus without unknown tokens, and survives the file', async () => {
  const corpus = 'the keeper of the constructor said: __proto__ belongs to the prototype';
  const tokenizer = await trainTokenizer({ kind: 'wordpiece', corpus, vocabSize: 200, minFrequency: 1 });
  const ids = tokenizer.encodeToIds(corpus);
  expect(ids).not.toContain(tokenizer.special.unk);
  expect(tokenizer.tokenToId('constructor')).toBeDefined();
  const read = parseTokenizer(JSON.parse(JSON.stringify(tokenizer)));
  expect(read.toJSON()).toEqual(tokenizer.toJSON());
  expect(read.encodeToIds(corpus)).toEqual(ids);
});

test('refuses a corpus without text and a vocabulary smaller than its alphabet', async () => {
  await expect(trainTokenizer({ kind: 'wordpiece', corpus: [' \n', '\u0000'] })).rejects.toMatchObject({
    name: 'ClozeError',
    code: 'input',
  });
  await expect(trainTokenizer({ kind: 'char', corpus: [] })).rejects.toThrow('holds no text');
  await expect(trainTokenizer({ kind: 'wordpiece', corpus: 'abc', vocabSize: 9 })).rejects.toThrow(
    'A vocabulary of 9 cannot hold the 10 special tokens and characters',
  );
});

test('bytes: a token for each byte, whatever the text, and back', async () => {
  const tokenizer = await trainTokenizer({ kind: 'bytes', corpus: [] });
  expect(tokenizer.vocabSize).toBe(261);
  expect([...tokenizer.encodeToIds('aé\0')]).toEqual([0x61, 0xc3, 0xa9, 0].map((byte) => byte + 5));
  for (const text of ['né 世界 🙂\r\n', '\u0000\u200d x']) {
    expect(tokenizer.decode(tokenizer.encodeToIds(text))).toBe(text);
  }
  const again = parseTokenizer(JSON.parse(JSON.stringify(tokenizer)));
  expect(again.kind).toBe('bytes');
  expect([...again.encodeToIds('naïve <mask>')]).toEqual([...tokenizer.encodeToIds('naïve <mask>')]);
});

test.each(['wordpiece', 'bpe'] as const)('%s: a run of 300,000 letters is cut, not lost', async (kind) => {
  const tokenizer = await trainTokenizer({ kind, corpus: 'ab cd', vocabSize: 300 });
  const ids = tokenizer.encodeToIds(`ab ${'ab'.repeat(150_000)} cd`);
  expect(ids[0]).toBe(tokenizer.encodeToIds('ab')[0]);
  if (kind === 'bpe') expect(tokenizer.decode(ids)).toHaveLength(300_006);
});
