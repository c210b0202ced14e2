/** What is served of a model: for each route, what a request may ask, what work a text makes, and how a batch of it is answered. */
import * as v from 'valibot';
import type { Engine } from '../autograd/index.ts';
import { ClozeError } from '../gpu/errors.ts';
import type { AnyModel } from '../mlm/anyModel.ts';
import { type Embedder, embedEncoded, encodeForEmbedding } from '../mlm/embed.ts';
import { encodeBlanks, fillBlanks } from '../mlm/fillMask.ts';
import type { Pretrained } from '../mlm/pretrained.ts';
import type { TaskExample } from '../mlm/tasks/task.ts';
import type { Job } from './batchQueue.ts';

/** Work on one text, which the route that made it understands. */
export interface TextJob extends Job {
  readonly work: unknown;
}

/** A request that cannot be answered, and the field that is to blame. */
export class RequestError extends Error {
  readonly field: string;

  constructor(field: string, message: string) {
    super(`${field}: ${message}`);
    this.field = field;
  }
}

export interface Route {
  /** The last part of its path, and the kind of its jobs. */
  readonly name: string;
  /** A job for each text of a request's body. Throws RequestError. */
  read(body: unknown): TextJob[];
  /** JSON values, one for each job. */
  answer(jobs: readonly TextJob[]): Promise<unknown[]>;
  /** Compiles what a first answer would wait for. */
  warmUp(): Promise<void>;
}

/** For every blank of a text its likeliest tokens, as Hugging Face's fill-mask pipeline returns them. */
export function fillMaskRoute(pretrained: Pretrained): Route {
  const { tokenizer } = pretrained;
  const blank = tokenizer.idToToken(tokenizer.special.mask);
  return route({
    name: 'fill-mask',
    options: { top_k: v.optional(topK, 5) },
    encode: (text, { top_k }) => encodeBlanks(pretrained, text, { topK: top_k }),
    answer: (texts) => fillBlanks(pretrained, texts),
    any: (words) => encodeBlanks(pretrained, Array(words).fill(blank).join(' ')),
  });
}

/**
 * What the model of a task says of each text: its likeliest labels where it chooses one for the whole text, else its answer and how probable
 * that is, where it knows.
 */
export function taskRoute(engine: Engine, { trainee, options: run }: NonNullable<AnyModel['task']>): Route {
  const { task, tokenizer, labels: known } = trainee;
  const asked = (example: TaskExample, top_k: number) => ({
    example,
    top_k,
    ids: tokenizer.encodeToIds(`${example.text} ${example.pair ?? ''}`),
  });
  return route({
    name: known ? 'classify' : 'predict',
    options: { top_k: v.optional(topK, 1) },
    encode: (text, { top_k }) => asked(task.ask(text), top_k),
    async answer(texts) {
      const examples = texts.map(({ example }) => example);
      const found = await trainee.predict(engine, examples, { ...run, batchSize: texts.length });
      return found.map(({ labels, scores, probabilities }, i) => {
        const { words } = examples[i];
        if (words) return { words, labels, scores };
        if (!known || !probabilities) return { answer: labels[0], score: scores[0] };
        return topLabels(known, probabilities[0], texts[i].top_k);
      });
    },
    any: (words) => {
      const text = Array(words).fill('a');
      return asked({ text: text.join(' '), words: text, pair: 'a', labels: [] }, 1);
    },
  });
}

function topLabels(labels: readonly string[], probabilities: readonly number[], count: number) {
  return labels
    .map((label, i) => ({ label, score: probabilities[i] }))
    .sort((a, b) => b.score - a.score)
    .slice(0, count);
}

/** The embedding of each text. */
export function embedRoute(embedder: Embedder): Route {
  return route({
    name: 'embed',
    options: { truncate: v.optional(v.boolean(), false) },
    encode: (text, options) => encodeForEmbedding(embedder, text, options),
    answer: async (texts) => (await embedEncoded(embedder, texts)).map((embedding) => [...embedding]),
    any: (words) => encodeForEmbedding(embedder, Array(words).fill('a').join(' ')),
  });
}

const topK = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1000));

/** Most texts of a request. */
export const mostTexts = 64;

/** What `texts` of a request may be; the options of a route stand beside it. */
const texts = v.pipe(v.array(v.string()), v.minLength(1), v.maxLength(mostTexts));

interface RouteParts<Options extends v.ObjectEntries, Work> {
  name: string;
  options: Options;
  /** Throws ClozeError `input` for a text that the model cannot answer. */
  encode(text: string, options: v.InferOutput<v.StrictObjectSchema<Options, undefined>>): Work;
  answer(work: readonly Work[]): Promise<unknown[]>;
  /** Work on a text of so many words, whatever they are. */
  any(words: number): Work;
}

function route<Options extends v.ObjectEntries, Work extends { ids: ArrayLike<number> }>({
  name,
  options,
  encode,
  answer,
  any,
}: RouteParts<Options, Work>): Route {
  const schema = v.strictObject(options);
  return {
    name,
    read(body) {
      const { texts: given, ...rest } = parse(v.looseObject({ texts }), body);
      const chosen = parse(schema, rest);
      return given.map((text, i) => {
        const work = blaming(`texts.${i}`, () => encode(text, chosen));
        return { kind: name, length: work.ids.length, work };
      });
    },
    // Jobs of this kind are those that were made above.
    answer: (jobs) => answer(jobs.map(({ work }) => work as Work)),
    async warmUp() {
      // One text alone, and two, of which one is padded: they may run other kernels.
      for (const batch of [[any(1)], [any(1), any(2)]]) await answer(batch);
    },
  };
}

function parse<Schema extends v.GenericSchema>(schema: Schema, value: unknown): v.InferOutput<Schema> {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw new RequestError(issue.path?.map(({ key }) => String(key)).join('.') ?? 'the body', issue.message);
}

function blaming<T>(field: string, body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (error instanceof ClozeError && error.code === 'input') throw new RequestError(field, error.message);
    throw error;
  }
}
