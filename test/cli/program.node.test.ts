import { describe, expect, test } from 'vitest';
import { complain } from '../../src/cli/program.ts';
import { ClozeError } from '../../src/gpu/errors.ts';
import { cloze, Memory } from './terminal.node.ts';

const commands = [
  ...[
    'demo',
    'train',
    'eval',
    'fill-mask',
    'generate',
    'finetune',
    'predict',
    'continue',
    'sweep',
    'embed',
    'explain',
    'export',
    'serve',
  ],
  ...['tune', 'info'],
];
const measurements = [
  'kernels',
  'roofline',
  'compile',
  'overhead',
  'start',
  'step',
  'memory',
  'tasks',
  'serve',
  'try',
];

/** The names of the commands that a help text lists. */
const listed = (help: string) =>
  [...help.slice(help.indexOf('Commands:')).matchAll(/^ {2}([a-z-]+) /gm)].map((match) => match[1]);

describe('help', () => {
  test('names every command', async () => {
    const { code, out, err } = await cloze(['--help']);
    expect(code).toBe(0);
    expect(err).toBe('');
    expect(listed(out).sort()).toEqual([...commands, 'bench'].sort());
    expect(listed((await cloze(['bench'])).out)).toEqual(measurements);
  });

  test('is what one gets without a command', async () => {
    expect(await cloze([])).toEqual(await cloze(['--help']));
  });

  const all = [...commands, ...measurements.map((name) => `bench ${name}`)];
  test.each(all)('of %s has examples, --json and --adapter', async (name) => {
    const { code, out } = await cloze([...name.split(' '), '--help']);
    expect(code).toBe(0);
    expect(out).toContain(`Examples:\n  $ cloze ${name}`);
    expect(out).toContain('--json');
    // An export only rewrites files; all others compute.
    if (name !== 'export') expect(out).toContain('--adapter');
  });

  test('the version is that of the package', async () => {
    expect((await cloze(['--version'])).out).toMatch(/^\d+\.\d+\.\d+\S*\n$/);
  });
});

describe('a wrong command line is told in one line', () => {
  test.each([
    ['an unknown option', ['--foo'], "unknown option '--foo'. See cloze --help"],
    ['a misspelt command', ['trian'], 'Did you mean train?'],
    [
      'an unknown measurement',
      ['bench', 'foo'],
      'there is no cloze bench foo. Known: kernels, roofline, compile, overhead, start, step, memory, tasks, serve, try',
    ],
    ['a misspelt option', ['train', '--batchsize', '3'], 'Did you mean --batch-size?'],
    ['no number', ['train', '--steps', 'many'], "'many' is invalid. It takes a number."],
    ['a number out of range', ['train', '--batch-size', '0'], '--batch-size: batchSize: '],
    ['a name that is none of the known', ['train', '--schedule', 'steep'], '"cosine"'],
    ['a missing value', ['train', '--steps'], 'argument missing. See cloze train --help'],
    [
      'a missing config',
      ['train', '--config', 'no-such.json'],
      'Cannot read no-such.json: there is no such file',
    ],
    ['a missing argument', ['fill-mask', '--model', 'm'], "missing required argument 'texts'"],
    ['a missing option', ['fill-mask', 'a [MASK]'], "required option '--model <folder>' not specified"],
    ['an argument too many', ['info', 'me'], "too many arguments for 'info'"],
    ['no predictions', ['fill-mask', '--model', 'm', '--top-k', '0', 'a [MASK]'], 'a whole number from 1'],
    ['nothing to resume', ['train', '--resume', '--out', 'no-such-run'], 'there is no run in no-such-run'],
  ])('%s', async (_, args, message) => {
    const { code, out, err } = await cloze(args);
    expect(code).toBe(1);
    expect(out).toBe('');
    expect(err).toMatch(/^cloze: .+\n$/);
    expect(err).toContain(message);
  });
});

describe('errors', () => {
  const told = (error: unknown) => {
    const stderr = new Memory();
    complain(stderr, error);
    return stderr.text;
  };

  test('of ours are told with their remedy', () => {
    expect(told(new ClozeError('input', 'the text is empty', 'Write some'))).toBe(
      'cloze: the text is empty. Write some\n',
    );
  });

  test('of others are told in one line, with the way to their stack', () => {
    expect(told(new TypeError('x is not\na function'))).toBe(
      'cloze: unexpected error: x is not a function. Set CLOZE_DEBUG=1 to see where\n',
    );
  });

  test('show their stack when asked to', () => {
    process.env.CLOZE_DEBUG = '1';
    try {
      expect(told(new TypeError('x'))).toContain('program.node.test.ts');
    } finally {
      delete process.env.CLOZE_DEBUG;
    }
  });
});
