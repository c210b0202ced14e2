/**
 * Texts disturbed as people disturb them. What is disturbed at a rate is disturbed at every higher one too, since the same random numbers
 * are held against it: a curve over the rates shows the rate alone.
 */
import { Random } from '../../../kernels/random.ts';
import { streams } from '../../data/streams.ts';
import type { TaskExample } from '../task.ts';

export const disturbances = ['typos', 'case', 'swaps'] as const;

export type Disturbance = (typeof disturbances)[number];

/** Marks within a text that are no words of it: SemEval's around the nominals. */
const mark = /<\/?e[12]>/;

/**
 * `typos`: each letter, with the chance `rate`, is left out, doubled, swapped with the next, or replaced by a key beside it. `case`: each letter
 * changes its case. `swaps`: each word changes places with the next. A pure function of its arguments. Words with labels of their own
 * take them along.
 */
export function disturb(
  example: TaskExample,
  kind: Disturbance,
  rate: number,
  { seed, index }: { seed: number; index: number },
): TaskExample {
  const random = new Random(seed, streams.disturbance + disturbances.indexOf(kind), index);
  const { words, labels, text } = example;
  if (kind === 'swaps') {
    const moved = words ?? text.split(/\s+/);
    const order = swapped(moved, rate, random);
    const made = order.map((at) => moved[at]);
    if (!words) return { ...example, text: made.join(' ') };
    return { ...example, text: made.join(' '), words: made, labels: order.map((at) => labels[at]) };
  }
  const change = kind === 'typos' ? mistype : changeCase;
  const inWord = (word: string) => changed(word, rate, random, change);
  if (words) {
    // A word that lost its only letter would leave its label behind.
    const made = words.map((word) => inWord(word) || word);
    return { ...example, text: made.join(' '), words: made };
  }
  const parts = text.split(/(<\/?e[12]>|\s+)/);
  return { ...example, text: parts.map((part) => (mark.test(part) ? part : inWord(part))).join('') };
}

/** Where each word of the disturbed text stood. */
function swapped(words: readonly string[], rate: number, random: Random): number[] {
  const hits = words.map(() => random.uniform() < rate);
  const order = words.map((_, i) => i);
  for (let i = 0; i + 1 < order.length; i++) {
    if (!hits[i] || mark.test(words[i]) || mark.test(words[i + 1])) continue;
    [order[i], order[i + 1]] = [order[i + 1], order[i]];
    i++;
  }
  return order;
}

/** What a letter becomes, or it and the next. */
interface Change {
  letters: string;
  taken: 1 | 2;
}

/** `draws`: two numbers in [0, 1), which decide how. */
type Changer = (letter: string, next: string | undefined, draws: readonly [number, number]) => Change;

/** Every letter draws as often, whatever becomes of it, so that a higher rate hits the same ones and more. */
function changed(word: string, rate: number, random: Random, change: Changer): string {
  const letters = [...word];
  const draws = letters.map(() => [random.uniform(), random.uniform(), random.uniform()] as const);
  let made = '';
  for (let i = 0; i < letters.length; ) {
    const [hit, ...how] = draws[i];
    const { letters: own, taken }: Change =
      isLetter.test(letters[i]) && hit < rate
        ? change(letters[i], letters[i + 1], how)
        : { letters: letters[i], taken: 1 };
    made += own;
    i += taken;
  }
  return made;
}

const isLetter = /\p{L}/u;

const changeCase: Changer = (letter) => {
  const lower = letter.toLowerCase();
  return { letters: letter === lower ? letter.toUpperCase() : lower, taken: 1 };
};

const mistype: Changer = (letter, next, [way, side]) => {
  if (way < 0.25) return { letters: '', taken: 1 };
  if (way < 0.5) return { letters: letter + letter, taken: 1 };
  if (way < 0.75 && next !== undefined) return { letters: next + letter, taken: 2 };
  return { letters: keyBeside(letter, side), taken: 1 };
};

const keyboard = ['qwertyuiop', 'asdfghjkl', 'zxcvbnm'];

/** The key to the left or to the right on an English keyboard; a letter that it lacks stays. */
function keyBeside(letter: string, side: number): string {
  const lower = letter.toLowerCase();
  const row = keyboard.find((keys) => keys.includes(lower));
  if (!row) return letter;
  const at = row.indexOf(lower);
  const key = row[side < 0.5 ? at - 1 : at + 1] ?? row[side < 0.5 ? at + 1 : at - 1];
  return letter === lower ? key : key.toUpperCase();
}
