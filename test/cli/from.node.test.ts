/** `cloze train --from`: a run that goes on with a model. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { cloze, jsonLines } from './terminal.node.ts';

const folder = mkdtempSync(join(tmpdir(), 'cloze-from-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string) => join(folder, name);

const options =
  '--data synthetic:clock --seq-len 18 --batch-size 8 --eval-sequences 8 --eval-every 30 --checkpoint-every 5 --schedule constant';

async function train(out: string, ...more: string[]) {
  const {
    code,
    out: text,
    err,
  } = await cloze(['train', ...options.split(' '), '--out', at(out), '--json', ...more]);
  const events = text.trim() === '' ? [] : jsonLines(text);
  const losses = events.filter(({ event }) => event === 'step').map(({ loss }) => loss as number);
  return { code, err, losses, start: events.find(({ event }) => event === 'start') };
}

test('a run goes on with the form, the words and the weights of a model, and can be resumed', async () => {
  const first = await train('first', '--preset', 'nano', '--layers', '1', '--steps', '30');
  expect(first.code).toBe(0);
  const more = ['--from', at('first'), '--lr', '1e-3'];
  const second = await train('second', ...more, '--steps', '10');
  expect({ code: second.code, err: second.err }).toEqual({ code: 0, err: '' });
  // A new model's first loss is that of guessing; this one begins where the other ended.
  expect(second.losses[0]).toBeLessThan(0.9 * first.losses[0]);
  const parameters = (run: typeof first) => run.start.parameters;
  expect(parameters(second)).toBe(parameters(first));
  const tokenizer = (run: string) => readFileSync(at(`${run}/tokenizer.json`), 'utf8');
  expect(tokenizer('second')).toBe(tokenizer('first'));

  expect((await train('half', ...more, '--steps', '5')).code).toBe(0);
  expect((await train('half', '--resume', '--steps', '10')).losses).toEqual(second.losses.slice(5));
  const weights = (run: string) => readFileSync(at(`${run}/checkpoint/model.safetensors`));
  expect(weights('half').equals(weights('second'))).toBe(true);
});

test.each([
  [
    'rows longer than the model reads',
    ['--seq-len', '40'],
    /the rows have 40 tokens, and .*first reads at most 18\. Use --seq-len 18 or less/,
  ],
  [
    'an objective with words of its own',
    ['--objective', 't5', '--seq-len', '8'],
    /the objective t5 needs \d+ words of its own, and .*first has no room/,
  ],
])('%s are refused', async (_, flags, message) => {
  const { code, err } = await train('refused', '--from', at('first'), ...flags);
  expect(code).toBe(1);
  expect(err).toMatch(message);
});

test('a folder that holds no model is named', async () => {
  const { code, err } = await train('none', '--from', at('nowhere'));
  expect(code).toBe(1);
  expect(err).toMatch(/^cloze: .*nowhere has no config\.json/);
});
