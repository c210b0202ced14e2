/** What all scenes of the stories are told with: a cast, a few turns of phrase, and how a story may begin and end. */
import type { Random } from '../../../kernels/random.ts';
import * as words from './words.ts';

/** Two people, one girl and one boy in either order, and where the chance of the scene comes from. */
export interface Cast {
  p: words.Person;
  q: words.Person;
  random: Random;
}

/** A girl and a boy, in either order. */
export function drawCast(random: Random): Cast {
  const pair = [random.pick(words.girls), random.pick(words.boys)];
  const [p, q] = random.shuffle(pair);
  return { p, q, random };
}

/** What a scene tells, and the same in one sentence that names the people and how it came out. */
export interface Told {
  sentences: string[];
  gist: string;
}

export type Scene = (cast: Cast) => Told;

export const capital = (text: string): string => text[0].toUpperCase() + text.slice(1);

/** A noun phrase with its indefinite article: "an umbrella", "a red hat". */
export const a = (noun: string): string => (/^[aeiou]/.test(noun) ? `an ${noun}` : `a ${noun}`);

/** Clothes that come in pairs take no article. */
export const worn = (noun: string): string => (noun.endsWith('s') && noun !== 'compass' ? noun : a(noun));

export const many = (count: number, noun: string): string =>
  `${words.numbers[count]} ${count === 1 ? noun : `${noun}s`}`;

/** Two different items, in random order. */
export function two<T>(random: Random, items: readonly T[]): [T, T] {
  const first = random.below(items.length);
  return [items[first], items[(first + 1 + random.below(items.length - 1)) % items.length]];
}

/** How a story may begin: the people meet. In the tense that suits any scene. */
export const opening = ({ p, q, random }: Cast): string[] => [
  random.pick([
    `${p.name} and ${q.name} were friends.`,
    `${p.name} lived in ${a(random.pick(['small', 'big', 'white', 'red', 'old']))} house near the ${random.pick(words.places)}.`,
    `Once there was a ${p.child} whose name was ${p.name}, and ${p.his} friend was ${q.name}.`,
    `${p.name} and ${q.name} met at the ${random.pick(words.places)}.`,
    `This is a story about ${p.name}, a ${p.child}, and ${q.name}, a ${q.child}.`,
    `${p.name} was visiting ${p.his} ${random.pick(words.relatives).name}, and ${q.name} came too.`,
  ]),
];

/** How a story may end. */
export const closing = ({ p, q, random }: Cast): string[] => [
  random.pick([
    `${p.name} and ${q.name} went home together.`,
    `"That was fun," said ${random.pick([p, q]).name}.`,
    `Then ${p.name} told ${p.his} ${random.pick(words.relatives).name} all about it.`,
    `${q.name} laughed, and ${p.name} laughed with ${q.him}.`,
    `That night ${random.pick([p, q]).name} slept well.`,
    `"You are a good friend," said ${q.name} to ${p.name}.`,
  ]),
];
