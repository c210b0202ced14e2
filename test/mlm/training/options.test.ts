import { describe, expect, test } from 'vitest';
import { ClozeError } from '../../../src/gpu/errors.ts';
import { optionNames, parseOptions } from '../../../src/mlm/training/options.ts';

function refusal(input: unknown): ClozeError {
  try {
    parseOptions(input, 'config.json');
  } catch (error) {
    if (error instanceof ClozeError) return error;
  }
  throw new Error(`${JSON.stringify(input)} was not refused`);
}

describe('parseOptions', () => {
  test('fills in defaults, and leaves lengths open', () => {
    const options = parseOptions({ preset: 'nano' });
    expect(options).toMatchObject({
      preset: 'nano',
      data: ['stories'],
      maskReplace: [0.8, 0.1, 0.1],
      seed: 0,
    });
    expect(options.steps).toBeUndefined();
    expect(parseOptions(options)).toEqual(options);
  });

  test('trains a built-in language as its recipe says, unless told otherwise', () => {
    const data = ['synthetic:clock'];
    const options = parseOptions({ data, batchSize: 7, lr: undefined });
    expect(options).toMatchObject({ preset: 'nano', layers: 4, batchSize: 7, lr: 5e-3 });
    expect(options.steps).toBeGreaterThan(1000);
    expect(parseOptions({ data, minutes: 2 }).steps).toBeUndefined();
    expect(parseOptions({ data, epochs: 2, steps: 9 }).steps).toBe(9);
    expect(parseOptions({ data: [...data, 'more.txt'] }).preset).toBe('tiny');
    expect(parseOptions(options)).toEqual(options);
  });

  test('names an option that does not exist, and those that do', () => {
    const { code, message } = refusal({ batchsize: 8 });
    expect(code).toBe('option');
    expect(message).toMatch(/^config\.json: there is no option batchsize\. Known: /);
    for (const name of optionNames) expect(message).toContain(name);
  });

  test.each([
    [{ batchSize: 0 }, /config\.json: batchSize: .*1/],
    [{ batchSize: 1.5 }, /batchSize/],
    [{ batchSize: '8' }, /batchSize: .*number/],
    [{ maskRate: 0 }, /maskRate/],
    [{ maskRate: 1.01 }, /maskRate/],
    [{ maskReplace: [0.8, 0.1, 0.2] }, /maskReplace: the shares must add up to 1/],
    [{ maskReplace: [1, 0] }, /maskReplace/],
    [{ dropout: 1 }, /dropout/],
    [{ lr: 0 }, /lr/],
    [{ optimizer: 'sgd' }, /optimizer: .*"adamw" \| "lamb" \| "muon"/],
    [{ beta1: 1 }, /beta1/],
    [{ beta2: -0.1 }, /beta2/],
    [{ lr: Number.NaN }, /lr/],
    [{ validation: 1 }, /validation/],
    [{ schedule: 'cosin' }, /schedule/],
    [{ norm: 'both' }, /norm/],
    [{ seed: -1 }, /seed/],
    [{ data: 'stories' }, /data/],
    ['stories', /config\.json/],
  ])('refuses %j in one line', (input, message) => {
    const error = refusal(input);
    expect(error.code).toBe('option');
    expect(error.message).toMatch(message);
    expect(error.message).not.toContain('\n');
  });
});
