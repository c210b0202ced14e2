import { describe, expect, test } from 'vitest';
import { buildDataset, rowOf } from '../../../src/mlm/data/dataset.ts';
import { characterTokenizer } from '../vocabulary.ts';

const tokenizer = characterTokenizer('abcdefghij');
const rows = (documents: string[], options: Parameters<typeof buildDataset>[2]) => {
  const dataset = buildDataset(documents, tokenizer, options);
  return Array.from({ length: dataset.size }, (_, index) =>
    Array.from(rowOf(dataset, index), (id) =>
      id === 2 ? '<' : id === 3 ? '>' : tokenizer.idToToken(id),
    ).join(''),
  );
};

describe('buildDataset', () => {
  test('a document a row, long ones cut, empty ones left out', () => {
    expect(rows(['abc', '', 'abcdefgh', 'ij'], { seqLen: 5 })).toEqual([
      '<abc>',
      '<abc>',
      '<def>',
      '<gh>',
      '<ij>',
    ]);
    expect(rows(['abc', 'defg'], { seqLen: 3, specialTokens: false })).toEqual(['abc', 'def', 'g']);
  });

  test('contiguous rows lose nothing and repeat nothing', () => {
    const documents = ['abc', 'de', 'fghij'];
    expect(rows(documents, { seqLen: 4, specialTokens: false, rows: 'contiguous' })).toEqual([
      'abcd',
      'efgh',
      'ij',
    ]);
    expect(rows(documents, { seqLen: 6, rows: 'contiguous' })).toEqual(['<abcd>', '<efgh>', '<ij>']);
  });

  test('rows and their lengths', () => {
    const dataset = buildDataset(['ab', 'abcd'], tokenizer, { seqLen: 6 });
    expect([[...dataset.row(1)], [...dataset.row(0)]]).toEqual([
      [2, 5, 6, 7, 8, 3],
      [2, 5, 6, 3],
    ]);
    expect([...dataset.lengths]).toEqual([4, 6]);
    expect(dataset.tokens).toBe(6);
  });

  test('no text and no room are errors with a remedy', () => {
    expect(() => buildDataset([''], tokenizer, { seqLen: 5 })).toThrow('The corpus has no tokens. Give');
    expect(() => buildDataset(['a'], tokenizer, { seqLen: 2 })).toThrow('Use a length of 3 or more.');
  });
});
