/**
 * Stories to be summed up: several scenes of the built-in stories one after the other, and of each scene the one sentence that says
 * how it came out. What is right is known to the letter. Other people meet in each scene, so that names tell them apart.
 */
import { Random } from '../../../kernels/random.ts';
import { scenes } from '../../data/stories/scenes.ts';
import { type Cast, closing, drawCast, opening } from '../../data/stories/telling.ts';
import { streams } from '../../data/streams.ts';

export interface SummarizedText {
  text: string;
  summary: string;
}

const scenesOfAStory = 2;

/** Number `index` under `seed`: about 90 words and 20. A pure function of its arguments. */
export function storySummary(seed: number, index: number): SummarizedText {
  const random = new Random(seed, streams.summaries, index);
  const casts: Cast[] = [];
  while (casts.length < scenesOfAStory) {
    const { p, q } = drawCast(random);
    const met = casts.flatMap((cast) => [cast.p.name, cast.q.name]);
    if (!met.includes(p.name) && !met.includes(q.name)) casts.push({ p, q, random });
  }
  const told = casts.map((cast) => random.pick(scenes)(cast));
  const begin = random.below(2) === 0 ? opening(casts[0]) : [];
  const end = random.below(2) === 0 ? closing(casts[scenesOfAStory - 1]) : [];
  return {
    text: [...begin, ...told.flatMap(({ sentences }) => sentences), ...end].join(' '),
    summary: told.map(({ gist }) => gist).join(' '),
  };
}
