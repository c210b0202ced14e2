/**
 * Options that suit the built-in languages, beneath the user's own. Their sentences are drawn afresh and cannot be
 * learnt by heart; their floors hold for pure [MASK], so that is what is trained on.
 */
import type { TrainOptionsInput } from './options.ts';

const synthetic: TrainOptionsInput = {
  preset: 'nano',
  maskReplace: [1, 0, 0],
  batchSize: 32,
  seqLen: 34,
  evalSequences: 1000,
};

const recipes: Readonly<Record<string, TrainOptionsInput>> = {
  // The upper layers are for masks that touch: a token must look past a neighbour that is hidden too.
  'synthetic:clock': { ...synthetic, layers: 4, heads: 4, steps: 5000 },
  'synthetic:copy': { ...synthetic, steps: 1000 },
};

/** What to train this data with where the user does not say. A length that the user gives replaces the recipe's. */
export function recipe({ data, steps, epochs, minutes }: TrainOptionsInput): TrainOptionsInput {
  const found = data?.length === 1 && Object.hasOwn(recipes, data[0]) ? recipes[data[0]] : undefined;
  if (steps ?? epochs ?? minutes) return { ...found, steps };
  return found ?? {};
}
