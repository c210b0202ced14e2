/** The whole way of a newcomer, in small: train, stop, resume, evaluate, fill in blanks. */
import { mkdir, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readTokenizer } from '../../src/mlm/pretrained.ts';
import { trainTokenizer } from '../../src/mlm/tokenizer/index.ts';
import { cloze, jsonLines } from './terminal.node.ts';

let folder: string;
let text: string;
const small = ['--tokenizer', 'char', '--documents', 'line', '--preset', 'nano'];
const short = ['--seq-len', '16', '--batch-size', '4', '--eval-sequences', '8'];
const sizes = [...small, ...short];
const at = (name: string) => join(folder, name);

function events(out: string): Record<string, unknown>[] {
  return jsonLines(out);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloze-train-'));
  text = at('text.txt');
  const lines = Array.from({ length: 60 }, (_, i) => `the cat sat ${i % 3 ? 'on' : 'by'} a mat`);
  await writeFile(text, lines.join('\n'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('train', () => {
  test('prints events alone as JSON, the last of the promised form', async () => {
    const args = ['train', '--data', text, ...sizes, '--steps', '4', '--out', at('a'), '--json'];
    const { code, out, err } = await cloze(args);
    expect(err).toBe('');
    expect(code).toBe(0);
    const all = events(out);
    expect(all[0].event).toBe('start');
    expect(all.filter(({ event }) => event === 'step').map(({ step }) => step)).toEqual([1, 2, 3, 4]);
    expect(all.at(-1)).toMatchObject({
      event: 'done',
      steps: 4,
      trainLoss: expect.any(Number),
      valLoss: expect.any(Number),
      valAccuracy: expect.any(Number),
      floor: null,
      baselines: { unigram: { loss: expect.any(Number) }, neighbours: { loss: expect.any(Number) } },
      tokensPerSecond: expect.any(Number),
      adapter: expect.any(String),
      out: at('a'),
    });
  });

  test('keeps the options of the run, and does not overwrite it unasked', async () => {
    const { batchSize, data } = JSON.parse(await readFile(at('a/options.json'), 'utf8'));
    expect({ batchSize, data }).toEqual({ batchSize: 4, data: [text] });
    const { code, err } = await cloze(['train', '--data', text, ...sizes, '--out', at('a')]);
    expect(code).toBe(1);
    expect(err).toContain('holds a run');
  });

  test('goes on where it stopped, to the same weights as in one go', async () => {
    const rest = ['--schedule', 'constant', '--warmup', '0', '--eval-every', '2'];
    const run = async (...args: string[]) => {
      const { code, out, err } = await cloze(['train', ...args, '--json']);
      expect({ code, err }).toEqual({ code: 0, err: '' });
      return events(out);
    };
    await run('--data', text, ...sizes, ...rest, '--steps', '2', '--out', at('b'));
    const resumed = await run('--out', at('b'), '--resume', '--steps', '4');
    expect(resumed[0]).toMatchObject({ event: 'start', firstStep: 3 });
    await run('--data', text, ...sizes, ...rest, '--steps', '4', '--out', at('c'));
    const weights = (name: string) => readFile(at(`${name}/checkpoint/model.safetensors`));
    expect((await weights('b')).equals(await weights('c'))).toBe(true);
    expect(await readFile(at('b/metrics.jsonl'), 'utf8')).toBe(await readFile(at('c/metrics.jsonl'), 'utf8'));
  });

  test('tells people what to beat, where the model is and what to try next', async () => {
    const { code, out } = await cloze(['train', '--data', text, ...sizes, '--steps', '2', '--out', at('d')]);
    expect(code).toBe(0);
    for (const part of ['Adapter ', 'Corpus ', 'Vocabulary ', 'validation loss', `Saved to ${at('d')}`])
      expect(out).toContain(part);
    expect(out).toContain(`npx cloze fill-mask --model ${at('d')}`);
  });
});

describe('generate', () => {
  test('fills the blanks of a prompt, or writes behind it, the same for the same seed', async () => {
    const write = async (...args: string[]) => {
      const { code, out } = await cloze(['generate', '--model', at('a'), '--json', ...args]);
      expect(code).toBe(0);
      return (JSON.parse(out) as { text: string }[]).map((one) => one.text);
    };
    const [one, other] = await write('the cat', '--max-tokens', '4', '--count', '2', '--seed', '1');
    expect(one.startsWith('the cat')).toBe(true);
    expect(await write('the cat', '--max-tokens', '4', '--count', '2', '--seed', '1')).toEqual([one, other]);
    const [filled] = await write('the [MASK] sat', '--temperature', '0');
    expect(filled).not.toContain('[MASK]');
    const { code, err } = await cloze(['generate', '--model', at('a'), '--top-k', '0']);
    expect(code).toBe(1);
    expect(err).toContain('a whole number from 1');
  });
});

describe('eval', () => {
  test('scores a run on its own text as the run did', async () => {
    const trained = await readFile(at('a/metrics.jsonl'), 'utf8');
    const best = Math.min(
      ...events(trained)
        .filter(({ event }) => event === 'eval')
        .map(({ loss }) => Number(loss)),
    );
    const { code, out } = await cloze(['eval', '--model', at('a'), '--eval-sequences', '8', '--json']);
    expect(code).toBe(0);
    const score = JSON.parse(out);
    expect(Object.keys(score)).toEqual([
      'loss',
      'accuracy',
      'perplexity',
      'maskRate',
      'maskSeed',
      'heldOut',
      'baselines',
      'measures',
    ]);
    expect(score.loss).toBeCloseTo(best, 5);
    expect(score.perplexity).toBeCloseTo(Math.exp(best), 3);
    expect(score.maskRate).toBe(0.15);
  });

  test('puts the baselines beside the model for people', async () => {
    const { out } = await cloze(['eval', '--model', at('a'), '--data', text, '--mask-rate', '0.3']);
    expect(out).toMatch(/30\.0 %, mask seed \d+/);
    expect(out).toMatch(/word counts alone +\d+\.\d{3} +\d+\.\d %/);
  });

  test("scores all of a text that is not the run's own, and of that one only when asked", async () => {
    const other = at('other.txt');
    await writeFile(other, Array.from({ length: 20 }, () => 'a cat sat by the mat').join('\n'));
    const score = async (...args: string[]) => {
      const flags = ['--model', at('a'), '--mask-rate', '0.5', ...args];
      const [text, json] = [await cloze(['eval', ...flags]), await cloze(['eval', ...flags, '--json'])];
      const masked = Number(text.out.split(' ')[0]);
      return { masked, told: text.out.split('\n')[0], ...JSON.parse(json.out) };
    };
    const [own, whole] = [await score('--data', text), await score('--all')];
    expect(own).toMatchObject({ heldOut: true, baselines: { unigram: { loss: expect.any(Number) } } });
    expect(own.told).toContain('of the held-out share of');
    expect(whole).toMatchObject({ heldOut: false, baselines: { unigram: { loss: expect.any(Number) } } });
    expect(whole.masked).toBeGreaterThan(5 * own.masked);
    const [all, share] = [await score('--data', other), await score('--data', other, '--validation', '0.2')];
    expect(all).toMatchObject({ heldOut: false, baselines: { unigram: { loss: expect.any(Number) } } });
    expect(all.told).toContain('of all of');
    expect(all.masked).toBeGreaterThan(3 * share.masked);
    expect(share.heldOut).toBe(true);
  });

  test('refuses sequences longer than the model', async () => {
    const { code, err } = await cloze(['eval', '--model', at('a'), '--seq-len', '64']);
    expect(code).toBe(1);
    expect(err).toBe(
      'cloze: --seq-len 64 makes rows of 64 tokens, and this model reads at most 16. Use --seq-len 16 or less\n',
    );
  });
});

describe('fill-mask', () => {
  const fill = (...texts: string[]) => cloze(['fill-mask', '--model', at('a'), '--json', ...texts]);
  const prediction = {
    score: expect.any(Number),
    token: expect.any(Number),
    token_str: expect.any(String),
    sequence: expect.any(String),
  };

  test('gives a list for one blank', async () => {
    const list = JSON.parse((await fill('the c[MASK]t', '--top-k', '2')).out);
    expect(list).toEqual([prediction, prediction]);
    expect(list[0].score).toBeGreaterThanOrEqual(list[1].score);
    expect(list[0].sequence).toBe(`the c${list[0].token_str}t`);
  });

  test('gives a list of lists for several blanks, and of those for several texts', async () => {
    const two = JSON.parse((await fill('the [MASK]a[MASK]', '--top-k', '1')).out);
    expect(two).toEqual([[prediction], [prediction]]);
    const texts = JSON.parse((await fill('the [MASK]a[MASK]', 'a m[MASK]t', '--top-k', '1')).out);
    expect(texts).toEqual([[[prediction], [prediction]], [prediction]]);
  });

  test('reads texts from stdin', async () => {
    const { out } = await cloze(
      ['fill-mask', '--model', at('a'), '--json', '-'],
      'a m[MASK]t\n\nthe c[MASK]t\n',
    );
    expect(JSON.parse(out)).toHaveLength(2);
  });

  test('shows probabilities to people', async () => {
    const { out } = await cloze(['fill-mask', '--model', at('a'), 'the c[MASK]t']);
    expect(out).toMatch(/^the c\[MASK\]t\n( {3}.* +\d+\.\d %.*\n){5}\n$/);
  });
});

describe('bad input is told in one line', () => {
  const told = async (args: string[]) => {
    const { code, out, err } = await cloze(args);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toMatch(/^cloze: .+\n$/);
    return err;
  };
  const train = (data: string, ...more: string[]) =>
    told(['train', '--data', data, ...sizes, '--steps', '1', '--out', at('bad'), ...more]);
  /** A copy of run `a` with one file changed, and what a command says of it. */
  const broken = async (
    name: string,
    change: (path: string) => Promise<void>,
    command = ['fill-mask', 'a [MASK]'],
  ) => {
    await mkdir(at('broken'), { recursive: true });
    for (const file of ['config.json', 'tokenizer.json', 'model.safetensors'])
      await writeFile(at(`broken/${file}`), await readFile(at(`a/${file}`)));
    await change(at(`broken/${name}`));
    return told([...command, '--model', at('broken')]);
  };

  const resume = (out: string) => told(['train', '--out', out, '--resume', '--steps', '9']);

  test('a missing file', async () => {
    expect(await train(at('none.txt'))).toContain('none.txt');
  });

  test('an empty corpus', async () => {
    await writeFile(at('empty.txt'), '\n\n');
    expect(await train(at('empty.txt'))).toContain('empty.txt');
  });

  test('a binary file', async () => {
    await writeFile(at('binary.txt'), new Uint8Array([1, 0, 2]));
    expect(await train(at('binary.txt'))).toContain('is a binary file');
  });

  test('a tokenizer that is none', async () => {
    expect(await train(text, '--tokenizer', 'chars')).toContain('there is no tokenizer chars');
  });

  test('a preset that is none', async () => {
    expect(await train(text, '--preset', 'huge')).toContain('Known: nano');
  });

  test('a corrupt checkpoint', async () => {
    await truncate(at('d/checkpoint/optimizer.safetensors'), 1000);
    expect(await resume(at('d'))).toContain('checkpoint/optimizer.safetensors');
  });

  test('truncated weights', async () => {
    expect(await broken('model.safetensors', (path) => truncate(path, 5000))).toContain('model.safetensors');
  });

  test("a tokenizer.json that is not the model's, whatever is asked of the model", async () => {
    await writeFile(at('labelled.txt'), 'GOOD a cat\nBAD a mat\n'.repeat(9));
    const { vocab_size: trained } = JSON.parse(await readFile(at('a/config.json'), 'utf8'));
    for (const corpus of ['abc', 'abcdefghijklmnopqrstuvwxyz']) {
      const other = await trainTokenizer({ kind: 'char', corpus });
      expect(other.vocabSize).not.toBe(trained);
      const change = (path: string) => writeFile(path, JSON.stringify(other));
      for (const command of [
        ['eval', '--data', text],
        ['fill-mask', 'a [MASK]'],
        ['generate', 'the'],
        ['finetune', '--task', 'classification', '--data', at('labelled.txt')],
      ]) {
        const error = await broken('tokenizer.json', change, command);
        expect(error, command[0]).toContain(`broken/tokenizer.json has ${other.vocabSize} tokens, and the`);
        expect(error, command[0]).toContain(`has ${trained}. Put the tokenizer.json there`);
      }
    }
  });

  test('a checkpoint whose tokenizer is another than the data now gives', async () => {
    const path = at('b/checkpoint/tokenizer.json');
    const { vocabSize } = readTokenizer(await readFile(path), path);
    for (const [corpus, told] of [
      [
        'abc',
        `the 8 tokens of checkpoint/tokenizer.json, and its data or --tokenizer now gives ${vocabSize}`,
      ],
      ['ABCDEFGHIJKLMNOPQRSTUVWXYZ'.slice(0, vocabSize - 5), 'now gives other ones'],
    ]) {
      await writeFile(path, JSON.stringify(await trainTokenizer({ kind: 'char', corpus })));
      expect(await resume(at('b'))).toContain(told);
    }
  });

  test('a config that is not JSON', async () => {
    expect(await broken('config.json', (path) => writeFile(path, '{'))).toContain('config.json is not JSON');
  });

  test('a folder without a model', async () => {
    expect(await told(['fill-mask', '--model', at('none'), 'a [MASK]'])).toContain('has no config.json');
  });

  test('a text longer than the model', async () => {
    const long = `${'the cat sat '.repeat(3)}[MASK]`;
    expect(await told(['fill-mask', '--model', at('a'), long])).toContain('at most 16');
  });

  test('a text without a blank', async () => {
    expect(await told(['fill-mask', '--model', at('a'), 'a mat'])).toContain('there is no [MASK]');
  });

  test('a loss that is no number', async () => {
    const run = ['--data', text, ...sizes, '--steps', '9', '--eval-every', '9', '--out', at('nan'), '--json'];
    const { code, err } = await cloze(['train', ...run, '--lr', '1e30', '--max-grad-norm', '0']);
    expect(code).toBe(1);
    expect(err).toMatch(
      /^cloze: the (validation )?loss is .+ step \d+; the first tensor that is not finite is .+\n$/,
    );
  });

  test('an adapter that is not there', async () => {
    expect(await train(text, '--adapter', 'abacus', '--force')).toMatch(
      /no adapter fits 'abacus'\. There is: /,
    );
  });
});
