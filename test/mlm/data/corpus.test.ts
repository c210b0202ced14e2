import { describe, expect, test } from 'vitest';
import { builtInCorpus, splitCorpus, splitDocuments } from '../../../src/mlm/data/corpus.ts';

describe('splitDocuments', () => {
  const text = 'One line\r\nand another\r\n \t\r\n\r\nA second block \rwith a line\n\n';

  test('by paragraph, line and file', () => {
    expect(splitDocuments(text, 'paragraph')).toEqual([
      'One line\nand another',
      'A second block \nwith a line',
    ]);
    expect(splitDocuments(text, 'line')).toEqual([
      'One line',
      'and another',
      'A second block',
      'with a line',
    ]);
    expect(splitDocuments('a\r\n\r\nb\n', 'file')).toEqual(['a\n\nb\n']);
  });

  test.each(['paragraph', 'line', 'file'] as const)('by %s, nothing is no document', (kind) => {
    expect(splitDocuments('', kind)).toEqual([]);
  });
});

describe('splitCorpus', () => {
  const documents = Array.from({ length: 200 }, (_, i) => `document ${i}`);

  test('parts the documents: all of them, none twice, the share asked for', () => {
    const { train, validation } = splitCorpus(documents, { fraction: 0.25, seed: 0 });
    expect(validation).toHaveLength(50);
    const number = (document: string) => Number(document.split(' ')[1]);
    expect([...train, ...validation].sort((a, b) => number(a) - number(b))).toEqual(documents);
    expect(train).toEqual([...train].sort((a, b) => number(a) - number(b)));
  });

  test('is a function of the seed, 0 included', () => {
    expect(splitCorpus(documents, { seed: 0 })).toEqual(splitCorpus(documents));
    expect(splitCorpus(documents, { seed: 1 })).not.toEqual(splitCorpus(documents, { seed: 0 }));
  });

  test('contiguous: the first part for training, the document in between cut in two', () => {
    const { train, validation } = splitCorpus(['abcd', 'efgh', 'ij'], { fraction: 0.4, by: 'contiguous' });
    expect(train).toEqual(['abcd', 'ef']);
    expect(validation).toEqual(['gh', 'ij']);
    const emoji = splitCorpus(['abcdefgh\u{1F600}'], { fraction: 0.1, by: 'contiguous' });
    expect(emoji).toEqual({ train: ['abcdefgh'], validation: ['\u{1F600}'] });
  });

  test('what cannot be split is an error', () => {
    expect(() => splitCorpus(['only one'])).toThrow('A corpus of 1 document(s) cannot be split');
    expect(() => splitCorpus(documents, { fraction: 1 })).toThrow('The validation share is 1');
  });
});

describe('builtInCorpus', () => {
  test('knows the stories and the synthetic languages by name', () => {
    const tales = builtInCorpus('stories', { count: 3, seed: 5 });
    expect(tales?.documents).toHaveLength(3);
    expect(tales?.language).toBeUndefined();
    const clock = builtInCorpus('synthetic:clock', { count: 2 });
    expect(clock?.documents.map((text) => text.length)).toEqual([64, 64]);
    expect(clock?.language?.floor(0.15)).toBeCloseTo(0.5519, 4);
    expect(builtInCorpus('synthetic:copy', { count: 1 })?.language?.name).toBe('copy');
    expect(builtInCorpus('stories.txt')).toBeUndefined();
    expect(() => builtInCorpus('synthetic:tower')).toThrow('There is no synthetic language "tower"');
  });
});
