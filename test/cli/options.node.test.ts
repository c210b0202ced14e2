import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addTrainFlags, readOptions } from '../../src/cli/options.ts';
import { optionNames, parseOptions } from '../../src/mlm/training/options.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloze-options-'));
});
afterAll(() => rm(folder, { recursive: true }));

function parse(args: string[]): Record<string, unknown> {
  const command = addTrainFlags(new Command().exitOverride());
  return command.parse(args, { from: 'user' }).opts();
}

async function config(content: unknown): Promise<string> {
  const path = join(folder, 'config.json');
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

describe('flags', () => {
  test('exist for every option of a run, with its default in the help', () => {
    const command = addTrainFlags(new Command());
    expect(command.options.map((option) => option.attributeName()).sort()).toEqual([...optionNames].sort());
    const help = command.helpInformation().replace(/\s+/g, ' ');
    for (const value of Object.values(parseOptions({}))) {
      if (value !== undefined && value !== false) expect(help).toContain(`(default: ${value})`);
    }
  });

  test('give the values that a program would give', async () => {
    const { options } = await readOptions(
      parse([
        '--data',
        'a.txt',
        'b',
        '--batch-size',
        '8',
        '--mask-replace',
        '1,0,0',
        '--lr',
        '1e-3',
        '--seed',
        '0',
      ]),
    );
    expect(options).toEqual({
      data: ['a.txt', 'b'],
      batchSize: 8,
      maskReplace: [1, 0, 0],
      lr: 1e-3,
      seed: 0,
    });
  });
});

describe('a config file', () => {
  test('gives way to flags and adds the rest', async () => {
    const path = await config({
      steps: 7,
      seqLen: 32,
      data: 'text.txt',
      out: 'runs/x',
      adapter: 'swiftshader',
    });
    expect(await readOptions({ ...parse(['--steps', '9']), config: path })).toEqual({
      options: { steps: 9, seqLen: 32, data: ['text.txt'] },
      out: 'runs/x',
      adapter: 'swiftshader',
      resume: undefined,
    });
  });

  test('is a base for a resumed run to change', async () => {
    await writeFile(join(folder, 'options.json'), JSON.stringify({ steps: 7, preset: 'mini' }));
    const { options } = await readOptions({ ...parse(['--steps', '9']), out: folder, resume: true });
    expect(options).toEqual({ steps: 9, preset: 'mini' });
  });

  test.each([
    ['an unknown name', { stepz: 3 }, 'there is no option stepz'],
    ['a wrong value', { steps: 0 }, 'steps: '],
    ['a wrong type', { out: 3 }, 'out must be a string'],
    ['a list', [], 'is no config'],
    ['something else', 'steps: 3', 'is not JSON'],
  ])('with %s is refused by name', async (_, content, message) => {
    const path = await config(content);
    await expect(readOptions({ config: path })).rejects.toThrow(`${path}`);
    await expect(readOptions({ config: path })).rejects.toThrow(message);
  });
});
