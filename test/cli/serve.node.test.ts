/** `cloze serve`, `embed` and `explain` with a model folder, as a user calls them. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Engine } from '../../src/autograd/index.ts';
import { runCommand } from '../../src/cli/program.ts';
import { writeFolderAtomically } from '../../src/mlm/data/files.node.ts';
import { smallFiles, smallModel } from '../mlm/smallModel.ts';
import { cloze, memoryTerminal } from './terminal.node.ts';

let folder: string;
const at = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloze-serve-'));
  using engine = await Engine.open();
  await writeFolderAtomically(
    at('model'),
    await smallFiles(await smallModel(engine, { initializer_range: 0.3 })),
  );
});
afterAll(() => rm(folder, { recursive: true }));

describe('serve', () => {
  test('answers until a signal comes, and then ends well', async () => {
    const terminal = memoryTerminal();
    const args = ['serve', '--model', at('model'), '--port', '0', '--json'];
    const ended = runCommand(args, terminal);
    for (let i = 0; i < 1000 && !terminal.stdout.text.includes('listening'); i++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const { url, paths } = JSON.parse(terminal.stdout.text);
    expect(paths).toEqual(['/v1/fill-mask', '/v1/embed']);
    expect(new URL(url).hostname).toBe('127.0.0.1');
    const response = await fetch(`${url}/v1/fill-mask`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ texts: ['the [MASK] sat'], top_k: 2 }),
    });
    const { results } = (await response.json()) as { results: unknown[][] };
    const told = await cloze([
      'fill-mask',
      '--model',
      at('model'),
      '--top-k',
      '2',
      '--json',
      'the [MASK] sat',
    ]);
    expect(results[0][0]).toEqual(JSON.parse(told.out));
    process.emit('SIGTERM', 'SIGTERM');
    expect(await ended).toBe(0);
    expect(terminal.stdout.text.trim().split('\n').at(-1)).toBe('{"event":"stopping"}');
    expect(terminal.stderr.text).toBe('');
    await expect(fetch(`${url}/health`)).rejects.toThrow();
  });

  test.each([
    [['--port', '0', '--timeout', '0'], /--timeout is 0\. Give seconds, more than 0/],
    [['--max-batch', '0'], /whole number from 1/],
    [['--host', 'no.such.host.invalid', '--port', '0'], /cannot listen on no\.such\.host\.invalid/],
  ])('with %j says what is wrong', async (flags, message) => {
    const { code, err } = await cloze(['serve', '--model', at('model'), ...flags]);
    expect(code).toBe(1);
    expect(err).toMatch(message);
    expect(err.trim()).not.toContain('\n');
  });
});

describe('embed', () => {
  test('makes a vector of each text, from arguments, a file or stdin', async () => {
    await writeFile(at('texts.txt'), 'the cat\n\nthe dog\n');
    const model = ['embed', '--model', at('model'), '--json'];
    const lines = async (args: string[], stdin?: string) => {
      const { code, out, err } = await cloze([...model, ...args], stdin);
      expect({ code, err }).toEqual({ code: 0, err: '' });
      return out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
    };
    const given = await lines(['the cat', 'the dog']);
    expect(given.map(({ text }) => text)).toEqual(['the cat', 'the dog']);
    expect(given[0].embedding).toHaveLength(64);
    expect(await lines(['--file', at('texts.txt')])).toEqual(given);
    expect(await lines(['-'], 'the cat\nthe dog\n')).toEqual(given);
  });

  test('tells how near texts are', async () => {
    const args = ['embed', '--model', at('model'), '--cosine', 'the cat', 'the dog', 'the cat'];
    const { cosine } = JSON.parse((await cloze([...args, '--json'])).out);
    expect(cosine[0][2]).toBeCloseTo(1, 6);
    expect(cosine[0][1]).toBe(cosine[1][0]);
    expect(cosine[0][1]).toBeLessThan(1);
    expect((await cloze(args)).out).toContain(`${cosine[0][1].toFixed(3)}`);
  });

  test('without a text says so', async () => {
    const { code, err } = await cloze(['embed', '--model', at('model')]);
    expect({ code, err }).toEqual({
      code: 1,
      err: 'cloze: there is no text. Write some as arguments, or one a line for - or --file\n',
    });
  });
});

describe('explain', () => {
  const text = 'the cat sat on the [MASK] by the red door';

  test('tells what each token did, and draws it', async () => {
    const args = ['explain', '--model', at('model'), text];
    const { code, out, err } = await cloze([...args, '--out', at('why.svg'), '--steps', '128', '--json']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const { target, probability, value, baseline, tokens, scores } = JSON.parse(out);
    const [best] = JSON.parse((await cloze(['fill-mask', '--model', at('model'), '--json', text])).out);
    expect({ target, probability }).toEqual({
      target: best.token_str,
      probability: expect.closeTo(best.score, 4),
    });
    expect(scores).toHaveLength(tokens.length);
    const sum = scores.reduce((total: number, score: number) => total + score, 0);
    expect(Math.abs(sum - (value - baseline))).toBeLessThan(0.01);
    expect(await readFile(at('why.svg'), 'utf8')).toContain('<title>cat: ');
    expect((await cloze([...args, '--target', 'mat'])).out).toMatch(/^mat: /);
  });

  test('shows where the heads look, and draws it', async () => {
    const args = ['explain', '--model', at('model'), text, '--attention', '--layer', '2'];
    const { heads, tokens } = JSON.parse((await cloze([...args, '--out', at('heads.svg'), '--json'])).out);
    expect(heads.map(({ layer, head }: Record<string, number>) => [layer, head])).toEqual([
      [2, 1],
      [2, 2],
    ]);
    for (const row of heads[0].attention) {
      expect(row.reduce((sum: number, share: number) => sum + share, 0)).toBeCloseTo(1, 5);
    }
    expect((await readFile(at('heads.svg'), 'utf8')).match(/fill-opacity/g)).toHaveLength(
      2 * tokens.length ** 2,
    );
    expect((await cloze([...args, '--head', '3'])).err).toBe('cloze: --head is 3, and the model has 2\n');
  });
});
