/** A trained model as a folder in Hugging Face's form: config.json, model.safetensors, tokenizer.json. */
import type { Engine } from '../autograd/index.ts';
import { ClozeError } from '../gpu/index.ts';
import { materialize, type Slab } from '../nn/index.ts';
import { type BertConfig, modelType, parseConfig } from './bert/config.ts';
import { BertForMaskedLM } from './bert/heads.ts';
import { familyOf } from './interchange/family.ts';
import { type FileReader, needFile, parseJsonFile } from './interchange/files.ts';
import { loadWeights } from './interchange/weights.ts';
import { createObjective, type ObjectiveName, objectiveNames, type Trainee } from './objectives/index.ts';
import { languageModel } from './objectives/languageModel.ts';
import { parseTokenizer, parseVocabTxt, type Tokenizer } from './tokenizer/index.ts';

export type { FileReader } from './interchange/files.ts';
export { loadWeights, weightsFile } from './interchange/weights.ts';

/** A model with its memory and the tokenizer that it was trained with. */
export interface Pretrained {
  config: BertConfig;
  model: BertForMaskedLM;
  slab: Slab;
  tokenizer: Tokenizer;
}

/** The files that describe a model, weights aside. */
export function descriptionFiles(config: BertConfig, tokenizer: Tokenizer): Record<string, string> {
  const named = { ...config, architectures: config.architectures ?? ['BertForMaskedLM'] };
  const { architectures, dtype: _, objective, ...fields } = familyOf(config).config(named);
  const hub = { ...fields, model_type: modelType(config), architectures, torch_dtype: 'float32' };
  // Who reads an objective expects the table to have no more rows than the tokenizer tokens, as where both were made here.
  const own = objective !== 'mlm' || tokenizer.vocabSize === config.vocab_size;
  return {
    'config.json': `${JSON.stringify(own ? { ...hub, objective } : hub, null, 2)}\n`,
    'tokenizer.json': `${JSON.stringify(tokenizer.toJSON(), null, 2)}\n`,
  };
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
  const trainee = buildTrainee(config, tokenizer, `${folder}/config.json`);
  const slab = materialize(trainee.model, engine);
  try {
    await loadWeights(slab, config, read, folder);
  } catch (error) {
    slab.dispose();
    throw error;
  }
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
  return parseJsonFile(await needFile(read, folder, 'config.json'), `${folder}/config.json`);
}

/** The model that a config describes, with the loss of its objective. A model that was not trained here is taken for a masked language model. */
export function buildTrainee(config: BertConfig, tokenizer: Tokenizer, source: string): Trainee {
  const name = config.objective as ObjectiveName;
  if (name === 'mlm') return languageModel({ ...config, architectures: ['BertForMaskedLM'] });
  if (config.objective === 'seq2seq') return languageModel(config);
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

/** tokenizer.json, or vocab.txt with what tokenizer_config.json says of its letters. */
async function loadTokenizer(
  read: FileReader,
  folder: string,
): Promise<{ tokenizer: Tokenizer; file: string }> {
  const json = await read('tokenizer.json');
  if (json) return { tokenizer: readTokenizer(json, `${folder}/tokenizer.json`), file: 'tokenizer.json' };
  const vocabulary = await read('vocab.txt');
  if (!vocabulary) throw new ClozeError('input', `${folder} holds neither tokenizer.json nor vocab.txt`);
  const settings = await read('tokenizer_config.json');
  const { do_lower_case: lowercase = true } = settings
    ? (parseJsonFile(settings, `${folder}/tokenizer_config.json`) as { do_lower_case?: boolean })
    : {};
  const text = new TextDecoder().decode(vocabulary);
  return { tokenizer: parseVocabTxt(text, { lowercase, name: `${folder}/vocab.txt` }), file: 'vocab.txt' };
}

/** The tokenizer in the bytes of a tokenizer.json. Throws `format`, naming the file `name`, when it is broken. */
export function readTokenizer(bytes: Uint8Array, name: string): Tokenizer {
  return parseTokenizer(parseJsonFile(bytes, name), name);
}
