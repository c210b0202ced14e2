/** Pairs of sentences whose likeness is known, since both are told from the same few facts: data for `similarity`. */
import { Random } from '../../kernels/random.ts';
import { streams } from '../data/streams.ts';
import type { TaskExample } from './task.ts';

/** A fact in words that say the same. */
type Sayings = readonly string[];

/** What a sentence is told from: who, did what, to what, where and when. */
const facts: readonly (readonly Sayings[])[] = [
  [
    ['the boy', 'the lad'],
    ['the girl', 'the young lady'],
    ['the doctor', 'the physician'],
    ['the teacher'],
    ['the farmer'],
  ],
  [
    ['found', 'came upon'],
    ['bought', 'paid for'],
    ['lost', 'could no longer find'],
    ['mended', 'repaired', 'fixed'],
    ['hid', 'put out of sight'],
  ],
  [
    ['a picture', 'a painting'],
    ['a boat', 'a ship'],
    ['a coat', 'a jacket'],
    ['a stone', 'a rock'],
    ['a bicycle', 'a bike'],
  ],
  [
    ['in the wood', 'in the forest', 'among the trees'],
    ['at the shore', 'by the sea'],
    ['in the shop', 'in the store'],
    ['at home', 'in the house'],
    ['on the road', 'in the street'],
  ],
  [
    ['in the morning', 'after sunrise'],
    ['in the evening', 'at nightfall'],
    ['in the winter', 'when it was cold'],
    ['on Sunday', 'at the end of the week'],
    ['long ago', 'many years before'],
  ],
];

/**
 * `count` pairs, each a function of (seed, its number): of five facts, from none to all are the same, in other words and perhaps in
 * another order; that number is the score.
 */
export function similarityPairs(count: number, seed: number): TaskExample[] {
  return Array.from({ length: count }, (_, index) => {
    const random = new Random(seed, streams.tasks + 1, index);
    const shared = random.below(facts.length + 1);
    const same = random.shuffle(facts.map((_, i) => i < shared));
    const first = facts.map((choices) => random.below(choices.length));
    const second = facts.map((choices, i) =>
      same[i] ? first[i] : (first[i] + 1 + random.below(choices.length - 1)) % choices.length,
    );
    return { text: tell(first, random), pair: tell(second, random), labels: [String(shared)] };
  });
}

function tell(chosen: readonly number[], random: Random): string {
  const [who, did, what, where, when] = facts.map((choices, i) => random.pick(choices[chosen[i]]));
  return random.below(2) === 0
    ? `${who} ${did} ${what} ${where} ${when}.`
    : `${when}, ${who} ${did} ${what} ${where}.`;
}
