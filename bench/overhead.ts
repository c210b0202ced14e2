/**
 * `cloze bench overhead`: what an operation costs besides its arithmetic. A chain of additions of 16 numbers is run as
 * tensors, as a replay of them, as kernels and as bare WebGPU calls, all in the same turns, and waited for once.
 */
import { add, Engine } from '../src/autograd/index.ts';
import type { BufferView, Device } from '../src/gpu/index.ts';
import { accumulate } from '../src/kernels/accumulate.ts';
import { Launcher } from '../src/kernels/index.ts';
import { pipelineRequest } from '../src/kernels/launcher.ts';
import { columns, digits, rangeText } from './report.ts';
import { defaultSampling, type Sampling, summarize, takeTurns } from './sampling.ts';

/** Operations in a chain, and numbers in an operand. */
const chain = 200;
const count = 16;

export interface OverheadRow {
  name: string;
  /** Microseconds an operation: median, smallest and largest; `recording` is what passes before the wait begins. */
  us: number;
  spread: [min: number, max: number];
  recording: number;
}

export interface OverheadReport {
  adapter: string;
  rows: OverheadRow[];
}

export async function measureOverhead(
  device: Device,
  sampling: Sampling = defaultSampling,
): Promise<OverheadReport> {
  const { release, ways } = prepareWays(device);
  try {
    const recordings = Object.values(ways).map((): number[] => []);
    const contestants = Object.values(ways).map((record, i) => ({
      run: async () => {
        const began = performance.now();
        record();
        recordings[i].push(performance.now() - began);
        await device.synchronize();
      },
    }));
    for (const { run } of contestants) for (let warmUp = 0; warmUp < 3; warmUp++) await run();
    for (const times of recordings) times.length = 0;
    const samples = await takeTurns(contestants, sampling);
    const rows = Object.keys(ways).map((name, i) => {
      const { median: us, spread } = summarize(samples[i].map((ms) => (1e3 * ms) / chain));
      const recording = summarize(recordings[i].map((ms) => (1e3 * ms) / chain)).median;
      return { name, us, spread, recording };
    });
    return { adapter: device.capabilities.name, rows };
  } finally {
    release();
  }
}

/** Each way to record the chain, by name. */
function prepareWays(device: Device): { release(): void; ways: Record<string, () => void> } {
  const engine = new Engine(device);
  const x = engine.full([count], 1);
  const tracked = engine.full([count], 1).requireGrad();
  const view = (): BufferView => {
    const size = 4 * count;
    return { buffer: device.acquire(size, 'overhead'), offset: 0, size };
  };
  const views = Array.from({ length: chain + 1 }, view);
  const [source, destination] = views;
  const launcher = new Launcher(device);
  const addUp = (start: typeof x) => {
    let sum = start;
    for (let i = 0; i < chain; i++) sum = add(sum, x);
  };
  const tensors = (start: typeof x) => () => engine.scope(() => addUp(start));
  const captured = engine.capture(() => addUp(x), 'chain');
  return {
    ways: {
      'add(tensor, tensor), with a tape': tensors(tracked),
      'add(tensor, tensor)': tensors(x),
      'add(tensor, tensor), replayed': () => captured({}),
      'launcher.run(kernel)': () => {
        for (let i = 0; i < chain; i++) launcher.run(accumulate, { count }, { source, destination });
      },
      ...bareWays(device, views),
    },
    release: () => {
      captured.dispose();
      for (const { buffer } of views) device.release(buffer);
      for (const tensor of [x, tracked]) tensor.dispose();
    },
  };
}

/** The same kernel by bare calls in one pass, with bind groups made once, as many of them as the tensors need, or made each time. */
function bareWays(device: Device, views: readonly BufferView[]): Record<string, () => void> {
  const { gpu, capabilities } = device;
  const variant = accumulate.variants[0];
  const pipeline = device.pipelines.get(pipelineRequest(accumulate, variant, { count }, capabilities));
  const params = device.params(Uint32Array.of(count));
  const bind = (i: number) =>
    gpu.createBindGroup({
      layout: pipeline.layout,
      entries: [
        ...views.slice(i, i + 2).map(({ buffer, offset, size }) => ({ buffer: buffer.gpu, offset, size })),
        params,
      ].map(({ buffer, offset, size }, binding) => ({ binding, resource: { buffer, offset, size } })),
    });
  const bound = Array.from({ length: chain }, (_, i) => bind(i));
  const record = (bindGroup: (i: number) => GPUBindGroup) => () => {
    const encoder = gpu.createCommandEncoder();
    const pass = encoder.beginComputePass();
    for (let i = 0; i < chain; i++) {
      pass.setPipeline(pipeline.gpu);
      pass.setBindGroup(0, bindGroup(i));
      pass.dispatchWorkgroups(1);
    }
    pass.end();
    gpu.queue.submit([encoder.finish()]);
  };
  return {
    'bare WebGPU': record(() => bound[0]),
    [`bare WebGPU, ${chain} bind groups`]: record((i) => bound[i]),
    'bare WebGPU, new bind groups': record(bind),
  };
}

export function overheadText({ adapter, rows }: OverheadReport): string[] {
  const head = [
    `${chain} chained additions of ${count} numbers`,
    'us an op',
    '(min to max)',
    'of it recording',
  ];
  const cells = rows.map(({ name, us, spread, recording }) => [
    name,
    digits(us),
    `(${rangeText(spread)})`,
    digits(recording),
  ]);
  return [adapter, '', ...columns([head, ...cells], 1)];
}
