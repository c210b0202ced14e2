/** The tasks whose answers are texts: what they read, what they compare with, how they score. */
import { expect, test } from 'vitest';
import { presetConfig } from '../../../src/mlm/bert/config.ts';
import { dialogue } from '../../../src/mlm/tasks/dialogue.ts';
import { divide } from '../../../src/mlm/tasks/examples.ts';
import { summarization } from '../../../src/mlm/tasks/summarization.ts';
import { scoreBaseline } from '../../../src/mlm/tasks/task.ts';
import { translation } from '../../../src/mlm/tasks/translation.ts';
import { trainTokenizer } from '../../../src/mlm/tokenizer/index.ts';

const example = (text: string, label: string) => ({ text, labels: [label] });

test('translation: the baseline copies, and the signature names the tokenization of the references', () => {
  const examples = [example('a b c d', 'a b c d'), example('e', 'f')];
  expect(translation.baseline.predict([], examples)).toEqual([['a b c d'], ['e']]);
  const { bleu, chrf } = scoreBaseline(translation, [], examples);
  // Four of five words are right, and the three pairs, two triples and one quadruple of the first text.
  expect(bleu).toBeCloseTo(0.8 ** 0.25, 12);
  expect(chrf).toBeGreaterThan(0.8);
  expect(translation.signatures?.([['你好'], ['再见']]).bleu).toContain('tok:zh');
});

test('summarization: the baseline takes as many sentences from the beginning as summaries have', () => {
  const train = [example('One. Two. Three.', 'One. Three.'), example('A b. C.', 'A. B.')];
  expect(summarization.baseline.predict(train, [example('First. Second! Third.', '')])).toEqual([
    ['First. Second!'],
  ]);
  expect(summarization.parse('{"text":"a b","summary":"a"}', 'x.jsonl')).toEqual([example('a b', 'a')]);
  expect(summarization.score([['a b'], ['c']], [['a b'], ['d']])).toMatchObject({
    rouge1: 0.5,
    exact_match: 0.5,
  });
});

test('dialogue: slots and replies are scored apart', () => {
  const [turn] = dialogue.parse(
    '{"text":"User: On Monday.","slots":{"day":"Monday"},"response":"At what time?"}',
    'x',
  );
  expect(turn).toEqual(example('User: On Monday.', 'day = Monday | At what time?'));
  const answer = 'day = Monday | At which hour is it?';
  const scores = dialogue.score([turn.labels], [[answer]]);
  expect(scores).toMatchObject({ slot_match: 1, slot_f1: 1 });
  expect(scores.bleu).toBeLessThan(0.5);
  expect(dialogue.record?.(answer)).toEqual({ slots: { day: 'Monday' }, response: 'At which hour is it?' });
  // Where there are no slots, none are scored.
  const plain = dialogue.parse('{"text":"Hi","response":"Hello"}', 'x');
  expect(
    Object.keys(
      dialogue.score(
        plain.map(({ labels }) => labels),
        [['| Hello']],
      ),
    ),
  ).toEqual(['bleu']);
});

test('generated examples do not depend on how many there are', () => {
  for (const task of [summarization, dialogue]) {
    expect(task.generate?.(5, 0)).toEqual(task.generate?.(9, 0).slice(0, 5));
    expect(task.generate?.(5, 1)).not.toEqual(task.generate?.(5, 0));
  }
});

test('targets of one text are held out together', () => {
  const examples = Array.from({ length: 40 }, (_, i) => example(`text ${i % 10}`, `target ${i}`));
  const options = { validation: 0.2, labelFraction: 1, shuffleLabels: false, seed: 0 };
  const { train, development } = divide(examples, undefined, options, translation.together);
  expect(development).toHaveLength(8);
  const held = new Set(development.map(({ text }) => text));
  expect(train.some(({ text }) => held.has(text))).toBe(false);
});

test('a row is [CLS] source [SEP] target; what is too long is cut off at its end, and the target has its room', async () => {
  const tokenizer = await trainTokenizer({ kind: 'bytes', corpus: ['-'] });
  const body = presetConfig('nano', { vocab_size: tokenizer.vocabSize, max_position_embeddings: 16 });
  const train = [example('abc', 'xy'), example('abcdefghijklmnop', 'uvwxy')];
  const config = translation.configure(body, train, tokenizer);
  expect(config.max_new_tokens).toBe(5);
  const batch = translation
    .build(config, tokenizer)
    .rows(train)
    .batch(Int32Array.of(0, 1, -1));
  const { B, T, M, attention, shift, count } = batch;
  expect({ B, T, M, attention, shift, count }).toEqual({
    B: 3,
    T: 16,
    M: 6,
    attention: 'prefix',
    shift: 1,
    count: 3 + 6,
  });
  const [cls, sep] = [tokenizer.special.cls, tokenizer.special.sep];
  const ids = (text: string) => [...tokenizer.encodeToIds(text)];
  expect([...batch.inputIds.subarray(0, 7)]).toEqual([cls, ...ids('abc'), sep, ...ids('xy')]);
  expect([...batch.inputIds.subarray(16, 32)]).toEqual([cls, ...ids('abcdefghi'), sep, ...ids('uvwxy')]);
  expect([...(batch.prefix ?? [])]).toEqual([5, 11, 0]);
  expect([...batch.labels.subarray(0, 3)]).toEqual([...ids('xy'), sep]);
  expect([...batch.maskedPositions.subarray(0, 3)]).toEqual([4, 5, 6]);
  // Half a row at most is for the target, and there must be one.
  const long = [example('a', 'x'.repeat(40))];
  expect(translation.configure(body, long, tokenizer).max_new_tokens).toBe(8);
  expect(() => translation.configure(body, [], tokenizer)).toThrow(/no text to write/);
});
