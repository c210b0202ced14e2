/**
 * Options that suit the built-in corpora, beneath the user's own. The sentences of the synthetic languages are drawn afresh and
 * cannot be learnt by heart; their floors hold for pure [MASK], so that is what is trained on.
 */
import { type ObjectiveName, objectivesWith } from '../objectives/index.ts';
import type { TrainOptionsInput } from './options.ts';

const synthetic: TrainOptionsInput = {
  preset: 'nano',
  maskReplace: [1, 0, 0],
  batchSize: 32,
  seqLen: 34,
  evalSequences: 1000,
};

/** What learns the short stories in two minutes on two processor cores. */
const shortStories: TrainOptionsInput = {
  tokenizer: 'wordpiece',
  vocabSize: 1024,
  preset: 'nano',
  layers: 3,
  heads: 4,
  batchSize: 24,
  seqLen: 64,
  maskRate: 0.4,
  maskReplace: [1, 0, 0],
  lr: 1e-2,
};

const recipes: Readonly<Record<string, TrainOptionsInput>> = {
  'stories:short': shortStories,
  // The upper layers are for masks that touch: a token must look past a neighbour that is hidden too.
  'synthetic:clock': { ...synthetic, layers: 4, heads: 4, steps: 5000 },
  'synthetic:copy': { ...synthetic, steps: 1000 },
};

/**
 * What to train this data with where the user does not say. A length that the user gives replaces the recipe's, and so
 * does a preset; options of another objective than the one given are left out.
 */
export function recipe({
  data,
  preset,
  steps,
  epochs,
  minutes,
  objective,
}: TrainOptionsInput): TrainOptionsInput {
  const suited = data?.length === 1 && Object.hasOwn(recipes, data[0]) ? recipes[data[0]] : undefined;
  // Another size of model is that of its preset, and wants a learning rate of its own.
  const known = preset ? { ...suited, layers: undefined, heads: undefined, lr: undefined } : suited;
  const found = known && withoutOthers(known, objective ?? 'mlm');
  if (steps ?? epochs ?? minutes) return { ...found, steps };
  return found ?? {};
}

function withoutOthers(options: TrainOptionsInput, objective: ObjectiveName): TrainOptionsInput {
  const fits = (name: string) => {
    const owners = objectivesWith(name);
    return owners.length === 0 || owners.includes(objective);
  };
  return Object.fromEntries(Object.entries(options).filter(([name]) => fits(name)));
}
