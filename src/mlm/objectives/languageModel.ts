/** The model of every objective that predicts tokens: the transformer with a head over the vocabulary. */

import type { BertConfig } from '../bert/config.ts';
import { BertForMaskedLM } from '../bert/heads.ts';
import { maskedLoss } from '../data/batchInputs.ts';
import type { Trainee } from './objective.ts';

/** `model` is built of the config when left out. */
export function languageModel(
  config: BertConfig,
  model: BertForMaskedLM = new BertForMaskedLM(config),
): Trainee<BertForMaskedLM> {
  return { model, config, loss: (inputs) => maskedLoss(model, inputs) };
}
