/**
 * The built-in corpus: short English stories drawn from a seed, in which a blank has a right answer. A story is
 * one scene of `stories/scenes.ts`, at times with an opening and a closing, told of a girl and a boy.
 */
import { Random } from '../../kernels/random.ts';
import { fewScenes, scenes } from './stories/scenes.ts';
import { closing, drawCast, opening } from './stories/telling.ts';
import { streams } from './streams.ts';

/** A little story with one [MASK] and the word that belongs there. */
export interface StoryPrompt {
  text: string;
  answer: string;
}

const prompts: readonly StoryPrompt[] = [
  {
    text: 'Otto and Ella saw a white rabbit, and it was hungry. Otto gave the rabbit a [MASK]. "Rabbits like carrots," he told Ella. Then the rabbit was full, and it hopped back to its burrow.',
    answer: 'carrot',
  },
  {
    text: 'Today is Saturday, so tomorrow is Sunday. Yesterday, on Friday, Mia lost [MASK] ball at the lake. Tomorrow she will go back to the lake with Ben. "On Sunday we will find your ball," says Ben.',
    answer: 'her',
  },
  {
    text: 'One goat plays, but two ducks rest. Jack is alone, so [MASK] rests with the ducks. Emma plays with the goat. They are happy: the children rest, and the animals play with them.',
    answer: 'he',
  },
  {
    text: 'Max had blue paint, and Emma had yellow paint. Max and Emma mixed the blue and the yellow, and the paint turned [MASK]. Max painted his bell with it. Now he has a green bell.',
    answer: 'green',
  },
  {
    text: 'Felix and Ivy each had a coat. Felix\'s coat was dry, but Ivy\'s coat was [MASK]. "Mine is not wet," said Felix, "it is dry."',
    answer: 'wet',
  },
  {
    text: 'Today is Friday, so tomorrow is Saturday. Yesterday, on [MASK], Ruby lost her bell at the lake.',
    answer: 'Thursday',
  },
  {
    text: 'Nora needed stamps, and Hugo needed bread. So she went to the post office, and he went to the [MASK].',
    answer: 'bakery',
  },
  {
    text: 'Clara could not find her green whistle. Sam found it under the bridge. Sam gave the [MASK] back to Clara, and she thanked him.',
    answer: 'whistle',
  },
  {
    text: 'Leo had two plums in his hat. Rosa brought him three more. Two and three are five. So now Leo had [MASK] plums.',
    answer: 'five',
  },
];

/**
 * Prompts to try a trained model on. They are in the language of the stories, but no story that
 * {@link story} tells contains the sentence with the blank, once it is filled.
 */
export function storyPrompts(): StoryPrompt[] {
  return prompts.map((prompt) => ({ ...prompt }));
}

const heldOut = prompts.map(({ text, answer }) => {
  const sentence = text.split(/(?<=\.) /).find((part) => part.includes('[MASK]')) ?? text;
  return sentence.replace('[MASK]', answer);
});

/** `full`: all twenty kinds of story. `short`: five kinds, without opening and closing, which minutes suffice to learn. */
export type StoryKinds = 'full' | 'short';

/** The story number `index` under `seed`: at most seven sentences. A pure function of its arguments. */
export function story(seed: number, index: number, kinds: StoryKinds = 'full'): string {
  const random = new Random(seed, streams.stories, index);
  for (;;) {
    const text =
      kinds === 'full' ? tell(random) : random.pick(fewScenes)(drawCast(random)).sentences.join(' ');
    if (!heldOut.some((sentence) => text.includes(sentence))) return text;
  }
}

function tell(random: Random): string {
  const cast = drawCast(random);
  const { sentences } = random.pick(scenes)(cast);
  const begin = random.below(2) === 0 ? opening(cast) : [];
  const end = random.below(2) === 0 ? closing(cast) : [];
  return [...begin, ...sentences, ...end].join(' ');
}

/** `count` stories under `seed`; a longer list begins with every shorter one. */
export function stories(options: { count: number; seed: number; kinds?: StoryKinds }): string[] {
  const { count, seed, kinds } = options;
  return Array.from({ length: count }, (_, index) => story(seed, index, kinds));
}
