/** The heads of models of Hugging Face, opened on small models, and what each gives for rows of texts. */

import type { Engine } from '../../../src/autograd/index.ts';
import { indices, type Tensor } from '../../../src/autograd/index.ts';
import type { BertConfig } from '../../../src/mlm/bert/config.ts';
import {
  BertForMaskedLM,
  BertForQuestionAnswering,
  BertForSequenceClassification,
  BertForTokenClassification,
} from '../../../src/mlm/bert/heads.ts';
import { type BertInputArrays, bertInput } from '../../../src/mlm/bert/input.ts';
import type { BertInput } from '../../../src/mlm/bert/model.ts';
import type { Module } from '../../../src/nn/index.ts';
import { type SmallModel, smallModel } from './models.ts';

/** The labels of classifiers, where a config names no others. */
const names = Array.from({ length: 5 }, (_, i) => `label ${i}`);
const labelFields = {
  id2label: Object.fromEntries(names.map((name, i) => [String(i), name])),
  label2id: Object.fromEntries(names.map((name, i) => [name, i])),
};

const labelsOf = ({ id2label = {} }: BertConfig) => Object.keys(id2label).length;

interface Opened {
  model: Module;
  /** Logits of all tokens, [B·T, …] or [B, T, …], or of all texts, [B, …]. */
  logits(input: BertInput, rows: BertInputArrays): Tensor;
}

interface Head {
  architecture: string;
  fields: object;
  perText: boolean;
  open(config: BertConfig): Opened;
}

export const heads = {
  'fill-mask': {
    architecture: 'BertForMaskedLM',
    fields: {},
    perText: false,
    open: (config) => {
      const model = new BertForMaskedLM(config);
      return { model, logits: (input) => model.forward(input) };
    },
  },
  'text-classification': {
    architecture: 'BertForSequenceClassification',
    fields: labelFields,
    perText: true,
    open: (config) => {
      const model = new BertForSequenceClassification(config, labelsOf(config));
      return {
        model,
        logits: (input, { shape: [B, T] }) =>
          model.forward(
            input,
            indices(
              input.ids.ids.engine,
              Uint32Array.from({ length: B }, (_, b) => b * T),
            ),
          ),
      };
    },
  },
  'token-classification': {
    architecture: 'BertForTokenClassification',
    fields: labelFields,
    perText: false,
    open: (config) => {
      const model = new BertForTokenClassification(config, labelsOf(config));
      return { model, logits: (input) => model.forward(input) };
    },
  },
  'question-answering': {
    architecture: 'BertForQuestionAnswering',
    fields: {},
    perText: false,
    open: (config) => {
      const model = new BertForQuestionAnswering(config);
      return { model, logits: (input) => model.forward(input) };
    },
  },
} satisfies Record<string, Head>;

export type HeadName = keyof typeof heads;

export interface SmallHead extends SmallModel {
  logits(rows: BertInputArrays): Promise<Float32Array>;
}

/** A small model with a head, of a config in Hugging Face's words. */
export async function smallHead(engine: Engine, name: HeadName, hub: object): Promise<SmallHead> {
  const head: Head = heads[name];
  const opened: Opened[] = [];
  const small = await smallModel<Module>(
    engine,
    { ...hub, architectures: [head.architecture], ...head.fields },
    (config) => {
      opened.push(head.open(config));
      return opened[0].model;
    },
  );
  return {
    ...small,
    logits: async (rows) => {
      const logits = engine.noGrad(() =>
        engine.scope(() => opened[0].logits(bertInput(engine, rows, small.config), rows)),
      );
      const values = (await logits.data()) as Float32Array;
      logits.dispose();
      return values;
    },
  };
}

/**
 * The largest difference between numbers [units, …] of tokens that are no padding, or of texts; of numbers beyond a thousand, which are those
 * of suppressed tokens, as a share of them. NaN where there is any.
 */
export function furthest(
  ours: ArrayLike<number>,
  theirs: ArrayLike<number>,
  { shape: [B, T], attentionMask }: BertInputArrays,
  perText: boolean,
): number {
  const units = perText ? B : B * T;
  const width = ours.length / units;
  let largest = ours.length === theirs.length ? 0 : Number.NaN;
  for (let i = 0; i < ours.length; i++) {
    if (!perText && attentionMask?.[Math.floor(i / width)] === 0) continue;
    const difference = Math.abs(ours[i] - theirs[i]);
    largest = Math.max(largest, Math.abs(ours[i]) > 1000 ? difference / Math.abs(ours[i]) : difference);
  }
  return largest;
}
