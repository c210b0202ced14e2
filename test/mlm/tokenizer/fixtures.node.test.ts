import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseTokenizer, parseVocabTxt } from '../../../src/mlm/tokenizer/index.ts';

const shared = process.env.CLOZE_SHARED ?? resolve(import.meta.dirname, '../../../../shared');
const missing = !existsSync(join(shared, 'fixtures/tokenizer'));
if (missing && process.env.CI) throw new Error(`The fixtures are missing: no ${shared}/fixtures/tokenizer`);
if (missing) console.log(`Skipped: no ${shared}/fixtures/tokenizer`);

const text = (path: string): string => readFileSync(join(shared, path), 'utf8');
const json = (path: string) => JSON.parse(text(path));

interface Plain {
  text: string;
  tokens: string[];
  ids: number[];
}

interface Padded {
  text: string;
  pair: string | null;
  max_length: number;
  input_ids: number[];
  token_type_ids: number[];
  attention_mask: number[];
}

describe.skipIf(missing).each(['vocab.txt', 'tokenizer.json'])('bert-base-uncased from %s', (file) => {
  const folder = 'data/tokenizers/bert-base-uncased';
  const read = () =>
    file === 'vocab.txt'
      ? parseVocabTxt(text(`${folder}/${file}`))
      : parseTokenizer(json(`${folder}/${file}`));
  const fixture: { plain: Plain[]; special: Plain[]; encodings: Padded[] } = missing
    ? { plain: [], special: [], encodings: [] }
    : json('fixtures/tokenizer/bert-base-uncased.json');

  test('gives the tokens and ids of every text', () => {
    const tokenizer = read();
    expect(fixture.plain.length).toBeGreaterThan(50);
    for (const { text, tokens, ids } of [...fixture.plain, ...fixture.special]) {
      const encoding = tokenizer.encode(text, { addSpecialTokens: false });
      expect(encoding.tokens, text).toEqual(tokens);
      expect(encoding.ids, text).toEqual(ids);
      expect(Array.from(tokenizer.encodeToIds(text)), text).toEqual(ids);
    }
  });

  test('truncates, pairs and pads', () => {
    const tokenizer = read();
    expect(fixture.encodings.length).toBeGreaterThan(5);
    for (const { text, pair, max_length, ...want } of fixture.encodings) {
      const encoding = tokenizer.encode(text, {
        pair: pair ?? undefined,
        maxLength: max_length,
        truncation: 'longest_first',
        padding: 'max_length',
      });
      expect(encoding.ids, text).toEqual(want.input_ids);
      expect(encoding.typeIds, text).toEqual(want.token_type_ids);
      expect(encoding.attentionMask, text).toEqual(want.attention_mask);
    }
  });

  test('is written and read back as the same file', () => {
    const written = read().toJSON();
    expect(parseTokenizer(written).toJSON()).toEqual(written);
    const original = json(`${folder}/tokenizer.json`);
    expect(written).toEqual(original);
  });
});

describe.skipIf(missing)('gpt2', () => {
  const read = () => parseTokenizer(json('data/tokenizers/gpt2/tokenizer.json'));

  test('gives the ids of every text, and the text again', () => {
    const tokenizer = read();
    const { plain }: { plain: Plain[] } = json('fixtures/tokenizer/gpt2.json');
    expect(plain.length).toBeGreaterThan(50);
    for (const { text, ids } of plain) {
      expect(Array.from(tokenizer.encodeToIds(text)), text).toEqual(ids);
      expect(tokenizer.decode(ids), text).toBe(text);
    }
  });

  test('is written and read back as the same tokenizer', () => {
    const written = read().toJSON() as { model: object };
    expect(parseTokenizer(written).toJSON()).toEqual(written);
    const { vocab, merges } = json('data/tokenizers/gpt2/tokenizer.json').model;
    expect(written.model).toMatchObject({ vocab, merges });
  });
});
