/**
 * Generation by iterative unmasking, for masked diffusion and every other model that predicts hidden tokens in their places: some
 * [MASK] give way to tokens in each step, and what was revealed stays. More steps cost more and take more account of how the tokens
 * revealed together depend on each other, which no single step knows.
 */
import type { Engine } from '../../autograd/index.ts';
import { Random } from '../../kernels/random.ts';
import type { BertForMaskedLM } from '../bert/heads.ts';
import { bertInput } from '../bert/input.ts';
import type { TokenVocabulary } from '../data/dataset.ts';
import { streams } from '../data/streams.ts';
import { type SamplingOptions, sample } from './sampling.ts';

export interface UnmaskOptions extends SamplingOptions {
  /** Default: one for each hidden token of the row that has most. */
  steps?: number;
  /**
   * Which tokens a step reveals. `ancestral`: each by the chance 1/(steps left), which follows the reverse of the masking process
   * (MDLM). `confidence`: an even share, those whose drawn token is likeliest (LLaDA's low-confidence remasking). `random`: an even share,
   * at random.
   */
  sampler?: 'ancestral' | 'confidence' | 'random';
  /** Hidden tokens are revealed block by block from left to right, so many tokens in each (LLaDA). Default: all at once. */
  blockLength?: number;
  seed?: number;
}

/** Fills every [MASK] of the rows, all of one length. Rows draw random numbers of their own. Leaves `rows` as they are. */
export async function unmask(
  engine: Engine,
  model: BertForMaskedLM,
  rows: readonly Uint32Array[],
  { special, specialIds }: TokenVocabulary,
  options: UnmaskOptions = {},
): Promise<Uint32Array[]> {
  const { sampler = 'ancestral', blockLength = Number.POSITIVE_INFINITY, seed = 0 } = options;
  const sampling = { forbidden: specialIds, ...options };
  const filled = rows.map((row) => row.slice());
  const random = rows.map((_, row) => new Random(seed, streams.sampling, row));
  const hidden = filled.map((row) => [...row.keys()].filter((at) => row[at] === special.mask));
  const most = Math.max(0, ...hidden.map(({ length }) => length));
  const blocks = Math.max(1, Math.ceil(most / blockLength));
  const steps = Math.max(1, Math.ceil((options.steps ?? most) / blocks));
  for (let block = 0; block < blocks; block++) {
    const open = hidden.map((places) => places.slice(block * blockLength, (block + 1) * blockLength));
    let logits: Float32Array | undefined;
    for (let left = steps; left > 0; left--) {
      if (open.every(({ length }) => length === 0)) break;
      const chosen = open.map((places, row) => choose(places, sampler, left, random[row]));
      // Without a change the model would say the same again.
      if (sampler === 'ancestral' && chosen.every(({ length }) => length === 0)) continue;
      logits ??= await logitsOf(engine, model, filled);
      const width = logits.length / (filled.length * filled[0].length);
      open.forEach((places, row) => {
        const at = (place: number) => {
          const start = (row * filled[row].length + place) * width;
          return (logits as Float32Array).subarray(start, start + width);
        };
        const drawn = new Map(
          (sampler === 'confidence' ? places : chosen[row]).map((place) => [
            place,
            sample(at(place), sampling, random[row]),
          ]),
        );
        const revealed =
          sampler === 'confidence' ? mostConfident(drawn, share(places.length, left)) : chosen[row];
        for (const place of revealed) filled[row][place] = drawn.get(place)?.token as number;
        open[row] = places.filter((place) => filled[row][place] === special.mask);
      });
      logits = undefined;
    }
  }
  return filled;
}

/** An even share of what is left for each step that is left, the first ones taking what does not divide. */
const share = (places: number, stepsLeft: number) => Math.ceil(places / stepsLeft);

function choose(
  places: readonly number[],
  sampler: UnmaskOptions['sampler'],
  stepsLeft: number,
  random: Random,
): number[] {
  if (sampler === 'ancestral') return places.filter(() => random.uniform() * stepsLeft < 1);
  return random.shuffle([...places]).slice(0, share(places.length, stepsLeft));
}

function mostConfident(drawn: ReadonlyMap<number, { probability: number }>, count: number): number[] {
  return [...drawn]
    .sort(([a, { probability: p }], [b, { probability: q }]) => q - p || a - b)
    .slice(0, count)
    .map(([place]) => place);
}

/** Logits of every token of the rows, one after the other. */
async function logitsOf(
  engine: Engine,
  model: BertForMaskedLM,
  rows: readonly Uint32Array[],
): Promise<Float32Array> {
  const shape = [rows.length, rows[0].length] as const;
  const ids = new Uint32Array(shape[0] * shape[1]);
  rows.forEach((row, r) => {
    ids.set(row, r * row.length);
  });
  const logits = engine.noGrad(() =>
    engine.scope(() => model.eval().forward(bertInput(engine, { ids, shape }, model.config)), 'unmask'),
  );
  const values = (await logits.data()) as Float32Array;
  logits.dispose();
  return values;
}
