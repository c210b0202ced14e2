/**
 * Options that suit the built-in languages, beneath the user's own. Their sentences are drawn afresh and cannot be
 * learnt by heart; their floors hold for pure [MASK], so that is what is trained on.
 */
import { type ObjectiveName, objectivesWith } from './objectives/index.ts';
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

/**
 * What to train this data with where the user does not say. A length that the user gives replaces the recipe's; options of
 * another objective than the one given are left out.
 */
export function recipe({ data, steps, epochs, minutes, objective }: TrainOptionsInput): TrainOptionsInput {
  const known = data?.length === 1 && Object.hasOwn(recipes, data[0]) ? recipes[data[0]] : undefined;
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
