import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { contextTrainings } from '../../bench/peers/libraries.node.ts';
import { installNavigator } from '../../bench/peers/navigator.node.ts';
import { tfjsTraining } from '../../bench/peers/tfjsTraining.ts';
import type { Training, TrainingTask } from '../../bench/peers/training.ts';
import { measureStep } from '../../bench/step.ts';
import { stepLines } from '../../bench/stepReport.ts';
import { OurTraining, stepFlops } from '../../bench/stepTask.ts';
import { Engine } from '../../src/autograd/index.ts';
import { presetConfig } from '../../src/mlm/index.ts';
import { cloze } from '../cli/terminal.node.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open();
});
afterAll(() => engine.close());

const sizes = { model: 'nano', seqLen: 16, batch: 2, vocab: 48, maskRate: 0.25 };
const sampling = { rounds: 3, samplesPerTurn: 1, seconds: 1 };

/** A library whose losses are ours times `factor`. */
const double = (factor: number) => async (): Promise<Training> => {
  const ours = await OurTraining.open(engine, sizes);
  return { step: async () => factor * (await ours.step()), close: () => ours.close() };
};

describe('a measured step', () => {
  test('tells peers whose losses agree from others, and goes on when one does not start', async () => {
    const open: (task: TrainingTask) => Promise<Training> = async () => {
      throw new Error('no such backend\n  at somewhere');
    };
    const peers = { same: double(1), other: double(1.1), absent: open };
    const row = await measureStep(engine.device, sizes, { sampling, ceiling: 10, peers });
    expect(row.peers.same).toMatchObject({ lossAgree: true, lossError: 0 });
    expect(row.peers.other.lossAgree).toBe(false);
    expect(row.peers.other.lossError).toBeCloseTo(0.1, 9);
    expect(row.peers.absent).toMatchObject({ msPerStep: null, ratio: null, note: 'no such backend' });
    const text = stepLines(row).join('\n');
    expect(text).toContain('nano: 2 x 16 tokens, 48 words, 25 % of them predicted');
    expect(text).toContain('losses do not agree, to 1e-1');
    expect(text).toContain('no such backend');
  });

  test('is the very same in another library', async () => {
    installNavigator({ adapter: process.env.CLOZE_ADAPTER });
    const row = await measureStep(engine.device, sizes, {
      sampling,
      ceiling: 10,
      peers: { tfjs: (task) => tfjsTraining(task, 'webgpu') },
    });
    expect(row.peers.tfjs.note).toBeUndefined();
    expect(row.peers.tfjs.lossAgree).toBe(true);
    expect(row.peers.tfjs.ratio).toBeGreaterThan(0);
  });

  test('is the very same on WebAssembly, and in PyTorch where that is installed', async () => {
    const { 'jax-js wasm': wasm, pytorch } = contextTrainings;
    const { peers } = await measureStep(engine.device, sizes, {
      sampling,
      ceiling: 10,
      peers: { wasm, pytorch },
    });
    expect(peers.wasm).toMatchObject({ lossAgree: true });
    if (peers.pytorch.note) expect(peers.pytorch.note).toMatch(/No module named|Python does not start/);
    else expect(peers.pytorch.lossAgree).toBe(true);
  });

  test('counts the operations of its matrix products', () => {
    const config = presetConfig('tiny', { vocab_size: 4096 });
    const all = stepFlops(config, { B: 8, T: 128, predicted: 1024 });
    expect(all / 1e9).toBeCloseTo(6.14, 2);
    expect(stepFlops(config, { B: 8, T: 128, predicted: 152 })).toBeLessThan(all * 0.6);
  });
});

test('cloze bench step as JSON', async () => {
  const { code, out, err } = await cloze(
    'bench step --model nano --seq-len 16 --batch-size 2 --vocab 48 --quick --json'.split(' '),
  );
  expect({ code, err }).toEqual({ code: 0, err: '' });
  const { adapter, rows } = JSON.parse(out);
  expect(adapter).not.toBe('');
  expect(rows).toHaveLength(1);
  const [row] = rows;
  expect(row).toMatchObject({ model: 'nano', seqLen: 16, batch: 2, vocab: 48, dtype: 'f32', peers: {} });
  expect(row.msPerStep).toBeGreaterThanOrEqual(row.spread[0]);
  expect(row.tokensPerSecond).toBeCloseTo(32e3 / row.msPerStep, 6);
  for (const key of ['dispatches', 'cpuMicrosPerDispatch', 'mfu', 'peakGpuBytes', 'rssBytes']) {
    expect(row[key]).toBeGreaterThan(0);
  }
});

test.each([
  'step --model nano --seq-len 16 --batch-size 2 --vocab 48',
  'kernels --filter gelu --shapes 7x12',
])('cloze bench %s in f16, or in one line why not', async (command) => {
  const { code, out, err } = await cloze(`bench ${command} --dtype f16 --quick --json`.split(' '));
  if (!engine.device.capabilities.features.has('shader-f16')) {
    expect(code).toBe(1);
    expect(err).toMatch(/^cloze: the adapter .+ has no f16 .+\n$/);
    return;
  }
  expect({ code, err }).toEqual({ code: 0, err: '' });
  const { rows } = JSON.parse(out);
  expect(rows.length).toBeGreaterThan(0);
  for (const { dtype, relError } of rows) {
    expect(dtype).toBe('f16');
    // Worse than f32 would be, better than arithmetic in f16 could.
    if (relError !== undefined) expect(1e-5 < relError && relError < 1e-3).toBe(true);
  }
});

test('cloze bench step of a model that there is not is told in one line', async () => {
  const { code, err } = await cloze(['bench', 'step', '--model', 'huge']);
  expect(code).toBe(1);
  expect(err).toMatch(/^cloze: there is no preset huge\. Known: nano, .+\n$/);
});
