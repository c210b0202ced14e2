import { describe, expect, test } from 'vitest';
import { type BufferView, Device } from '../../src/gpu/index.ts';
import { Pace } from '../../src/gpu/pace.ts';
import { Launcher } from '../../src/kernels/launcher.ts';
import { matmul, matmulProblem } from '../../src/kernels/matmul.ts';

/** A pace on a clock of its own, and a way to submit work that is done after so many seconds. */
function fake() {
  let seconds = 0;
  const pace = new Pace(1, () => 1e3 * seconds);
  const work = (estimated: number, real: number) => {
    pace.add(estimated);
    const done = pace.mark();
    seconds += real;
    done();
  };
  const idle = (real: number) => {
    seconds += real;
  };
  return { pace, work, idle };
}

describe('the work that a submission may hold', () => {
  test('is a tenth of the bound by estimate, until three measurements are there', () => {
    const { pace, work } = fake();
    expect(pace.seconds).toBeCloseTo(0.1);
    work(0.1, 0.1);
    work(0.1, 0.1);
    expect(pace.seconds).toBeCloseTo(0.1);
    work(0.1, 0.1);
    expect(pace.seconds).toBeCloseTo(0.5);
  });

  test('grows on a faster adapter and shrinks on a slower one, whatever one outlier says', () => {
    const fast = fake();
    for (let i = 0; i < 4; i++) fast.work(0.1, 0.001);
    fast.work(0.1, 10);
    expect(fast.pace.seconds).toBeCloseTo(50);
    const slow = fake();
    for (let i = 0; i < 4; i++) slow.work(0.1, 2);
    expect(slow.pace.seconds).toBeCloseTo(0.025);
  });

  test('is not judged by pauses, nor by work so small that waiting takes longer', () => {
    const { pace, work, idle } = fake();
    for (let i = 0; i < 5; i++) {
      work(0.1, 0.1);
      idle(60);
      work(1e-5, 0.01);
    }
    expect(pace.seconds).toBeCloseTo(0.5);
  });

  test('counts what is waited for, not what was submitted since', () => {
    const { pace, work, idle } = fake();
    for (let i = 0; i < 3; i++) {
      pace.add(0.2);
      const done = pace.mark();
      pace.add(0.3);
      idle(0.2);
      done();
      const later = pace.mark();
      idle(0.3);
      later();
    }
    expect(pace.seconds).toBeCloseTo(0.5);
    work(0.1, 0.1);
    expect(pace.seconds).toBeCloseTo(0.5);
  });
});

test('submissions become shorter on an adapter that is slower than estimated', async () => {
  using device = await Device.open();
  const size = 256;
  const view = (): BufferView => {
    const buffer = device.acquire(4 * size * size, 'operand');
    device.write(buffer, 0, new Float32Array(size * size).fill(1));
    return { buffer, offset: 0, size: 4 * size * size };
  };
  const [a, b, c] = [view(), view(), view()];
  const launcher = new Launcher(device);
  const problem = matmulProblem({ m: size, n: size, k: size });
  const multiply = (times: number) => {
    for (let i = 0; i < times; i++) launcher.run(matmul, problem, { a, b, c });
    return device.synchronize();
  };
  // Warm, so that no compiling is measured; then the time of a product by itself.
  await multiply(1);
  const began = performance.now();
  await multiply(40);
  const bound = (performance.now() - began) / 1e3;

  // Estimated fifty times too low: by the estimates, a submission holds two hundred of the products of which forty take as long as it may.
  const { stream } = device;
  stream.maxPending = 1000;
  stream.pace.longest = bound;
  const dispatch = device.dispatch.bind(device);
  device.dispatch = (label, pipeline, views, params, workgroups) =>
    dispatch(label, pipeline, views, params, workgroups, bound / 40 / 50);
  const ends: Promise<number>[] = [];
  const submit = device.gpu.queue.submit.bind(device.gpu.queue);
  device.gpu.queue.submit = (buffers) => {
    submit(buffers);
    ends.push(device.gpu.queue.onSubmittedWorkDone().then(() => performance.now()));
    return undefined;
  };
  await multiply(190);
  expect(ends).toHaveLength(1);
  for (let round = 0; round < 3; round++) await multiply(100);
  ends.length = 0;
  const start = performance.now();
  await multiply(200);
  const times = await Promise.all(ends);
  // Ten are expected, and fewer only where the processor has other work to do at different times.
  expect(times.length).toBeGreaterThanOrEqual(4);
  const took = times.map((end, i) => end - (times[i - 1] ?? start));
  expect(Math.max(...took)).toBeLessThan((times[times.length - 1] - start) / 2);
});
