import { describe, expect, test, vi } from 'vitest';
import { add, Engine, type TraceEvent, Tracer } from '../../src/autograd/index.ts';
import { clockOffset } from '../../src/autograd/trace.ts';

const slices = (events: readonly TraceEvent[], cat: string) => events.filter((event) => event.cat === cat);

describe('a trace', () => {
  test('has the spans of the CPU and the kernels of the GPU, in order, on one clock', async (context) => {
    using engine = await Engine.open();
    if (!engine.device.capabilities.features.has('timestamp-query')) {
      return context.skip('this adapter has no timestamps');
    }
    const x = engine.full([1 << 16], 1);
    const tracer = new Tracer(engine);
    engine.span('work', () => {
      engine.scope(() => {
        add(add(x, x), x);
      }, 'inner');
    });
    await engine.span('wait', () => engine.device.synchronize());
    const { kernels, trace } = await tracer.stop();
    expect(engine.observeSpan).toBeUndefined();
    const { traceEvents } = trace;

    expect(slices(traceEvents, 'cpu').map(({ name }) => name)).toEqual(['work', 'inner', 'wait']);
    const [work, inner, wait] = slices(traceEvents, 'cpu');
    // Differences of clock readings are rounded: what ends at one tick may end a billionth of a microsecond apart.
    const rounding = 1e-3;
    expect(inner.ts).toBeGreaterThanOrEqual(work.ts);
    expect(inner.ts + inner.dur!).toBeLessThanOrEqual(work.ts + work.dur! + rounding);
    expect(wait.ts).toBeGreaterThanOrEqual(work.ts + work.dur! - rounding);

    const gpu = slices(traceEvents, 'gpu');
    expect(gpu.map(({ name }) => name.split('/')[0])).toEqual(['binary', 'binary']);
    expect(gpu[1].ts).toBeGreaterThanOrEqual(gpu[0].ts + gpu[0].dur! - 1);
    // They are submitted, and so begin, while the CPU waits; nothing runs before it was recorded.
    expect(gpu[0].ts).toBeGreaterThanOrEqual(wait.ts - rounding);
    const [{ nanoseconds }] = kernels;
    expect(nanoseconds / 1e3).toBeCloseTo(gpu[0].dur! + gpu[1].dur!, 1);

    const rows = new Map(
      traceEvents.filter(({ ph }) => ph === 'M').map((event) => [event.tid, event.args?.name]),
    );
    for (const { tid } of [work, gpu[0]]) expect(rows.get(tid)).toMatch(/^(CPU|GPU)/);
    expect(trace.otherData.adapter).toBe(engine.device.capabilities.name);
  });

  test('lists spans in the order in which they began, also where a clock stands still', async (context) => {
    using engine = await Engine.open();
    if (!engine.device.capabilities.features.has('timestamp-query')) {
      return context.skip('this adapter has no timestamps');
    }
    const now = vi.spyOn(performance, 'now').mockReturnValue(1);
    const tracer = new Tracer(engine);
    engine.span('outer', () => engine.span('inner', () => {}));
    now.mockRestore();
    const { trace } = await tracer.stop();
    expect(slices(trace.traceEvents, 'cpu').map(({ name }) => name)).toEqual(['outer', 'inner']);
  });

  test('ends a span that fails, at once or in a promise', async () => {
    using engine = await Engine.open();
    const ended: string[] = [];
    engine.observeSpan = (name) => () => ended.push(name);
    const fail = () => {
      throw new Error('no');
    };
    expect(() => engine.span('at once', fail)).toThrow('no');
    await expect(engine.span('later', () => Promise.reject(new Error('late')))).rejects.toThrow('late');
    expect(() => engine.scope(fail, 'scope')).toThrow('no');
    expect(ended).toEqual(['at once', 'later', 'scope']);
  });
});

test('the clocks are set so that no batch begins before it was submitted', () => {
  const batch = (submitted: number, begin: number) => ({
    submitted,
    runs: [{ label: 'k', begin: BigInt(begin * 1e6), end: BigInt(begin * 1e6) }],
  });
  // Began 5, 2 and 9 ms after they were submitted, on a clock that is 1000 ms ahead: the quickest decides.
  const offset = clockOffset([batch(10, 1015), batch(20, 1022), batch(30, 1039)]);
  expect(offset).toBe(-1002);
});
