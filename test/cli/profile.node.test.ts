import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { Engine, gelu, type Trace } from '../../src/autograd/index.ts';
import { profileLines, withProfile } from '../../src/cli/profile.ts';
import type { KernelTime } from '../../src/gpu/profiler.ts';
import { cloze } from './terminal.node.ts';

const folder = mkdtempSync(join(tmpdir(), 'cloze-profile-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('a profile', () => {
  test('of a run tells every kernel that a step needs', async () => {
    const args = ['--data', 'synthetic:clock', '--preset', 'nano', '--steps', '3', '--eval-sequences', '1'];
    const { code, out, err } = await cloze(['train', ...args, '--out', folder, '--profile', '--json']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const events = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const { kernels } = events.find(({ event }) => event === 'profile');
    const names = kernels.map(({ label }: { label: string }) => label.split('/')[0]);
    expect(names).toEqual(
      expect.arrayContaining(['matmul', 'layerNormBackward', 'crossEntropy', 'embeddingBackward', 'adamw']),
    );
    const times = kernels.map(({ nanoseconds }: { nanoseconds: number }) => nanoseconds);
    expect(times).toEqual([...times].sort((a, b) => b - a));
    // Three updates of two segments, the third of them a replay.
    const adamw = kernels.find(({ label }: { label: string }) => label.startsWith('adamw'));
    expect(adamw.calls).toBe(6);
  });

  test('of an evaluation is part of its object', async () => {
    const { code, out } = await cloze([
      'eval',
      '--model',
      folder,
      '--eval-sequences',
      '1',
      '--profile',
      '--json',
    ]);
    expect(code).toBe(0);
    const { loss, kernels } = JSON.parse(out);
    expect(loss).toBeGreaterThan(0);
    expect(kernels.map(({ label }: { label: string }) => label.split('/')[0])).toContain('matmul');
  });

  test('goes on with the engine that takes the place of one whose device was lost', async () => {
    const engines = [await Engine.open(), await Engine.open()];
    const run = async (engine: Engine, count: number) => {
      const x = engine.full([64], 1);
      for (let i = 0; i < count; i++) engine.scope(() => void gelu(x));
      await engine.device.synchronize();
    };
    const file = join(folder, 'followed.json');
    const { kernels } = await withProfile(engines[0], { trace: file }, async (follow) => {
      await run(engines[0], 2);
      await new Promise((resolve) => setTimeout(resolve, 100));
      engines[0].device.gpu.destroy();
      await expect(run(engines[0], 1)).rejects.toMatchObject({ code: 'device-lost' });
      follow(engines[1]);
      await run(engines[1], 3);
    });
    const [{ label, calls }] = kernels as KernelTime[];
    expect({ label: label.split('/')[0], calls }).toEqual({ label: 'unary', calls: 5 });
    const { traceEvents } = JSON.parse(readFileSync(file, 'utf8')) as Trace;
    const times = traceEvents.filter(({ cat }) => cat === 'gpu').map(({ ts }) => ts);
    expect(times).toHaveLength(5);
    expect(times[2] - times[1]).toBeGreaterThan(100_000);
    for (const engine of engines) engine.close();
  });

  test('in words has shares that add up', () => {
    const [, head, first, second, all] = profileLines([
      { label: 'matmul/subgroup', calls: 10, nanoseconds: 3e6 },
      { label: 'softmax/row', calls: 5, nanoseconds: 1e6 },
    ]);
    expect(head).toMatch(/^Kernel +calls +ms +us a call +share$/);
    expect(first).toMatch(/^matmul\/subgroup +10 +3\.0 +300\.0 +75\.0 %$/);
    expect(second).toMatch(/^softmax\/row +5 +1\.0 +200\.0 +25\.0 %$/);
    expect(all).toMatch(/^in all +15 +4\.0$/);
  });
});

describe('a trace', () => {
  const file = join(folder, 'trace.json');

  function read() {
    const { traceEvents } = JSON.parse(readFileSync(file, 'utf8')) as Trace;
    const slices = traceEvents.filter(({ ph }) => ph === 'X');
    for (const { name, ts, dur, pid, tid } of slices) {
      expect(name).not.toBe('');
      expect(ts).toBeGreaterThanOrEqual(0);
      expect(dur).toBeGreaterThanOrEqual(0);
      expect([pid, tid].every(Number.isInteger)).toBe(true);
    }
    return {
      cpu: slices.filter(({ cat }) => cat === 'cpu'),
      gpu: slices.filter(({ cat }) => cat === 'gpu').map(({ name }) => name.split('/')[0]),
    };
  }

  test('of a run shows its steps on the CPU and their kernels on the GPU', async () => {
    const args = ['--data', 'synthetic:clock', '--preset', 'nano', '--steps', '3', '--eval-sequences', '1'];
    const run = ['train', ...args, '--eval-every', '3', '--out', join(folder, 'traced'), '--trace', file];
    const { code, out, err } = await cloze(run);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain(`The trace is in ${file}: open it in ui.perfetto.dev`);
    expect(out).not.toContain('us a call');
    const { cpu, gpu } = read();
    const named = (name: string) => cpu.filter((event) => event.name === name);
    for (const name of ['step 1', 'step 3', 'wait for step 1', 'validation', 'checkpoint'])
      expect(named(name), name).toHaveLength(1);
    expect(named('step 2')[0].ts).toBeGreaterThan(named('step 1')[0].ts);
    expect(gpu).toEqual(expect.arrayContaining(['matmul', 'adamw', 'layerNormBackward']));
    expect(gpu.filter((name) => name === 'clipFactor')).toHaveLength(3);
  });

  test('of an evaluation shows its batches', async () => {
    const { code } = await cloze(['eval', '--model', folder, '--eval-sequences', '1', '--trace', file]);
    expect(code).toBe(0);
    const { cpu, gpu } = read();
    expect(cpu.map(({ name }) => name)).toContain('evaluate');
    expect(gpu).toContain('matmul');
    expect(gpu).not.toContain('adamw');
  });
});
