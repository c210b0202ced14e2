/** The options of a run as a form, from the one schema of them. */
import { objectiveNames } from '../../src/mlm/objectives/index.ts';
import { optionField, optionGroups } from '../../src/mlm/training/optionFields.ts';
import {
  optionEntries,
  parseOptions,
  type TrainOptions,
  type TrainOptionsInput,
} from '../../src/mlm/training/options.ts';
import type { OptionForm } from '../protocol.ts';

/** Chosen elsewhere on the page. */
const elsewhere: ReadonlySet<string> = new Set<keyof TrainOptions>(['data', 'from']);

export function optionForm(given: TrainOptionsInput): OptionForm {
  const objective = objectiveNames.find((name) => name === given.objective) ?? 'mlm';
  const names = new Set(Object.keys(optionEntries(objective)));
  const groups = Object.entries(optionGroups).map(([title, options]) => ({
    title: title.replace(/ \(.*|:$/g, ''),
    fields: (Object.entries(options) as [keyof TrainOptions, { help: string }][])
      .filter(([name]) => names.has(name) && !elsewhere.has(name))
      .map(([name, { help }]) => ({ ...optionField(name, objective), help })),
  }));
  try {
    return { groups, values: parseOptions(given) };
  } catch (error) {
    return { groups, values: {}, problem: (error as Error).message };
  }
}
