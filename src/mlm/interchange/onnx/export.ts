/** A model folder as one ONNX file. */
import { ClozeError } from '../../../gpu/errors.ts';
import { version } from '../../../gpu/version.ts';
import type { Module } from '../../../nn/index.ts';
import type { BertConfig } from '../../bert/config.ts';
import {
  BertForQuestionAnswering,
  BertForSequenceClassification,
  BertForTokenClassification,
  suppression,
} from '../../bert/heads.ts';
import { wayOfWriting } from '../../generate/way.ts';
import { buildTrainee, type FileReader, readDescription } from '../../pretrained.ts';
import type { Tokenizer } from '../../tokenizer/index.ts';
import { readParameters } from '../weights.ts';
import { Graph, opset, type Value } from './graph.ts';
import { modelProto, type Port } from './proto.ts';
import { OnnxTransformer, type Weight } from './transformer.ts';

/** A head: the model that has its parameters, and what it makes of hidden states [B, T, C]. */
interface Head {
  /** Hugging Face's name of what it does. */
  task: string;
  build(config: BertConfig, tokenizer: Tokenizer): Module;
  outputs(model: OnnxTransformer, hidden: Value): void;
}

const tokens = ['batch', 'sequence'];

const heads: Readonly<Record<string, Head>> = {
  BertForMaskedLM: {
    task: 'fill-mask',
    build: (config, tokenizer) => buildTrainee(config, tokenizer, 'config.json').model,
    outputs: (model, hidden) => {
      const { graph, config } = model;
      const own = 'cls.predictions.decoder.weight';
      const decoder = config.tie_word_embeddings ? 'bert.embeddings.word_embeddings.weight' : own;
      const scores = model.product(transform(model, hidden, 'cls.predictions.transform'), decoder);
      const biased = graph.op('Add', [scores, model.weight('cls.predictions.bias')]);
      const logits = config.suppress_tokens?.length
        ? graph.op('Add', [biased, graph.weight('suppressed', suppression(config), [config.vocab_size])])
        : biased;
      graph.output('logits', logits, [...tokens, config.vocab_size]);
    },
  },
  BertForSequenceClassification: {
    task: 'text-classification',
    build: (config) => new BertForSequenceClassification(config, labelCount(config)),
    outputs: (model, hidden) => {
      const { graph, config } = model;
      const pooled =
        config.classifier_head === 'pooler'
          ? graph.op('Tanh', [model.linear(firstToken(graph, hidden), 'bert.pooler.dense')])
          : transform(model, summary(model, hidden), 'head');
      graph.output('logits', model.linear(pooled, 'classifier'), ['batch', labelCount(config)]);
    },
  },
  BertForTokenClassification: {
    task: 'token-classification',
    build: (config) => new BertForTokenClassification(config, labelCount(config)),
    outputs: (model, hidden) => {
      const logits = model.linear(perToken(model, hidden), 'classifier');
      model.graph.output('logits', logits, [...tokens, labelCount(model.config)]);
    },
  },
  BertForQuestionAnswering: {
    task: 'question-answering',
    build: (config) => new BertForQuestionAnswering(config),
    outputs: (model, hidden) => {
      const { graph } = model;
      const both = model.linear(perToken(model, hidden), 'qa_outputs');
      const apart = graph.ops('Split', [both], 2, { axis: -1, num_outputs: 2 });
      ['start_logits', 'end_logits'].forEach((name, i) => {
        graph.output(name, graph.op('Squeeze', [apart[i], graph.integers(-1)]), tokens);
      });
    },
  },
};

/** dense, GELU, norm. */
function transform(model: OnnxTransformer, x: Value, name: string): Value {
  return model.layerNorm(model.gelu(model.linear(x, `${name}.dense`)), `${name}.LayerNorm`);
}

/** What each token's label is told from. */
function perToken(model: OnnxTransformer, hidden: Value): Value {
  return model.config.classifier_head === 'transform' ? transform(model, hidden, 'head') : hidden;
}

function firstToken(graph: Graph, hidden: Value): Value {
  return graph.op('Gather', [hidden, graph.integer(0)], { axis: 1 });
}

/** What stands for each text: its first token, or the mean of its tokens. */
function summary({ graph, config, mask }: OnnxTransformer, hidden: Value): Value {
  if (config.classifier_pooling === 'cls') return firstToken(graph, hidden);
  const weights = graph.op('Unsqueeze', [graph.op('Cast', [mask], { to: 1 }), graph.integers(-1)]);
  const sum = (x: Value) => graph.op('ReduceSum', [x, graph.integers(1)], { keepdims: 0 });
  return graph.op('Div', [sum(graph.op('Mul', [hidden, weights])), sum(weights)]);
}

function labelCount({ id2label, num_labels }: BertConfig): number {
  return id2label ? Object.keys(id2label).length : typeof num_labels === 'number' ? num_labels : 2;
}

/** An exported model, and what is to be known of it. */
export interface Exported {
  bytes: Uint8Array;
  task: string;
  opset: number;
  inputs: readonly Port[];
  outputs: readonly Port[];
}

/**
 * The ONNX file of the model in a folder: fill-mask, classification of texts or tokens, or question answering, as its `architectures` say.
 * Batch and length are free; inputs are int64 as Hugging Face names them. Throws ClozeError `input` for a model that none of these
 * describes, `format` for a broken folder.
 */
export async function exportOnnx(read: FileReader, folder: string): Promise<Exported> {
  const { config, tokenizer } = await readDescription(read, folder);
  const head = headOf(config, folder);
  const model = head.build(config, tokenizer);
  const values = await readParameters(model, config, read, folder);
  const weights = new Map<string, Weight>();
  for (const [name, { shape }] of model.namedParameters())
    weights.set(name, { values: values.get(name)!, shape });
  const graph = new Graph();
  const transformer = new OnnxTransformer(graph, config, weights);
  head.outputs(transformer, transformer.encode());
  const { task } = head;
  const bytes = modelProto({
    opset,
    producer: { name: 'cloze', version },
    graph: { name: task, ...graph },
    metadata: { task, ...(config.id2label && { id2label: JSON.stringify(config.id2label) }) },
  });
  return { bytes, task, opset, inputs: graph.inputs, outputs: graph.outputs };
}

function headOf(config: BertConfig, folder: string): Head {
  const [name = 'BertForMaskedLM'] = Array.isArray(config.architectures) ? config.architectures : [];
  if (!Object.hasOwn(heads, name)) {
    throw new ClozeError(
      'input',
      `${folder} is a ${name}, which has no form in ONNX here`,
      `Known: ${Object.keys(heads).join(', ')}`,
    );
  }
  if (name === 'BertForMaskedLM' && wayOfWriting(config.objective) !== 'unmask') {
    throw new ClozeError(
      'input',
      `${folder} was trained by ${config.objective} and fills no blanks in their places`,
      'Export a masked language model, or fine-tune this one',
    );
  }
  return heads[name];
}
