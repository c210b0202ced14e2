/** Causal generation: each token is drawn from what the model says of it after those before. */
import type { Engine } from '../../autograd/index.ts';
import { Random } from '../../kernels/random.ts';
import type { BertForMaskedLM } from '../bert/heads.ts';
import { streams } from '../data/streams.ts';
import { Decoding } from './decoding.ts';
import { type SamplingOptions, sample } from './sampling.ts';

export interface CausalOptions extends SamplingOptions {
  /** Most tokens to write. Default: as many as the model reads. */
  maxTokens?: number;
  /** The token that ends a text; it is not part of the result. */
  end: number;
  seed?: number;
}

/** Continues each prompt; returns the new tokens alone. Rows draw random numbers of their own. Throws what `Decoding` throws. */
export async function continueCausally(
  engine: Engine,
  model: BertForMaskedLM,
  prompts: readonly ArrayLike<number>[],
  options: CausalOptions,
): Promise<number[][]> {
  const { end, seed = 0 } = options;
  const longest = Math.max(...prompts.map(({ length }) => length));
  const room = model.config.max_position_embeddings - longest + 1;
  const most = Math.min(options.maxTokens ?? room, Math.max(1, room));
  const random = prompts.map((_, row) => new Random(seed, streams.sampling, row));
  const written: number[][] = prompts.map(() => []);
  const ended = prompts.map(() => false);
  const decoding = new Decoding(engine, model);
  try {
    let logits = await decoding.start(prompts, { prompt: 'causal' });
    for (let count = 1; ; count++) {
      const tokens = logits.map((row, r) => (ended[r] ? end : sample(row, options, random[r]).token));
      tokens.forEach((token, r) => {
        if (token === end) ended[r] = true;
        else written[r].push(token);
      });
      if (count >= most || ended.every(Boolean)) return written;
      logits = await decoding.next(tokens);
    }
  } finally {
    decoding.dispose();
  }
}
