import { expect, test } from 'vitest';
import { bookingTurn, officeReply } from '../../../../src/mlm/tasks/corpora/bookings.ts';
import { readAnswer, writeAnswer } from '../../../../src/mlm/tasks/dialogueAnswer.ts';

const turns = Array.from({ length: 2000 }, (_, index) => bookingTurn(3, index));

test('a turn is a function of seed and index, and few are alike', () => {
  expect(bookingTurn(3, 17)).toEqual(turns[17]);
  expect(bookingTurn(4, 17)).not.toEqual(turns[17]);
  expect(new Set(turns.map(({ text }) => text)).size).toBeGreaterThan(1600);
});

test('every value of a slot was said, later than the value that it replaces', () => {
  for (const { text, slots } of turns) {
    expect(text).toMatch(/^User: .*[.]$/);
    for (const [name, value] of Object.entries(slots)) {
      if (name === 'domain') continue;
      const said = text.lastIndexOf(value);
      expect(said).toBeGreaterThanOrEqual(0);
      // What the user took back stands before what holds instead.
      expect(text.slice(said)).not.toMatch(new RegExp(`^${value}[^.]* but`));
    }
  }
});

test('the reply follows from the slots: the next question, or all of them', () => {
  const replies = new Set(turns.map(({ response }) => response));
  expect([...replies].filter((reply) => reply.endsWith('?')).length).toBe(7);
  for (const { slots, response } of turns) {
    expect(officeReply(slots)).toBe(response);
    if (response.endsWith('?')) continue;
    for (const [name, value] of Object.entries(slots))
      if (name !== 'domain') expect(response).toContain(value);
  }
  expect(() => officeReply({ domain: 'circus' })).toThrow(/no domain circus/);
});

test('an answer is the same when it is read back, and anything else is read as far as it goes', () => {
  for (const { slots, response } of turns)
    expect(readAnswer(writeAnswer({ slots, response }))).toEqual({ slots, response });
  expect(readAnswer('Hello there.')).toEqual({ slots: {}, response: 'Hello there.' });
  expect(readAnswer('day = Monday; time | When?')).toEqual({ slots: { day: 'Monday' }, response: 'When?' });
});
