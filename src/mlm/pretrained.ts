/** A trained masked language model as a folder in Hugging Face's form: config.json, model.safetensors, tokenizer.json. */
import type { Engine } from '../autograd/index.ts';
import { ClozeError } from '../gpu/index.ts';
import {
  loadStateDict,
  materialize,
  parseSafetensors,
  type Slab,
  serializeSafetensors,
  stateDict,
} from '../nn/index.ts';
import { type BertConfig, modelType, parseConfig } from './bert/config.ts';
import { BertForMaskedLM } from './bert/heads.ts';
import { createObjective, type ObjectiveName, objectiveNames, type Trainee } from './objectives/index.ts';
import { languageModel } from './objectives/languageModel.ts';
import { parseTokenizer, parseVocabTxt, type Tokenizer } from './tokenizer/index.ts';

/** A model with its memory and the tokenizer that it was trained with. */
export interface Pretrained {
  config: BertConfig;
  model: BertForMaskedLM;
  slab: Slab;
  tokenizer: Tokenizer;
}

/** Reads one file of a folder; undefined when there is none. */
export type FileReader = (name: string) => Promise<Uint8Array | undefined>;

/** Tensors that checkpoints of other models hold beside ours, and ties that are written out. */
const ignored =
  /^(bert\.pooler\.|cls\.seq_relationship\.|cls\.predictions\.decoder\.|bert\.embeddings\.position_ids$)/;

/** The files that describe a model, weights aside. */
export function descriptionFiles(config: BertConfig, tokenizer: Tokenizer): Record<string, string> {
  const hub = {
    architectures: ['BertForMaskedLM'],
    model_type: modelType(config),
    torch_dtype: 'float32',
    ...config,
  };
  return {
    'config.json': `${JSON.stringify(hub, null, 2)}\n`,
    'tokenizer.json': `${JSON.stringify(tokenizer.toJSON(), null, 2)}\n`,
  };
}

/** The weights as model.safetensors; `format: pt` is what older loaders insist on. */
export async function weightsFile(slab: Slab): Promise<Uint8Array> {
  return serializeSafetensors(await stateDict(slab), { format: 'pt' });
}

/**
 * Loads a model folder for its language model. Throws `input` when a file is missing, or when the model was trained by an
 * objective that leaves none; `format` when a file is broken, naming it.
 */
export async function loadPretrained(engine: Engine, read: FileReader, folder: string): Promise<Pretrained> {
  const { trainee, slab, tokenizer } = await loadTrained(engine, read, folder);
  const { model, config } = trainee;
  if (model instanceof BertForMaskedLM) return { config, model, slab, tokenizer };
  slab.dispose();
  throw new ClozeError(
    'input',
    `${folder} was trained by ${config.objective}, which leaves no language model`,
    'Use it for cloze eval, or for fine-tuning',
  );
}

/** A model as its objective built it. */
export interface Trained {
  trainee: Trainee;
  slab: Slab;
  tokenizer: Tokenizer;
}

/** Loads a model folder as its objective built it. Throws `input` when a file is missing and `format` when one is broken, naming it. */
export async function loadTrained(engine: Engine, read: FileReader, folder: string): Promise<Trained> {
  const { config, tokenizer } = await readDescription(read, folder);
  const weights = await readWeights(read, folder);
  const trainee = buildTrainee(config, tokenizer, `${folder}/config.json`);
  const slab = materialize(trainee.model, engine);
  const { tensors } = parseSafetensors(weights, `${folder}/model.safetensors`);
  loadStateDict(slab, tensors, { ignore: (name) => ignored.test(name) });
  trainee.model.eval();
  return { trainee, slab, tokenizer };
}

/** What describes the model in a folder, weights aside. Throws what {@link loadTrained} throws. */
export async function readDescription(
  read: FileReader,
  folder: string,
): Promise<{ config: BertConfig; tokenizer: Tokenizer }> {
  const json = await readConfigJson(read, folder);
  const config = parseConfig(json, `${folder}/config.json`);
  const { tokenizer, file } = await loadTokenizer(read, folder);
  const trainedHere = Object.hasOwn(json as object, 'objective');
  const expected = config.vocab_size - (trainedHere ? extraTokens(config, tokenizer) : 0);
  // Models of others may have more rows in their table than their tokenizer has tokens.
  if (trainedHere ? tokenizer.vocabSize !== expected : tokenizer.vocabSize > expected) {
    throw new ClozeError(
      'format',
      `${folder}/${file} has ${tokenizer.vocabSize} tokens, and the model that ${folder}/config.json describes has ${expected}`,
      `Put the ${file} there that the model was trained with`,
    );
  }
  return { config, tokenizer };
}

/** The ids that the objective of a model has above its tokenizer's. */
function extraTokens({ objective }: BertConfig, tokenizer: Tokenizer): number {
  const name = objectiveNames.find((known) => known === objective);
  return name ? createObjective({ objective: name }, tokenizer).extraTokens : 0;
}

/** The config of the model in a folder. Throws `input` when there is none, `format` when it is broken. */
export async function readModelConfig(read: FileReader, folder: string): Promise<BertConfig> {
  return parseConfig(await readConfigJson(read, folder), `${folder}/config.json`);
}

async function readConfigJson(read: FileReader, folder: string): Promise<unknown> {
  return parseJson(await need(read, folder, 'config.json'), `${folder}/config.json`);
}

/** The weights in a folder. Throws `input` when there are none. */
export function readWeights(read: FileReader, folder: string): Promise<Uint8Array> {
  return need(read, folder, 'model.safetensors');
}

/** The model that a config describes, with the loss of its objective. A model that was not trained here is taken for a BERT. */
function buildTrainee(config: BertConfig, tokenizer: Tokenizer, source: string): Trainee {
  const name = config.objective as ObjectiveName;
  if (name === 'mlm') return languageModel(config);
  if (objectiveNames.includes(name)) {
    const objective = createObjective({ objective: name }, tokenizer);
    return objective.build(config);
  }
  throw new ClozeError(
    'format',
    `${source}: there is no objective ${name}`,
    `Known: ${objectiveNames.join(', ')}`,
  );
}

async function loadTokenizer(
  read: FileReader,
  folder: string,
): Promise<{ tokenizer: Tokenizer; file: string }> {
  const json = await read('tokenizer.json');
  if (json) return { tokenizer: readTokenizer(json, `${folder}/tokenizer.json`), file: 'tokenizer.json' };
  const vocabulary = await read('vocab.txt');
  if (vocabulary) {
    const name = `${folder}/vocab.txt`;
    return { tokenizer: parseVocabTxt(new TextDecoder().decode(vocabulary), { name }), file: 'vocab.txt' };
  }
  throw new ClozeError('input', `${folder} holds neither tokenizer.json nor vocab.txt`);
}

/** The tokenizer in the bytes of a tokenizer.json. Throws `format`, naming the file `name`, when it is broken. */
export function readTokenizer(bytes: Uint8Array, name: string): Tokenizer {
  return parseTokenizer(parseJson(bytes, name), name);
}

async function need(read: FileReader, folder: string, name: string): Promise<Uint8Array> {
  const bytes = await read(name);
  if (bytes) return bytes;
  throw new ClozeError(
    'input',
    `${folder} has no ${name}`,
    'Name a folder that `cloze train` or Hugging Face wrote',
  );
}

function parseJson(bytes: Uint8Array, name: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new ClozeError('format', `${name} is not JSON: ${(error as Error).message}`);
  }
}
