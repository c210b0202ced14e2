/** Small models of every family with values that differ everywhere, and their files. */
import { type Engine, indices } from '../../../src/autograd/index.ts';
import { Random } from '../../../src/kernels/index.ts';
import { type BertConfig, parseConfig } from '../../../src/mlm/bert/config.ts';
import { BertForMaskedLM } from '../../../src/mlm/bert/heads.ts';
import { type BertInputArrays, bertInput } from '../../../src/mlm/bert/input.ts';
import { descriptionFiles, weightsFile } from '../../../src/mlm/pretrained.ts';
import { type Tokenizer, trainTokenizer } from '../../../src/mlm/tokenizer/index.ts';
import { type Module, materialize, type Slab } from '../../../src/nn/index.ts';

const small = { hidden_size: 32, num_attention_heads: 2, intermediate_size: 48, max_position_embeddings: 40 };

/** config.json as Hugging Face would write it, for models of 3 layers and 32 columns. */
export const hubConfigs = {
  bert: { model_type: 'bert', num_hidden_layers: 3, ...small },
  modernbert: {
    model_type: 'modernbert',
    num_hidden_layers: 3,
    local_attention: 8,
    global_attn_every_n_layers: 2,
    global_rope_theta: 160_000,
    local_rope_theta: 500,
    pad_token_id: 0,
    ...small,
  },
} as const;

export interface SmallModel<M extends Module = Module> {
  config: BertConfig;
  model: M;
  slab: Slab;
  tokenizer: Tokenizer;
  /** What is written of it. */
  files: Record<string, Uint8Array>;
  read: (name: string) => Promise<Uint8Array | undefined>;
}

export function smallTokenizer(): Promise<Tokenizer> {
  return trainTokenizer({ kind: 'char', corpus: ['the quick brown fox jumps over the lazy dog'] });
}

/** A language model of a config in Hugging Face's words; `build` makes another head of the config that it gets. */
export async function smallModel<M extends Module = BertForMaskedLM>(
  engine: Engine,
  hub: object,
  build: (config: BertConfig) => M = (config) => new BertForMaskedLM(config) as unknown as M,
): Promise<SmallModel<M>> {
  const tokenizer = await smallTokenizer();
  const config = parseConfig({ vocab_size: tokenizer.vocabSize, ...hub });
  const model = build(config);
  const slab = materialize(model, engine);
  scramble(slab);
  model.eval();
  const files: Record<string, Uint8Array> = { 'model.safetensors': await weightsFile(slab, config) };
  for (const [name, text] of Object.entries(descriptionFiles(config, tokenizer))) {
    files[name] = new TextEncoder().encode(text);
  }
  return { config, model, slab, tokenizer, files, read: async (name) => files[name] };
}

/** Gives every value of a model a random one of a size at which nothing saturates: biases and norms, too. */
export function scramble(slab: Slab): void {
  const values = new Map<string, Float32Array>();
  let stream = 0;
  for (const [name, { shape, size }] of slab.parameters()) {
    const random = new Random(11, stream++);
    const centre = /LayerNorm\.weight$/.test(name) ? 1 : 0;
    const deviation = shape.length === 1 ? 0.3 : 1.5 / Math.sqrt(shape[1]);
    values.set(
      name,
      Float32Array.from({ length: size }, () => centre + deviation * random.normal()),
    );
  }
  slab.write(values);
}

/** Sequences of random tokens of different lengths, padded to the longest. */
export function randomRows(
  lengths: readonly number[],
  config: BertConfig,
  seed = 0,
): BertInputArrays & Required<Pick<BertInputArrays, 'types' | 'attentionMask'>> {
  const random = new Random(5, seed);
  const T = Math.max(...lengths);
  const place = (value: (t: number, length: number) => number) =>
    Uint32Array.from(lengths.flatMap((length) => Array.from({ length: T }, (_, t) => value(t, length))));
  return {
    shape: [lengths.length, T],
    ids: place((t, length) => (t < length ? 5 + random.below(config.vocab_size - 5) : 0)),
    types: place((t, length) => (config.type_vocab_size > 1 && t < length && t > length / 2 ? 1 : 0)),
    attentionMask: place((t, length) => (t < length ? 1 : 0)),
  };
}

/** Numbers [B, T] as lists in a list. */
export function nested(values: ArrayLike<number>, [B, T]: readonly [number, number]): number[][] {
  return Array.from({ length: B }, (_, b) => Array.from({ length: T }, (_, t) => values[b * T + t]));
}

/** The logits of all tokens, [B·T, V]. */
export async function languageLogits(
  { model, slab: { engine }, config }: Pick<SmallModel<BertForMaskedLM>, 'model' | 'slab' | 'config'>,
  rows: BertInputArrays,
  positions?: number[],
): Promise<Float32Array> {
  const logits = engine.noGrad(() =>
    engine.scope(() =>
      model.forward(
        bertInput(engine, rows, config),
        positions && indices(engine, Uint32Array.from(positions)),
      ),
    ),
  );
  const values = (await logits.data()) as Float32Array;
  logits.dispose();
  return values;
}
