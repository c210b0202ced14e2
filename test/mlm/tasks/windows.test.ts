import { expect, test } from 'vitest';
import { bestWindows, candidatesIn, windowsOf } from '../../../src/mlm/tasks/windows.ts';
import { trainTokenizer } from '../../../src/mlm/tokenizer/index.ts';

const context = 'one two three four five six seven eight nine ten';
const tokenizer = await trainTokenizer({ kind: 'wordpiece', corpus: [`${context} who`], vocabSize: 200 });

test('a long context is read in windows that overlap, and the answer is asked where it is whole', () => {
  const pair = context.repeat(3).replaceAll('tenone', 'ten one');
  const start = pair.indexOf('nine ten one');
  const example = { text: 'who', pair, labels: ['nine ten one'], starts: [start] };
  const { windows, spans } = windowsOf(example, 5, { tokenizer, T: 16, docStride: 128 });
  const tokens = spans.length;
  const covered = new Set(
    windows.flatMap(({ start, length }) => Array.from({ length }, (_, i) => start + i)),
  );
  expect(covered.size).toBe(tokens);
  expect(windows.length).toBeGreaterThan(2);
  let whole = 0;
  for (const { example, inputIds, offset, answer, start, length } of windows) {
    expect(example).toBe(5);
    expect(inputIds.length).toBe(offset + length + 1);
    expect(inputIds.length).toBeLessThanOrEqual(16);
    const [first, last] = answer.map((place) => spans[place - offset + start]);
    if (answer[0] === 0) expect(answer).toEqual([0, 0]);
    else {
      whole++;
      expect(pair.slice(first[0], last[1])).toBe('nine ten one');
    }
  }
  expect(whole).toBeGreaterThan(0);
});

test('a token starts an answer in the window where it has most context', () => {
  // Devlin et al.'s own example: of "the man went to the | to the store and bought | and bought a gallon of", "bought" belongs to the third.
  const windows = [
    { start: 0, length: 5 },
    { start: 3, length: 5 },
    { start: 6, length: 5 },
  ];
  expect([...bestWindows(windows, 11)]).toEqual([0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 2]);
});

test('answers end where or after they begin, in the context, and are not too long', () => {
  const window = { offset: 2, start: 10, length: 4 };
  // Of 8 places, the highest logits lie on [CLS] and on the end, which are no context.
  const logits = new Float32Array(16).fill(-1);
  logits.set([9, 9], 0);
  logits.set([9, 9], 14);
  logits[2 * 3] = 5; // token 11 as a start
  logits[2 * 5 + 1] = 4; // token 13 as an end
  logits[2 * 2 + 1] = 6; // token 10 as an end: before the start
  const best = (options = {}) =>
    candidatesIn(window, logits, (token) => token !== 10, options).sort((a, b) => b.score - a.score)[0];
  expect(best()).toEqual({ first: 11, last: 13, score: 9 });
  expect(best({ maxAnswerLength: 2 })).toEqual({ first: 11, last: 11, score: 4 });
  expect(candidatesIn(window, logits, () => true).length).toBe(10);
});
