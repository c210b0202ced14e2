/** A language model of a few thousand weights with a tokenizer that knows a few words: for tests of what is done with models. */
import type { Engine } from '../../src/autograd/index.ts';
import { type BertConfig, presetConfig } from '../../src/mlm/bert/config.ts';
import { BertForMaskedLM, trainTokenizer } from '../../src/mlm/index.ts';
import { descriptionFiles, type Pretrained, weightsFile } from '../../src/mlm/pretrained.ts';
import { materialize } from '../../src/nn/index.ts';

export const smallCorpus = 'the cat sat on the mat and the dog lay by the old red door';

export async function smallModel(engine: Engine, overrides: Partial<BertConfig> = {}): Promise<Pretrained> {
  const tokenizer = await trainTokenizer({ kind: 'wordpiece', corpus: smallCorpus, minFrequency: 1 });
  const config = presetConfig('nano', {
    vocab_size: tokenizer.vocabSize,
    max_position_embeddings: 40,
    ...overrides,
  });
  const model = new BertForMaskedLM(config);
  const slab = materialize(model, engine, { seed: 3 });
  model.eval();
  return { config, model, slab, tokenizer };
}

/** The files of its folder. */
export async function smallFiles({
  config,
  tokenizer,
  slab,
}: Pretrained): Promise<Record<string, string | Uint8Array>> {
  return { ...descriptionFiles(config, tokenizer), 'model.safetensors': await weightsFile(slab, config) };
}
