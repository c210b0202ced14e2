/**
 * The scenes of the stories. A scene takes a cast, one girl and one boy, so that "she" and "he" always point at
 * one person, and tells three to five sentences in which some words follow from others: who owns a thing
 * now, where it lies, what an animal eats, what five less two is.
 */
import { a, capital, many, type Scene, two, worn } from './telling.ts';
import * as words from './words.ts';

const lost: Scene = ({ p, q, random }) => {
  const thing = random.pick(words.things);
  const colour = random.pick(words.colours);
  const [empty, full] = two(random, words.spots);
  const looked = capital(p.he);
  return {
    gist: `${q.name} found the ${thing} of ${p.name} ${full}.`,
    sentences: [
      `${p.name} could not find ${p.his} ${colour} ${thing}.`,
      `${looked} looked ${empty}, but the ${thing} was not there.`,
      random.pick([`Then ${q.name} looked ${full}, and there it was!`, `${q.name} found it ${full}.`]),
      `${q.name} gave the ${thing} back to ${p.name}, and ${p.he} thanked ${q.him}.`,
    ],
  };
};

const lent: Scene = ({ p, q, random }) => {
  const thing = random.pick(words.things);
  const colour = random.pick(words.colours);
  return {
    gist: `${p.name} gave ${q.name} ${a(`${colour} ${thing}`)}.`,
    sentences: [
      `${p.name} had ${a(`${colour} ${thing}`)}, but ${q.name} had none.`,
      `So ${p.name} gave ${p.his} ${thing} to ${q.name}.`,
      random.pick([
        `Now ${q.name} has the ${colour} ${thing}, and ${q.he} takes good care of it.`,
        `Now the ${colour} ${thing} belongs to ${q.name}, and ${q.he} keeps it ${random.pick(words.spots)}.`,
      ]),
    ],
  };
};

const moved: Scene = ({ p, q, random }) => {
  const thing = random.pick(words.things);
  const [from, to] = two(random, words.spots);
  return {
    gist: `${p.name} moved the ${thing} and put it ${to}.`,
    sentences: [
      `The ${thing} was ${from}.`,
      `${p.name} took it and put it ${to}.`,
      `Later ${q.name} looked ${from}, but the ${thing} was gone.`,
      `It was ${to}, where ${p.name} had put it.`,
    ],
  };
};

const weather: Scene = ({ p, q, random }) => {
  const { sky, world, wear, play } = random.pick(words.weathers);
  const [mine, yours] = two<string>(random, wear);
  return {
    gist: `${p.name} and ${q.name} ${play}.`,
    sentences: [
      `${sky}. ${world}.`,
      `${p.name} took ${p.his} ${mine}, and ${q.name} took ${q.his} ${yours}.`,
      random.pick([
        `Together they ${play}.`,
        `They ${play} until ${random.pick(['noon', 'supper', 'dark'])}.`,
      ]),
      `${p.name} was glad that ${p.he} had ${worn(mine)}.`,
    ],
  };
};

const feeding: Scene = ({ p, q, random }) => {
  const { name, plural, portion, food, home, went } = random.pick(words.animals);
  return {
    gist: `${p.name} fed a hungry ${name}.`,
    sentences: [
      `${p.name} and ${q.name} saw ${a(`${random.pick(words.colours)} ${name}`)}, and it was hungry.`,
      `${p.name} gave the ${name} ${portion}.`,
      random.pick([
        `"Why ${portion}?" asked ${q.name}. "Because ${plural} eat ${food}," said ${p.name}.`,
        `"${capital(plural)} like ${food}," ${p.he} told ${q.name}.`,
      ]),
      `Then the ${name} was full, and it ${went} back to its ${home}.`,
    ],
  };
};

const young: Scene = ({ p, q, random }) => {
  const [animal, other] = two(random, words.animals);
  return {
    gist: `A lost ${animal.young} came back to the ${animal.home}.`,
    sentences: [
      `A little ${animal.young} was lost near the ${random.pick(words.places)}.`,
      `It met ${a(other.name)}, but ${a(other.name)} is not the mother of ${a(animal.young)}.`,
      `${p.name} and ${q.name} showed the ${animal.young} the way to the ${animal.home}.`,
      `There the ${animal.name} was waiting for its ${animal.young}.`,
    ],
  };
};

const voices: Scene = ({ p, q, random }) => {
  const [one, other] = two(random, words.animals);
  const count = 2 + random.below(8);
  return {
    gist: `The ${one.name} of ${p.name} ${one.voice}s, and the ${other.plural} of ${q.name} ${other.voice}.`,
    sentences: [
      `${p.name} has ${a(one.name)}, and ${q.name} has ${words.numbers[count]} ${other.plural}.`,
      `The ${one.name} ${one.voice}s in its ${one.home}.`,
      `The ${other.plural} ${other.voice} in their ${other.home}.`,
      random.pick([
        `"My ${one.name} eats ${one.food}," says ${p.name}. "My ${other.plural} eat ${other.food}," says ${q.name}.`,
        `At night the ${one.name} sleeps, and the ${other.plural} sleep too.`,
      ]),
    ],
  };
};

const agreement: Scene = ({ p, q, random }) => {
  const [first, second] = two(random, words.animals);
  const [run, rest] = two<string>(random, words.verbs);
  return {
    gist: `${p.name} ${rest}s with ${second.plural}, and ${q.name} ${run}s with ${a(first.name)}.`,
    sentences: [
      `One ${first.name} ${run}s, but two ${second.plural} ${rest}.`,
      `${p.name} is alone, so ${p.he} ${rest}s with the ${second.plural}.`,
      `${q.name} ${run}s with the ${first.name}.`,
      `They are happy: the children ${random.pick([run, rest])}, and the animals ${random.pick([run, rest])} with them.`,
    ],
  };
};

const adding: Scene = ({ p, q, random }) => {
  const noun = random.pick(words.counted);
  const had = 1 + random.below(8);
  const more = 1 + random.below(Math.min(6, 12 - had));
  const [x, y, sum] = [words.numbers[had], words.numbers[more], words.numbers[had + more]];
  const source = random.pick(['gave', 'brought', 'sent']);
  return {
    gist: `${p.name} has ${sum} ${noun}s now.`,
    sentences: [
      `${p.name} had ${many(had, noun)} in ${p.his} ${random.pick(['basket', 'bag', 'pocket', 'hat', 'box'])}.`,
      `${q.name} ${source} ${p.him} ${y} more.`,
      random.pick([
        `${capital(x)} and ${y} are ${sum}.`,
        `"${capital(x)} and ${y} make ${sum}," said ${q.name}.`,
      ]),
      `So now ${p.name} had ${sum} ${noun}s.`,
    ],
  };
};

const taking: Scene = ({ p, q, random }) => {
  const noun = random.pick(words.counted);
  const had = 2 + random.below(11);
  const given = 1 + random.below(Math.min(6, had - 1));
  const left = had - given;
  const [x, y, rest] = [words.numbers[had], words.numbers[given], words.numbers[left]];
  return {
    gist: `${q.name} got ${many(given, noun)}, and ${rest} stayed.`,
    sentences: [
      `There were ${many(had, noun)} ${random.pick(words.spots)}.`,
      `${p.name} took ${y} of them and gave ${given === 1 ? 'it' : 'them'} to ${q.name}.`,
      random.pick([
        `${capital(x)} less ${y} is ${rest}.`,
        `"${capital(x)} less ${y} makes ${rest}," ${q.he} said.`,
      ]),
      left === 1 ? `So only one ${noun} was left.` : `So ${rest} ${noun}s were left.`,
    ],
  };
};

const contrast: Scene = ({ p, q, random }) => {
  const { pair, nouns } = random.pick(words.opposites);
  const noun = random.pick(nouns);
  const [mine, yours] = two<string>(random, pair);
  return {
    gist: `${p.name} had ${a(`${mine} ${noun}`)}, and ${q.name} had ${a(`${yours} ${noun}`)}.`,
    sentences: [
      `${p.name} and ${q.name} each had ${a(noun)}.`,
      `${p.name}'s ${noun} was ${mine}, but ${q.name}'s ${noun} was ${yours}.`,
      `"Mine is not ${yours}," said ${p.name}, "it is ${mine}."`,
      random.pick([
        `${q.name} wanted ${a(`${mine} ${noun}`)} too, so ${p.he} shared it with ${q.him}.`,
        `"I like ${a(`${yours} ${noun}`)} better," said ${q.name}, and ${q.he} smiled.`,
      ]),
    ],
  };
};

const cause: Scene = ({ p, q, random }) => {
  const [did, done, effect, why] = random.pick(words.causes);
  return {
    gist: `${effect} because ${p.name} ${did}.`,
    sentences: [
      `On ${random.pick(words.days)} ${p.name} ${did}.`,
      `${effect}.`,
      `"Why ${why}?" asked ${q.name}.`,
      random.pick([
        `"Because I ${did}," said ${p.name}.`,
        `${p.name} told ${q.him} that ${p.he} had ${done}.`,
      ]),
    ],
  };
};

const day: Scene = ({ p, q, random }) => {
  const first = random.below(3);
  const [now, later] = [words.hours[first], words.hours[first + 1]];
  const dish = random.pick(words.dishes);
  return {
    gist: `${p.name} ${now.act}, ate ${dish} and then ${later.act}.`,
    sentences: [
      `${now.time} ${now.sky}, and ${p.name} ${now.act}.`,
      `For ${now.meal} ${p.he} ate ${dish} with ${q.name}.`,
      `${later.time} ${later.sky}, and ${p.he} ${later.act}.`,
      later.meal === 'nothing'
        ? `"Good night," said ${q.name}, and soon ${p.name} was asleep.`
        : `It was time for ${later.meal}, and ${q.name} was hungry.`,
    ],
  };
};

const trade: Scene = ({ p, q, random }) => {
  const { who, did, at, tool } = random.pick(words.trades);
  const kin = random.pick(words.relatives);
  return {
    gist: `${p.name} wanted to be ${a(who)}.`,
    sentences: [
      `${p.name}'s ${kin.name} was ${a(who)}.`,
      `Every day ${kin.he} went to the ${at} and ${did}.`,
      `"What does ${kin.he} need?" asked ${q.name}. "The ${tool}," said ${p.name}.`,
      `${p.name} wanted to be ${a(who)} like ${p.his} ${kin.name}.`,
    ],
  };
};

const tool: Scene = ({ p, q, random }) => {
  const [[task, needed], [other, wrong]] = two(random, words.tasks);
  return {
    gist: `${p.name} could ${task} because ${q.name} had the ${needed}.`,
    sentences: [
      `${p.name} wanted to ${task}, but ${p.he} only had the ${wrong}.`,
      `"With the ${wrong} you can ${other}," said ${q.name}.`,
      `"To ${task} you need the ${needed}."`,
      `${capital(q.he)} gave ${p.him} the ${needed}, and ${p.name} could ${task}.`,
    ],
  };
};

const errand: Scene = ({ p, q, random }) => {
  const [[first, here], [second, there]] = two(random, words.errands);
  return {
    gist: `${p.name} got ${first}, and ${q.name} got ${second}.`,
    sentences: [
      `${p.name} needed ${first}, and ${q.name} needed ${second}.`,
      `So ${p.he} went to the ${here}, and ${q.he} went to the ${there}.`,
      `At the ${here} ${p.name} got ${p.his} ${first}.`,
      `At the ${there} ${q.name} got ${q.his} ${second}.`,
    ],
  };
};

const birthday: Scene = ({ p, q, random }) => {
  const [present, did] = random.pick(words.presents);
  const age = 3 + random.below(9);
  const colour = random.pick(words.colours);
  const gift = present === 'song' || present === 'cake' ? a(present) : a(`${colour} ${present}`);
  return {
    gist: `${p.name} is ${words.numbers[age + 1]} now and got ${a(present)} from ${q.name}.`,
    sentences: [
      `Yesterday ${p.name} was ${words.numbers[age]} years old, and today ${p.he} is ${words.numbers[age + 1]}.`,
      `It is ${p.his} birthday, and ${q.name} gave ${p.him} ${gift}.`,
      `${p.name} ${did} ${present === 'boat' ? `${p.his} boat` : `the ${present}`} all day.`,
      random.pick([
        `"Thank you for the ${present}," ${p.he} told ${q.name}.`,
        `It was ${a(present)} from a good friend.`,
      ]),
    ],
  };
};

const paint: Scene = ({ p, q, random }) => {
  const [one, other, result] = random.pick(words.paints);
  const [first, second] = two<string>(random, [one, other]);
  const thing = random.pick(words.things);
  return {
    gist: `The ${thing} of ${p.name} is ${result} now.`,
    sentences: [
      `${p.name} had ${first} paint, and ${q.name} had ${second} paint.`,
      `${p.name} and ${q.name} mixed the ${first} and the ${second}, and the paint turned ${result}.`,
      `${p.name} painted ${p.his} ${thing} with it.`,
      `Now ${p.he} has ${a(`${result} ${thing}`)}.`,
    ],
  };
};

const calendar: Scene = ({ p, q, random }) => {
  const today = random.below(7);
  const name = (offset: number) => words.days[(today + offset + 7) % 7];
  const place = random.pick(words.places);
  const thing = random.pick(words.things);
  return {
    gist: `${p.name} and ${q.name} will look for the ${thing} on ${name(1)}.`,
    sentences: [
      `Today is ${name(0)}, so tomorrow is ${name(1)}.`,
      `Yesterday, on ${name(-1)}, ${p.name} lost ${p.his} ${thing} at the ${place}.`,
      `Tomorrow ${p.he} will go back to the ${place} with ${q.name}.`,
      `"On ${name(1)} we will find your ${thing}," says ${q.name}.`,
    ],
  };
};

const year: Scene = ({ p, q, random }) => {
  const first = random.below(4);
  const [now, next] = [words.seasons[first], words.seasons[(first + 1) % 4]];
  return {
    gist: `${q.name} likes ${next.name}.`,
    sentences: [
      `In ${now.name} ${now.sign}.`,
      `Every ${random.pick(words.days)} ${p.name} walks to the ${random.pick(words.places)}, even if the day is ${now.feel}.`,
      `"After ${now.name} comes ${next.name}," says ${q.name}, "and then ${next.sign}."`,
      `${capital(q.he)} likes ${next.name} and its ${next.feel} days.`,
    ],
  };
};

/** The kinds of story that the first five prompts of `stories.ts` belong to. */
export const fewScenes: readonly Scene[] = [feeding, calendar, agreement, paint, contrast];

export const scenes: readonly Scene[] = [
  ...[lost, lent, moved, weather, feeding, young, voices, agreement, adding, taking, contrast],
  ...[cause, day, trade, tool, errand, birthday, paint, calendar, year],
];
