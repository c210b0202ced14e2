import { describe, expect, test } from 'vitest';
import { type Disturbance, disturb, disturbances } from '../../../../src/mlm/tasks/reports/disturbance.ts';

const text = 'It was the best of times, it was the worst of times; 1859 years after.';
const key = { seed: 5, index: 3 };
const of = (kind: Disturbance, rate: number, own = text, index = 3) =>
  disturb({ text: own, labels: ['x'] }, kind, rate, { seed: 5, index }).text;

describe('disturbed texts', () => {
  test.each(disturbances)('by %s at rate 0 are as they were, and a function of seed and place', (kind) => {
    expect(of(kind, 0)).toBe(text);
    expect(of(kind, 0.3)).toBe(of(kind, 0.3));
    expect(of(kind, 0.3)).not.toBe(of(kind, 0.3, text, 4));
    expect(of(kind, 0.3)).not.toBe(text);
  });

  test('change the case of about as many letters as the rate says, and of more at a higher rate', () => {
    const long = text.repeat(50);
    const hit = (rate: number) => [...of('case', rate, long)].map((letter, i) => letter !== long[i]);
    const letters = [...long].filter((letter) => /[a-z]/i.test(letter)).length;
    const [low, high] = [hit(0.1), hit(0.4)];
    const share = (hits: boolean[]) => hits.filter(Boolean).length / letters;
    expect(share(low)).toBeGreaterThan(0.08);
    expect(share(low)).toBeLessThan(0.12);
    expect(share(high)).toBeGreaterThan(0.37);
    expect(low.every((one, i) => !one || high[i])).toBe(true);
    expect(of('case', 1)).toBe(
      [...text]
        .map((letter) => (letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase()))
        .join(''),
    );
  });

  test('mistype letters and leave digits, marks and blanks alone', () => {
    const made = of('typos', 1);
    expect(made).toContain('1859');
    expect(made.split(' ')).toHaveLength(text.split(' ').length);
    expect(of('typos', 0.1).length).toBeGreaterThan(text.length - 8);
  });

  test('swap neighbours, and lose no word', () => {
    const made = of('swaps', 0.5);
    expect(made.split(' ').sort()).toEqual(text.split(' ').sort());
    expect(made).not.toBe(text);
    expect(of('swaps', 1, 'a b c d')).toBe('b a d c');
  });

  test('keep the marks of nominals where they are', () => {
    const marked = 'The <e1>company</e1> fabricates plastic <e2>chairs</e2> now and then';
    for (const kind of disturbances) {
      const made = of(kind, 0.9, marked);
      expect(made.match(/<\/?e[12]>/g)).toEqual(['<e1>', '</e1>', '<e2>', '</e2>']);
    }
  });

  test('carry the labels of words along', () => {
    const words = ['Anna', 'saw', 'a', 'dog'];
    const labels = ['B-person', 'O', 'O', 'O'];
    const made = disturb({ text: words.join(' '), words, labels }, 'swaps', 1, key);
    expect(made.words).toEqual(['saw', 'Anna', 'dog', 'a']);
    expect(made.labels).toEqual(['O', 'B-person', 'O', 'O']);
    const typed = disturb({ text: words.join(' '), words, labels }, 'typos', 1, key);
    expect(typed.words).toHaveLength(4);
    expect(typed.words?.every((word) => word !== '')).toBe(true);
    expect(typed.labels).toEqual(labels);
  });
});
