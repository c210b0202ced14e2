/** The model that a run trains: its preset, what the options change in it, and what data and objective demand. */
import { type BertConfig, presetConfig } from '../bert/config.ts';
import type { Session } from '../data/session.ts';
import type { Objective } from '../objectives/index.ts';
import type { TrainOptions } from './options.ts';

/** The configuration of the model for `session` under `options`. Throws `option` when they contradict each other. */
export function modelConfig(
  { tokenizer, train }: Session,
  objective: Objective,
  options: TrainOptions,
): BertConfig {
  const { preset, layers, width, heads } = options;
  return presetConfig(preset, {
    ...(layers && { num_hidden_layers: layers }),
    ...(width && { hidden_size: width }),
    ...(heads && { num_attention_heads: heads }),
    objective: options.objective,
    vocab_size: tokenizer.vocabSize + objective.extraTokens,
    max_position_embeddings: objective.train.rowLength(train.T),
    hidden_dropout_prob: options.dropout,
    attention_probs_dropout_prob: options.dropout,
    norm_position: options.norm,
    position_embedding_type: options.positions,
    norm_type: options.normType,
    feed_forward: options.feedForward,
    tie_word_embeddings: options.decoder === 'tied',
    global_attn_every_n_layers: options.globalEvery,
    local_attention: options.localWindow,
    pad_token_id: Math.max(0, tokenizer.special.pad),
  });
}
