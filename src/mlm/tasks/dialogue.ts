/**
 * Task-oriented dialogue: from what was said so far the model writes what the user wants, as slots, and a reply (in the manner of
 * Hosseini-Asl et al., "A Simple Language Model for Task-Oriented Dialogue", 2020). Slots are right or wrong; replies are scored by
 * BLEU.
 */
import * as v from 'valibot';
import { ClozeError } from '../../gpu/errors.ts';
import { bookingTurn } from './corpora/bookings.ts';
import { type DialogueAnswer, readAnswer, slotMarks, writeAnswer } from './dialogueAnswer.ts';
import { bleu, bleuSignature } from './metrics/bleu.ts';
import { tokenizationFor } from './metrics/bleuTokens.ts';
import { slotScores } from './metrics/slots.ts';
import { parseJsonl, textField } from './readers/jsonl.ts';
import { writingTask } from './sequenceToSequence.ts';
import { mostFrequent, type TaskExample } from './task.ts';

const toExample = ({ text, ...answer }: DialogueAnswer & { text: string }): TaskExample => ({
  text,
  labels: [writeAnswer(answer)],
});

const answersOf = (labels: readonly (readonly string[])[]): DialogueAnswer[] => labels.flat().map(readAnswer);

const repliesOf = (answers: readonly DialogueAnswer[]) => answers.map(({ response }) => response);

export const dialogue = writingTask({
  name: 'dialogue',
  description: 'slots and a reply to a dialogue: .jsonl with text, slots and response',
  parse: (text, source) => {
    const fields = {
      text: textField,
      slots: v.optional(v.record(textField, textField), {}),
      response: textField,
    };
    return parseJsonl(text, source, fields).map((turn, i) => {
      const strange = Object.entries(turn.slots)
        .flat()
        .find((part) => slotMarks.test(part));
      if (strange === undefined) return toExample(turn);
      throw new ClozeError(
        'input',
        `${source}, example ${i + 1}: a slot holds ${JSON.stringify(strange)}`,
        'Names and values go without = ; and |',
      );
    });
  },
  ask: (line) => ({ text: line, labels: [] }),
  generate: (count, seed) => Array.from({ length: count }, (_, index) => toExample(bookingTurn(seed, index))),
  score: (gold, predicted) => {
    const [truth, answers] = [answersOf(gold), answersOf(predicted)];
    const [replies, written] = [repliesOf(truth), repliesOf(answers)];
    const slots = truth.map(({ slots }) => slots);
    const hasSlots = slots.some((own) => Object.keys(own).length > 0);
    return {
      ...(hasSlots &&
        slotScores(
          slots,
          answers.map(({ slots }) => slots),
        )),
      bleu: bleu(written, replies, tokenizationFor(replies)).score,
    };
  },
  signatures: (gold) => ({ bleu: bleuSignature(tokenizationFor(repliesOf(answersOf(gold)))) }),
  record: readAnswer,
  baseline: {
    name: 'most frequent answer',
    predict: (train, examples) => {
      const answer = mostFrequent(train.flatMap(({ labels }) => labels)) ?? '';
      return examples.map(() => [answer]);
    },
  },
});
