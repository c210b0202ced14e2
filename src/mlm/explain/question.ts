/** What can be explained: the token in a blank, or the label of a text. */
import { ClozeError } from '../../gpu/errors.ts';
import type { AnyModel } from '../anyModel.ts';
import { type Batch, batchOf } from '../data/batch.ts';
import { encodeBlanks, fillBlanks } from '../fillMask.ts';
import type { Tokenizer } from '../tokenizer/index.ts';

/** A row that asks for one answer. */
export interface Question {
  batch: Batch;
  /** Those of the text, padding left out. */
  tokens: string[];
  /** The answer in question. */
  target: string;
}

export interface QuestionOptions {
  /** The answer to ask about; default: the model's own. */
  target?: string;
  /** Of a text with several blanks the one to ask about, counted from 1. Default 1. */
  blank?: number;
}

/** Throws ClozeError `input` for a text or a model that allows no such question, `option` for an unknown target. */
export async function questionOf(
  model: AnyModel,
  text: string,
  options: QuestionOptions = {},
): Promise<Question> {
  const { tokenizer } = model;
  const { batch, target } = await (model.task
    ? askTask(model, text, options)
    : askBlank(model, text, options));
  const length = batch.attentionMask.reduce((sum, bit) => sum + bit, 0);
  const tokens = Array.from(batch.inputIds.subarray(0, length), (id) => tokenizer.idToToken(id));
  return { batch, tokens, target };
}

async function askBlank({ language, tokenizer, config }: AnyModel, text: string, options: QuestionOptions) {
  const { blank = 1 } = options;
  if (!language) {
    throw new ClozeError(
      'input',
      `a model trained by ${config.objective} gives no answers that could be explained`,
    );
  }
  const blanked = encodeBlanks(language, text, { topK: 1 });
  const { ids, blanks } = blanked;
  if (blank > blanks.length) {
    throw new ClozeError('option', `the text has ${blanks.length} blank(s), and no number ${blank}`);
  }
  const [answers] = await fillBlanks(language, [blanked]);
  const token =
    options.target === undefined ? answers[blank - 1][0].token : tokenNamed(options.target, tokenizer);
  const example = { inputIds: Uint32Array.from(ids), positions: [blanks[blank - 1]], labels: [token] };
  const shape = { T: ids.length, M: 1, attention: 'bidirectional', shift: 0, weighted: false } as const;
  return {
    batch: batchOf([example], Int32Array.of(0), shape, tokenizer),
    target: tokenizer.decode([token]),
  };
}

function tokenNamed(text: string, tokenizer: Tokenizer): number {
  const known = tokenizer.tokenToId(text);
  if (known !== undefined) return known;
  const ids = tokenizer.encodeToIds(text);
  if (ids.length === 1) return ids[0];
  throw new ClozeError('option', `${JSON.stringify(text)} is ${ids.length} tokens, and a blank holds one`);
}

async function askTask(
  { engine, task }: AnyModel,
  text: string,
  options: QuestionOptions,
): Promise<{ batch: Batch; target: string }> {
  const { trainee, options: run } = task!;
  const example = trainee.task.ask(text);
  if (example.words || !trainee.labels) {
    throw new ClozeError('input', `a model of ${trainee.task.name} has no one label for a text`);
  }
  const seqLen = run?.seqLen;
  const [{ labels }] = await trainee.predict(engine, [example], { seqLen, batchSize: 1 });
  const asked = { ...example, labels: [options.target ?? labels[0]] };
  trainee.check?.([asked]);
  return { batch: trainee.rows([asked], { seqLen }).batch(Int32Array.of(0)), target: asked.labels[0] };
}
