import { expect, test } from 'vitest';
import type { Slots } from '../../../../src/mlm/tasks/dialogueAnswer.ts';
import { slotScores } from '../../../../src/mlm/tasks/metrics/slots.ts';

test('a turn matches when all its slots are right and none is too many', () => {
  const gold: Slots[] = [{ day: 'Monday', time: 'six' }, { day: 'Monday' }, { day: 'Monday' }, {}];
  const predicted: Slots[] = [
    { time: 'Six ', day: 'monday' },
    { day: 'Monday', time: 'six' },
    { day: 'Friday' },
    {},
  ];
  // Of 4 slots that are wanted and 5 that are named, 3 are right.
  expect(slotScores(gold, predicted)).toEqual({ slot_match: 2 / 4, slot_f1: (2 * 3) / (5 + 4) });
});

test('a value under another name is wrong', () => {
  expect(slotScores([{ from: 'Holt', to: 'Brook' }], [{ from: 'Brook', to: 'Holt' }])).toEqual({
    slot_match: 0,
    slot_f1: 0,
  });
});
