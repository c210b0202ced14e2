/** A model that a run goes on with, instead of one of first values: its form, its words and its weights. */
import { ClozeError } from '../../gpu/errors.ts';
import type { Slab } from '../../nn/index.ts';
import type { BertConfig } from '../bert/config.ts';
import type { Session } from '../data/session.ts';
import type { Objective } from '../objectives/index.ts';
import { type FileReader, loadWeights, readDescription } from '../pretrained.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import type { TrainOptions } from './options.ts';

export interface InitialModel {
  readonly name: string;
  readonly config: BertConfig;
  readonly tokenizer: Tokenizer;
  /** Fills a model of this form with the weights. */
  load(slab: Slab): Promise<void>;
}

/** The model in a folder. Throws `input` when a file is missing and `format` when one is broken, naming it; so does `load`. */
export async function readInitial(read: FileReader, name: string): Promise<InitialModel> {
  const { config, tokenizer } = await readDescription(read, name);
  return { name, config, tokenizer, load: (slab) => loadWeights(slab, config, read, name) };
}

/**
 * The configuration of the model as a run goes on with it: what it learns by and its dropout are the run's. Throws `option` when
 * the run's rows are longer than the model reads, or when its objective needs more words than the model has.
 */
export function continuedConfig(
  { name, config }: Pick<InitialModel, 'name' | 'config'>,
  { tokenizer, train }: Session,
  objective: Objective,
  { objective: objectiveName, dropout }: TrainOptions,
): BertConfig {
  const { max_position_embeddings: longest, vocab_size: words } = config;
  const length = objective.train.rowLength(train.T);
  if (length > longest) {
    throw new ClozeError(
      'option',
      `the rows have ${length} tokens, and ${name} reads at most ${longest}`,
      `Use --seq-len ${longest - (length - train.T)} or less`,
    );
  }
  if (tokenizer.vocabSize + objective.extraTokens > words) {
    throw new ClozeError(
      'option',
      `the objective ${objectiveName} needs ${objective.extraTokens} words of its own, and ${name} has no room for them`,
      'Choose another objective, or start without --from',
    );
  }
  return {
    ...config,
    architectures: ['BertForMaskedLM'],
    objective: objectiveName,
    hidden_dropout_prob: dropout,
    attention_probs_dropout_prob: dropout,
  };
}
