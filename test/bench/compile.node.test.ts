import { describe, expect, test } from 'vitest';
import { compileText } from '../../bench/compile.node.ts';
import { cloze } from '../cli/terminal.node.ts';

describe('cloze bench compile', () => {
  test('tells each text once, cold and warm', async () => {
    const args = ['bench', 'compile', '--filter', 'softmax', '--variants', 'all', '--json'];
    const { code, out, err } = await cloze(args);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const { adapter, rows } = JSON.parse(out);
    expect(adapter).not.toBe('');
    const names = rows.map(({ kernel, variant }: Record<string, string>) => `${kernel}/${variant}`);
    expect(names).toEqual(expect.arrayContaining(['softmax/row', 'softmax/row-vec4', 'softmaxBackward/row']));
    expect(new Set(names).size).toBe(names.length);
    for (const { cold, warm } of rows) {
      for (const { pipeline, firstCall } of [cold, warm]) {
        expect(pipeline).toBeGreaterThan(0);
        expect(firstCall).toBeGreaterThanOrEqual(0);
      }
    }
  });

  test('tells what went wrong in the process', async () => {
    const { code, err } = await cloze(['bench', 'compile', '--filter', 'softmax', '--adapter', 'abacus']);
    expect(code).toBe(1);
    expect(err).toMatch(/^cloze: measuring failed: no adapter fits 'abacus'\. There is: .+\n$/);
  });
});

test('the sum of all stands below', () => {
  const [cold, warm] = [
    { pipeline: 2, firstCall: 98 },
    { pipeline: 1, firstCall: 0.5 },
  ];
  const rows = ['a', 'b'].map((kernel) => ({ kernel, variant: 'row', cold, warm }));
  const lines = compileText({ adapter: 'abacus', rows });
  expect(lines[3]).toMatch(/^a +row +2\.00 \+ 98\.0 +1\.00 \+ 0\.500$/);
  expect(lines.at(-1)).toMatch(/^in all +2 texts +200 +3\.00$/);
});
