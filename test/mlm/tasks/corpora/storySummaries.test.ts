import { expect, test } from 'vitest';
import { Random } from '../../../../src/kernels/random.ts';
import { scenes } from '../../../../src/mlm/data/stories/scenes.ts';
import { drawCast } from '../../../../src/mlm/data/stories/telling.ts';
import { storySummary } from '../../../../src/mlm/tasks/corpora/storySummaries.ts';

test('a gist says nothing that its scene does not tell, but in the words of a summary', () => {
  const frame = new Set('a an the now is was of and it got has had because hungry back came'.split(' '));
  const stem = (word: string) => word.replace(/s$/, '');
  for (const [number, scene] of scenes.entries()) {
    for (let index = 0; index < 50; index++) {
      const { gist, sentences } = scene(drawCast(new Random(number, 0, index)));
      expect(gist).toMatch(/^[A-Z][A-Za-z ,]*\.$/);
      expect(gist).not.toMatch(/undefined| {2}|\ba [aeiou]/);
      const told = new Set(
        (
          sentences
            .join(' ')
            .toLowerCase()
            .match(/[a-z]+/g) ?? []
        ).map(stem),
      );
      const strange = (gist.toLowerCase().match(/[a-z]+/g) ?? []).filter(
        (word) => !frame.has(word) && !told.has(stem(word)),
      );
      expect(strange.length, gist).toBeLessThanOrEqual(2);
    }
  }
});

test('a story has two scenes with people of their own, and its summary a sentence for each', () => {
  for (let index = 0; index < 500; index++) {
    const { text, summary } = storySummary(1, index);
    expect(summary.match(/[.](?= |$)/g)).toHaveLength(2);
    const names = summary.match(/\b[A-Z][a-z]+\b/g) ?? [];
    for (const name of names.filter((name) => !['The', 'A'].includes(name))) expect(text).toContain(name);
    expect(text).not.toContain(summary);
  }
  expect(storySummary(1, 3)).toEqual(storySummary(1, 3));
  expect(storySummary(2, 3)).not.toEqual(storySummary(1, 3));
});
