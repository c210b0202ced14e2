import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { profileLines } from '../../src/cli/profile.ts';
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
