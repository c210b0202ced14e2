import { describe, expect, test } from 'vitest';
import { stories, story, storyPrompts } from '../../../src/mlm/data/stories.ts';

const tales = stories({ count: 20_000, seed: 7 });

describe('stories', () => {
  test('more than 99 % of 20,000 stories are distinct', () => {
    expect(new Set(tales).size).toBeGreaterThan(19_800);
  });

  test('a story has three to seven sentences and no hole in it', () => {
    for (const tale of tales) {
      const sentences = tale.match(/[.!?]"?(?= ["A-Z]|$)/g)?.length ?? 0;
      expect(sentences).toBeGreaterThanOrEqual(3);
      expect(sentences).toBeLessThanOrEqual(7);
      expect(tale).toMatch(/^["A-Z][A-Za-z0-9 ,.!?"':]*[.!"]$/);
      expect(tale).not.toMatch(/undefined| {2}|\ba [aeiou]|\bno [a-z]+s\b/);
    }
  });

  test('the language has 400 to 900 words, each of them used more than once', () => {
    const counts = new Map<string, number>();
    for (const tale of tales) {
      for (const word of tale.toLowerCase().match(/[a-z]+/g) ?? [])
        counts.set(word, (counts.get(word) ?? 0) + 1);
    }
    expect(counts.size).toBeGreaterThan(400);
    expect(counts.size).toBeLessThan(900);
    expect(Math.min(...counts.values())).toBeGreaterThan(1);
  });

  test('a story is a function of seed and index; seed 0 is a seed like any other', () => {
    expect(story(7, 123)).toBe(tales[123]);
    expect(stories({ count: 10, seed: 7 })).toEqual(tales.slice(0, 10));
    expect(stories({ count: 10, seed: 0 })).toEqual(stories({ count: 10, seed: 0 }));
    expect(stories({ count: 10, seed: 0 })).not.toEqual(stories({ count: 10, seed: 1 }));
  });

  test('sums and differences are right', () => {
    const numbers = 'no one two three four five six seven eight nine ten eleven twelve'.split(' ');
    let seen = 0;
    for (const tale of tales) {
      const sum = /(\w+) (and|less) (\w+) (?:are|is|makes?) (\w+)/.exec(tale);
      const [x, y, result] = sum ? [1, 3, 4].map((part) => numbers.indexOf(sum[part].toLowerCase())) : [];
      if (!sum || x < 0 || y < 0) continue;
      expect(result).toBe(sum[2] === 'and' ? x + y : x - y);
      seen++;
    }
    expect(seen).toBeGreaterThan(1000);
  });

  test('a pronoun of an owner agrees with the owner', () => {
    for (const tale of tales) {
      expect(tale).not.toMatch(/\b(Anna|Lily|Mia|Nora) could not find his\b/);
      expect(tale).not.toMatch(/\b(Tom|Ben|Max|Leo) could not find her\b/);
    }
  });
});

describe('storyPrompts', () => {
  test('there are at least five, each with one blank and one word for it', () => {
    expect(storyPrompts().length).toBeGreaterThanOrEqual(5);
    for (const { text, answer } of storyPrompts()) {
      expect(text.split('[MASK]')).toHaveLength(2);
      expect(answer).toMatch(/^[A-Za-z]+$/);
    }
  });

  test('no story tells the sentence that a prompt asks for', () => {
    const corpus = [tales, stories({ count: 20_000, seed: 0 }), stories({ count: 20_000, seed: 1 })]
      .flat()
      .join('\n');
    for (const { text, answer } of storyPrompts()) {
      const blank = text.split(/(?<=\.) /).find((sentence) => sentence.includes('[MASK]'));
      expect(corpus).not.toContain(blank?.replace('[MASK]', answer));
    }
  });

  test('the words of the prompts are words of the stories', () => {
    const known = new Set(tales.join(' ').match(/[A-Za-z]+/g));
    for (const { text, answer } of storyPrompts()) {
      for (const word of text.replace('[MASK]', answer).match(/[A-Za-z]+/g) ?? [])
        expect(known).toContain(word);
    }
  });
});
