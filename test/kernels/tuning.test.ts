import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Device } from '../../src/gpu/index.ts';
import type { TextCache } from '../../src/gpu/platform.ts';
import { version } from '../../src/gpu/version.ts';
import { accumulate } from '../../src/kernels/accumulate.ts';
import { dropout } from '../../src/kernels/dropout.ts';
import { type AnyKernelSpec, Launcher, selectVariant, type TunedProblem } from '../../src/kernels/index.ts';
import { tune, winner } from '../../src/kernels/tune.ts';
import { problemKey, Tuning } from '../../src/kernels/tuning.ts';
import { forgetTuning, loadTuning, readTuning, rememberTuning } from '../../src/kernels/tuningStore.ts';

let device: Device;
beforeAll(async () => {
  device = await Device.open();
});
afterAll(() => device.close());

const choose = (variant: string, problem: { count: number }) =>
  new Tuning([{ kernel: 'accumulate', problem: problemKey(accumulate, problem), variant }]);

describe('the winner', () => {
  const race = (own: number[], other: number[]) =>
    winner(
      'own',
      new Map([
        ['own', own],
        ['other', other],
      ]),
    );

  test.each([
    ['is faster in every round', [10, 11, 30], [8, 9, 20], 'other'],
    ['was slower in one round: noise', [10, 11, 10, 10], [8, 9, 8, 10.5], 'own'],
    ['is faster by too little', [10, 10, 10], [9.9, 9.8, 9.7], 'own'],
    ['is slower', [10, 10, 10], [12, 12, 12], 'own'],
  ])('%s', (_, own, other, expected) => {
    expect(race(own, other)).toBe(expected);
  });

  test('is the fastest of several; without measurements the own choice stands', () => {
    const times = new Map([
      ['a', [5, 5]],
      ['own', [9, 9]],
      ['b', [4, 4]],
    ]);
    expect(winner('own', times)).toBe('b');
    expect(winner('own', new Map())).toBe('own');
  });
});

describe('a launcher', () => {
  const run = (launcher: Launcher, count: number) => {
    const size = 4 * count;
    const views = ['source', 'destination'].map((name) => device.acquire(size, name));
    const [source, destination] = views.map((buffer) => ({ buffer, offset: 0, size }));
    const labels: string[] = [];
    const { dispatch } = device;
    device.dispatch = (label, ...rest) => {
      labels.push(label);
      dispatch.call(device, label, ...rest);
    };
    launcher.run(accumulate, { count }, { source, destination });
    device.dispatch = dispatch;
    for (const buffer of views) device.release(buffer);
    return labels[0];
  };

  test('prefers an override, then what was tuned, then its own choice', () => {
    const launcher = new Launcher(device);
    expect(run(launcher, 8)).toBe('accumulate/vec4');
    launcher.tuning = choose('scalar', { count: 8 });
    expect(run(launcher, 8)).toBe('accumulate/scalar');
    expect(run(launcher, 16)).toBe('accumulate/vec4');
    launcher.overrides.set('accumulate', 'vec4');
    expect(run(launcher, 8)).toBe('accumulate/vec4');
    launcher.overrides.clear();
    launcher.tuning = undefined;
    expect(run(launcher, 8)).toBe('accumulate/vec4');
  });

  test('passes over a tuned variant that does not exist or cannot do the problem', () => {
    const { capabilities } = device;
    const name = (tuned: string, count: number) =>
      selectVariant(accumulate, { count }, capabilities, { tuned }).name;
    expect(name('gone', 8)).toBe('vec4');
    expect(name('vec4', 7)).toBe('scalar');
  });

  test('knows the problems that it ran, each once', () => {
    const launcher = new Launcher(device);
    for (const count of [8, 16, 8]) run(launcher, count);
    expect(launcher.problems).toEqual([
      { spec: accumulate, problem: { count: 8 } },
      { spec: accumulate, problem: { count: 16 } },
    ]);
  });
});

describe('tuning', () => {
  /** Adds each element 4,000 times over, for nothing: what a poor heuristic would choose. */
  const slow = {
    ...accumulate.variants[0],
    name: 'slow',
    source: (problem: { count: number }, capabilities: Device['capabilities']) =>
      accumulate.variants[0]
        .source(problem, capabilities)
        .replace(/(destination\[(\w+)\] = [^;]+;)/, 'for (var n = 0u; n < params.count; n++) { $1 }'),
  };
  const spec: AnyKernelSpec = {
    ...accumulate,
    variants: [...accumulate.variants, slow],
    choose: () => 'slow',
  };

  test('finds a variant faster than the own choice', async () => {
    expect(slow.source({ count: 4 }, device.capabilities)).toContain('for (var n');
    const told: string[] = [];
    const [result, alone] = await tune(
      device,
      [
        { spec, problem: { count: 4096 } },
        { spec: { ...accumulate, variants: accumulate.variants.slice(0, 1) }, problem: { count: 5 } },
      ],
      { rounds: 3, onProblem: ({ problem }, done, of) => told.push(`${done}/${of} ${problem}`) },
    );
    expect(result).toMatchObject({ kernel: 'accumulate', problem: '{"count":4096}', own: 'slow' });
    expect(['scalar', 'vec4']).toContain(result.variant);
    expect(alone).toMatchObject({ own: 'scalar', variant: 'scalar', ms: {} });
    expect(told).toEqual(['1/2 {"count":4096}', '2/2 {"count":5}']);
  });

  test('measures problems that take equal time once', async () => {
    const problems = [0, 1, 2].map((layer) => ({ spec: dropout, problem: { count: 8, p: 0.1, layer } }));
    const results = await tune(device, problems, { rounds: 1 });
    expect(results.map(({ problem }) => problem)).toEqual(['{"count":8,"p":0.1}']);
    const tuning = new Tuning([{ ...results[0], variant: 'scalar' }]);
    expect(tuning.variantFor(dropout, { layer: 7, p: 0.1, count: 8 })).toBe('scalar');
    expect(tuning.variantFor(dropout, { layer: 7, p: 0.2, count: 8 })).toBeUndefined();
  });
});

describe('what is remembered', () => {
  const here = { name: 'abacus', description: 'beads 1.0' };
  const result = (problem: string, variant: string): TunedProblem => ({
    kernel: 'accumulate',
    problem,
    own: 'scalar',
    variant,
    ms: { scalar: 3, [variant]: variant === 'scalar' ? 3 : 2 },
  });

  function memory(text?: string): TextCache {
    let kept = text;
    return {
      place: (name) => `memory/${name}`,
      read: async () => kept,
      write: async (_, written) => {
        kept = written;
      },
      remove: async () => {
        kept = undefined;
      },
    };
  }

  test('holds for the adapter, the driver and the version that it was measured with', async () => {
    const cache = memory();
    expect(await loadTuning(here, cache)).toBeUndefined();
    await rememberTuning(here, [result('{"count":4}', 'vec4')], cache);
    expect(await readTuning(cache)).toEqual([
      {
        adapter: 'abacus',
        driver: 'beads 1.0',
        engine: version,
        kernel: 'accumulate',
        problem: '{"count":4}',
        variant: 'vec4',
        own: 'scalar',
        ratio: 1.5,
      },
    ]);
    expect((await loadTuning(here, cache))?.variantFor(accumulate, { count: 4 })).toBe('vec4');
    expect(await loadTuning({ ...here, name: 'slide rule' }, cache)).toBeUndefined();
    expect(await loadTuning({ ...here, description: 'beads 1.1' }, cache)).toBeUndefined();
    const older = (await cache.read(''))!.replace(`"${version}"`, '"0.0.1"');
    expect(await loadTuning(here, memory(older))).toBeUndefined();
  });

  test('is replaced problem by problem, and not kept where the own choice stands', async () => {
    const cache = memory();
    await rememberTuning(here, [result('{"count":4}', 'vec4'), result('{"count":8}', 'vec4')], cache);
    await rememberTuning({ ...here, name: 'slide rule' }, [result('{"count":4}', 'vec4')], cache);
    await rememberTuning(here, [result('{"count":4}', 'scalar')], cache);
    const kept = (await readTuning(cache)).map(({ adapter, problem }) => `${adapter} ${problem}`);
    expect(kept).toEqual(['abacus {"count":8}', 'slide rule {"count":4}']);
    await forgetTuning(cache);
    expect(await readTuning(cache)).toEqual([]);
  });

  test.each(['', '{}', '[{"kernel":"matmul"}]', '[null]'])('is refused when damaged: %s', async (text) => {
    await expect(loadTuning(here, memory(text))).rejects.toThrow(
      'memory/tuning.json holds no choices of kernels. Remove it: cloze tune --clear',
    );
  });

  test('is told apart by its digest, in whatever order', () => {
    const choices = [result('1', 'vec4'), result('2', 'vec4')];
    const { digest } = new Tuning(choices);
    expect(digest).toMatch(/^[0-9a-f]{8}$/);
    expect(new Tuning([...choices].reverse()).digest).toBe(digest);
    expect(new Tuning([result('1', 'vec4'), result('2', 'scalar')]).digest).not.toBe(digest);
    expect(JSON.parse(JSON.stringify(new Tuning(choices)))).toEqual([
      { kernel: 'accumulate', problem: '1', variant: 'vec4' },
      { kernel: 'accumulate', problem: '2', variant: 'vec4' },
    ]);
  });
});
