/** How the files of each family of models name things, and what else they hold. */
import type { StoredPlace, StoredTensor } from '../../nn/index.ts';
import { type BertConfig, type ModelType, modelType } from '../bert/config.ts';
import { placeInModernBert, toModernBert } from './modernbert.ts';

export interface Family {
  /** config.json in the family's words; `model_type` aside. */
  config(config: BertConfig): Record<string, unknown>;
  /** Where a file holds one of our parameters. */
  place(name: string): StoredPlace;
  /** What the names of the transformer's tensors begin with in a file that holds a head as well. */
  readonly prefix: string;
  /** What the names of its parts begin with in a file that holds nothing else, where that prefix is left out. */
  readonly parts: RegExp;
  /** Tensors of other heads, and ties that are written out. */
  readonly ignored: RegExp;
}

const bert: Family = {
  config: (config) => ({ ...config }),
  place: (name) => ({ name }),
  prefix: 'bert.',
  parts: /^(embeddings|encoder|pooler)\./,
  ignored:
    /^(bert\.pooler\.|cls\.seq_relationship\.|cls\.predictions\.decoder\.|bert\.embeddings\.position_ids$)/,
};

const families: Readonly<Record<ModelType, Family>> = {
  bert,
  'cloze-bert': bert,
  modernbert: {
    config: toModernBert,
    place: placeInModernBert,
    prefix: 'model.',
    parts: /^(embeddings|layers|final_norm)\./,
    ignored: /^decoder\.weight$/,
  },
};

/** The family of a model by its config. */
export function familyOf(config: BertConfig): Family {
  return families[modelType(config)];
}

/**
 * The tensors of a file by the names that are used today: older files of BERT call a norm's weight and bias gamma and beta, and files of a
 * transformer without a head leave its prefix out.
 */
export function withCurrentNames(
  tensors: ReadonlyMap<string, StoredTensor>,
  { prefix, parts }: Family,
): Map<string, StoredTensor> {
  const bare = ![...tensors.keys()].some((name) => name.startsWith(prefix));
  const current = (name: string) =>
    (bare && parts.test(name) ? prefix + name : name)
      .replace(/LayerNorm\.gamma$/, 'LayerNorm.weight')
      .replace(/LayerNorm\.beta$/, 'LayerNorm.bias');
  return new Map([...tensors].map(([name, tensor]) => [current(name), tensor]));
}
