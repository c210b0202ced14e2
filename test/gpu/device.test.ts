import { afterEach, describe, expect, test } from 'vitest';
import { type BufferView, ClozeError, Device } from '../../src/gpu/index.ts';
import { accumulate } from '../../src/kernels/accumulate.ts';
import { Launcher } from '../../src/kernels/index.ts';

const open: Device[] = [];
afterEach(() => {
  for (const device of open.splice(0)) device.close();
});

async function openDevice(): Promise<Device> {
  const device = await Device.open();
  open.push(device);
  return device;
}

function view(device: Device, values: number[]): BufferView {
  const buffer = device.acquire(4 * values.length, 'test');
  device.write(buffer, 0, Float32Array.from(values));
  return { buffer, offset: 0, size: 4 * values.length };
}

async function values(device: Device, range: BufferView): Promise<number[]> {
  return [...new Float32Array(await device.read(range))];
}

/** Records target += source without submitting it. */
function add(device: Device, source: BufferView, destination: BufferView): void {
  new Launcher(device).run(accumulate, { count: source.size / 4 }, { source, destination });
}

describe('hazards of recycled memory', () => {
  test('an upload into a recycled buffer does not overtake recorded work that reads it', async () => {
    const device = await openDevice();
    const source = view(device, [1, 2, 3]);
    const target = view(device, [10, 20, 30]);
    add(device, source, target);
    device.release(source.buffer);
    const recycled = view(device, [7, 7, 7]);
    expect(recycled.buffer).toBe(source.buffer);
    expect(await values(device, target)).toEqual([11, 22, 33]);
    expect(await values(device, recycled)).toEqual([7, 7, 7]);
  });

  test('destroying a freed buffer waits for recorded work that reads it', async () => {
    const device = await openDevice();
    const source = view(device, [1, 2, 3]);
    const target = view(device, [10, 20, 30]);
    add(device, source, target);
    device.release(source.buffer);
    device.trim();
    expect(await values(device, target)).toEqual([11, 22, 33]);
  });
});

describe('memory', () => {
  test('freed buffers are used again and peaks are remembered', async () => {
    const device = await openDevice();
    const first = device.acquire(1000, 'first');
    const { live, buffers } = device.memory();
    expect(live).toBe(first.size);
    expect(buffers).toBe(1);
    device.release(first);
    expect(device.memory()).toMatchObject({ live: 0, pooled: first.size, peak: first.size, buffers: 0 });
    expect(device.acquire(990, 'second')).toBe(first);
    device.release(first);
    device.trim();
    expect(device.memory().pooled).toBe(0);
  });

  test('a buffer beyond the adapter is refused with both sizes', async () => {
    const device = await openDevice();
    expect(() => device.acquire(2 ** 50, 'logits')).toThrow(/logits needs a buffer of 1024 TiB/);
  });
});

describe('errors', () => {
  test('WGSL that does not compile is shown at its line', async () => {
    const device = await openDevice();
    const code = 'fn f() -> u32 {\n  return oops;\n}\n@compute @workgroup_size(1) fn main() {}';
    const request = { label: 'wrong', code, access: [], uniform: false };
    await expect(device.pipelines.prepare([request])).rejects.toThrow(
      /wrong does not compile: line 2: .*oops/,
    );
  });

  test('what goes wrong on the GPU is thrown at the next read, once', async () => {
    const device = await openDevice();
    const range = view(device, [1]);
    device.gpu.createBuffer({ size: 4, usage: 0 });
    await expect(device.read(range)).rejects.toBeInstanceOf(ClozeError);
    expect(await values(device, range)).toEqual([1]);
  });

  test('a lost device rejects reads under way and every later call', async () => {
    const device = await openDevice();
    const range = view(device, [1]);
    const pending = device.read(range);
    device.gpu.destroy();
    await expect(pending).rejects.toMatchObject({ code: 'device-lost' });
    await device.gpu.lost;
    await expect(device.read(range)).rejects.toMatchObject({ code: 'device-lost' });
  });

  test('a closed device says so', async () => {
    const device = await openDevice();
    const range = view(device, [1]);
    device.close();
    await expect(device.read(range)).rejects.toMatchObject({ code: 'closed' });
  });
});

test("someone else's device is used, and not destroyed by close", async () => {
  const owner = await openDevice();
  const guest = Device.from(owner.gpu);
  const range = view(guest, [1, 2]);
  expect(await values(guest, range)).toEqual([1, 2]);
  guest.close();
  expect(await values(owner, view(owner, [3]))).toEqual([3]);
});

test('commands are submitted in batches of maxPending', async () => {
  const device = await openDevice();
  device.stream.maxPending = 3;
  const [source, target] = [view(device, [1]), view(device, [0])];
  const before = device.stream.serial;
  for (let i = 0; i < 7; i++) add(device, source, target);
  expect(device.stream.serial - before).toBe(2);
  expect(await values(device, target)).toEqual([7]);
});

test('commands are submitted before they are estimated to take too long', async () => {
  const device = await openDevice();
  device.stream.pace.longest = 1e-5;
  const [source, target] = [view(device, new Array(4096).fill(1)), view(device, new Array(4096).fill(0))];
  const [little, sum] = [view(device, [1]), view(device, [0])];
  const before = device.stream.serial;
  for (let i = 0; i < 3; i++) add(device, little, sum);
  expect(device.stream.serial).toBe(before);
  for (let i = 0; i < 3; i++) add(device, source, target);
  expect(device.stream.serial - before).toBeGreaterThanOrEqual(2);
  // A submission before a dispatch does not make an upload overtake that dispatch.
  device.write(source.buffer, 0, new Float32Array(4096));
  expect(new Set(await values(device, target))).toEqual(new Set([3]));
});

describe('a recording', () => {
  test('repeats dispatches, copies and clears, in batches of maxPending', async () => {
    const device = await openDevice();
    device.stream.maxPending = 3;
    const [source, target, copy] = [view(device, [1]), view(device, [5]), view(device, [0])];
    const { recording } = device.record('sums', () => {
      device.clear(target);
      for (let i = 0; i < 7; i++) add(device, source, target);
      device.copy(target, copy);
    });
    expect(await values(device, copy)).toEqual([7]);
    device.write(source.buffer, 0, Float32Array.of(2));
    const before = device.stream.serial;
    device.replay(recording);
    expect(device.stream.serial - before).toBe(2);
    expect(await values(device, copy)).toEqual([14]);
  });

  test('keeps what it acquires: others get it after it is forgotten', async () => {
    const device = await openDevice();
    const { recording, result } = device.record('one', () => device.acquire(4, 'own'));
    device.release(result);
    expect(device.memory()).toMatchObject({ live: 256, pooled: 0, buffers: 1 });
    expect(device.acquire(4, 'other')).not.toBe(result);
    device.forget(recording);
    expect(device.memory()).toMatchObject({ live: 256, pooled: 256, buffers: 1 });
    expect(device.acquire(4, 'other')).toBe(result);
  });

  test('that was replayed but not submitted is not overtaken by an upload', async () => {
    const device = await openDevice();
    const [source, target] = [view(device, [1]), view(device, [0])];
    const { recording } = device.record('sum', () => add(device, source, target));
    device.replay(recording);
    device.write(source.buffer, 0, Float32Array.of(10));
    device.replay(recording);
    expect(await values(device, target)).toEqual([12]);
  });

  test('does not begin inside another', async () => {
    const device = await openDevice();
    const nested = () => device.record('outer', () => device.record('inner', () => {}));
    expect(nested).toThrow(/"inner" is recorded inside "outer"/);
    expect(device.recording).toBeUndefined();
  });
});

describe('a dry twin', () => {
  test('counts memory and pipelines and refuses as the device does, while the device stays as it is', async () => {
    const device = await openDevice();
    const twin = device.dryTwin();
    const source = view(twin, [1, 2, 3]);
    add(twin, source, view(twin, [10, 20, 30]));
    expect(await values(twin, source)).toEqual([0, 0, 0]);
    expect(twin.memory()).toMatchObject({ buffers: 2, live: 512, largest: 256 });
    const limit = device.capabilities.limits.maxBufferSize;
    expect(() => twin.acquire(2 * limit, 'a giant')).toThrow(/a giant needs a buffer of/);
    expect(device.memory()).toMatchObject({ buffers: 0, peak: 0 });
    expect(device.stream.dispatches).toBe(0);
    expect(device.pipelines.requests).toHaveLength(0);
    await device.prepareAs(twin);
    expect(device.pipelines.requests).toEqual(twin.pipelines.requests);
    expect(device.pipelines.requests).toHaveLength(1);
  });
});

test('the peak and the largest buffer outlive what they were measured on', async () => {
  const device = await openDevice();
  device.release(device.acquire(4096, 'once'));
  const kept = device.acquire(256, 'kept');
  expect(device.memory()).toMatchObject({ live: 256, peak: 4096, largest: 4096 });
  device.release(kept);
});
