/**
 * How much each token of a text did for an answer, told by gradients of the log-probability of that answer.
 *
 * Gradient × input (Shrikumar et al., 2016) takes the slope at the text itself. Integrated gradients (Sundararajan et al., "Axiomatic
 * Attribution for Deep Networks", 2017) take its mean on the straight way from a text that says nothing, so that the scores of
 * all tokens sum to what the text as a whole did for the answer.
 */
import { backward, type Engine, embedding, indices } from '../../autograd/index.ts';
import type { Batch } from '../data/batch.ts';
import { uploadBatch } from '../data/batchInputs.ts';
import { bodyOf } from '../embed.ts';
import type { Trainee } from '../objectives/objective.ts';
import type { Tokenizer } from '../tokenizer/index.ts';

export const attributionMethods = ['integrated', 'gradient'] as const;

export type AttributionMethod = (typeof attributionMethods)[number];

export interface Attribution {
  /** Of each token, in nats: above 0 it speaks for the answer. */
  scores: Float64Array;
  /** ln p of the answer. */
  value: number;
  /** The same where every ordinary token is hidden. Their difference is what integrated gradients sum to. */
  baseline: number;
}

export interface AttributionOptions {
  /** Default `integrated`. */
  method?: AttributionMethod;
  /** Points on the way, the midpoints of equal parts. Default 64. */
  steps?: number;
}

/** Points that go through the model at once. */
const pointsAtOnce = 16;

/**
 * Explains the answer that `batch`, a row of a trainee's own, has for its label. Hidden means [MASK], or [PAD] where there is no such token;
 * special tokens stay. Dropout is off.
 */
export async function attribute(
  engine: Engine,
  trainee: Trainee,
  batch: Batch,
  tokenizer: Pick<Tokenizer, 'special' | 'specialIds'>,
  { method = 'integrated', steps = 64 }: AttributionOptions = {},
): Promise<Attribution> {
  trainee.model.eval();
  const { special, specialIds } = tokenizer;
  const hidden = special.mask >= 0 ? special.mask : Math.max(special.pad, 0);
  const hiddenIds = batch.inputIds.map((id) => (specialIds.has(id) ? id : hidden));
  const text = await wordsOf(engine, trainee, batch.inputIds);
  const nothing = await wordsOf(engine, trainee, hiddenIds);
  const way = text.map((value, i) => value - nothing[i]);
  const [T, width] = [batch.T, text.length / batch.T];

  const slope = new Float64Array(text.length);
  const points = method === 'gradient' ? [1] : Array.from({ length: steps }, (_, i) => (i + 0.5) / steps);
  for (let start = 0; start < points.length; start += pointsAtOnce) {
    const some = points.slice(start, start + pointsAtOnce);
    const values = Float32Array.from(some.flatMap((share) => [...nothing].map((v, i) => v + share * way[i])));
    const gradient = await gradientAt(engine, trainee, repeated(batch, some.length), values);
    gradient.forEach((value, i) => {
      slope[i % slope.length] += value / points.length;
    });
  }

  const from = method === 'gradient' ? text : way;
  const scores = new Float64Array(T);
  for (let i = 0; i < slope.length; i++) scores[Math.floor(i / width)] += from[i] * slope[i];
  return {
    scores,
    value: await logProbabilityAt(engine, trainee, batch, text),
    baseline: await logProbabilityAt(engine, trainee, batch, nothing),
  };
}

/** The word embeddings of `ids`, [T, C]. */
async function wordsOf(engine: Engine, { model }: Trainee, ids: Uint32Array): Promise<Float32Array> {
  const words = engine.noGrad(() =>
    engine.scope(() => embedding(bodyOf(model).wordEmbeddings, indices(engine, ids))),
  );
  const values = (await words.data()) as Float32Array;
  words.dispose();
  return values;
}

/** ∂ ln p / ∂ embeddings, of each row by itself. */
async function gradientAt(
  engine: Engine,
  trainee: Trainee,
  batch: Batch,
  values: Float32Array,
): Promise<Float32Array> {
  const gradient = engine.scope(() => {
    const inputs = withEmbeds(engine, trainee, batch, values);
    inputs.embeds.requireGrad();
    backward(trainee.loss(inputs).loss);
    return inputs.embeds.grad!;
  }, 'attribution');
  const ofLoss = (await gradient.data()) as Float32Array;
  gradient.dispose();
  return ofLoss.map((value) => -value);
}

async function logProbabilityAt(
  engine: Engine,
  trainee: Trainee,
  batch: Batch,
  values: Float32Array,
): Promise<number> {
  const loss = engine.noGrad(() =>
    engine.scope(() => trainee.loss(withEmbeds(engine, trainee, batch, values)).loss, 'attribution'),
  );
  const value = await loss.item();
  loss.dispose();
  return -value;
}

function withEmbeds(engine: Engine, trainee: Trainee, batch: Batch, values: Float32Array) {
  const { B, T } = batch;
  const inputs = uploadBatch(engine, trainee, batch, { normalizer: 1, tokens: 1 });
  return { ...inputs, embeds: engine.tensor(values, [B, T, values.length / (B * T)]) };
}

/** A batch of one row as a batch of as many equal rows. */
function repeated(batch: Batch, count: number): Batch {
  const { T, M } = batch;
  const repeat = <A extends Uint32Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Float32Array<ArrayBuffer>>(
    values: A,
  ): A => {
    const all = new (values.constructor as new (length: number) => A)(values.length * count);
    for (let b = 0; b < count; b++) all.set(values, b * values.length);
    return all;
  };
  return {
    ...batch,
    B: count,
    inputIds: repeat(batch.inputIds),
    attentionMask: repeat(batch.attentionMask),
    maskedPositions: repeat(batch.maskedPositions).map((place, i) => place + Math.floor(i / M) * T),
    labels: repeat(batch.labels),
    prefix: batch.prefix && repeat(batch.prefix),
    rows: repeat(batch.rows),
    count: batch.count * count,
    normalizer: batch.normalizer * count,
    tokens: batch.tokens * count,
  };
}
