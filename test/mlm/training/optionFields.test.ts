import { expect, test } from 'vitest';
import { optionField, optionGroups } from '../../../src/mlm/training/optionFields.ts';
import { optionNames } from '../../../src/mlm/training/options.ts';

test('every option stands in one group, with a help text and a field', () => {
  const grouped = Object.values(optionGroups).flatMap((group) => Object.keys(group));
  expect([...grouped].sort()).toEqual([...optionNames].sort());
  for (const name of optionNames) expect(optionField(name).name).toBe(name);
});

test('kinds and limits are those of the schema', () => {
  expect(optionField('batchSize')).toEqual({ name: 'batchSize', kind: 'whole', least: 1, default: 32 });
  expect(optionField('validation')).toMatchObject({
    kind: 'number',
    least: 0,
    openLeast: true,
    most: 1,
    openMost: true,
  });
  expect(optionField('optimizer')).toMatchObject({
    kind: 'choice',
    choices: ['adamw', 'lamb', 'muon'],
    default: 'muon',
  });
  expect(optionField('data').kind).toBe('texts');
  expect(optionField('maskReplace')).toMatchObject({ kind: 'numbers', default: [0.8, 0.1, 0.1] });
});

test('an option that objectives share has the default of the one that is asked for', () => {
  expect(optionField('maskRate', 'mlm').default).toBe(0.15);
  expect(optionField('maskRate', 'bart').default).toBe(0.3);
});
