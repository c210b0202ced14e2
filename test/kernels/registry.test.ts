import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Device } from '../../src/gpu/index.ts';
import { type AnyKernelSpec, checkVariant, kernels } from '../../src/kernels/index.ts';
import { activeBindings, type Precision } from '../../src/kernels/spec.ts';

/** Every variant of every kernel against its float64 reference, at the shapes that break careless kernels. */
let device: Device;
let hasHalf: boolean;
beforeAll(async () => {
  device = await Device.open();
  hasHalf = device.capabilities.features.has('shader-f16');
});
afterAll(() => {
  if (!hasHalf) console.log('all that is stored as f16 skipped: the adapter has no shader-f16');
  device.close();
});

/** A problem with floats stored as f16: of those that can be, all, or only what is read, or what is written. */
function halved(spec: AnyKernelSpec, problem: object, which: 'all' | 'read' | 'write'): object & Precision {
  const bindings = activeBindings(spec, problem).filter(({ half }) => half);
  const chosen = bindings.filter(({ access }) => which === 'all' || access.includes(which));
  return { ...problem, f16: chosen.map(({ name }) => name) };
}

/** Large problems are there to break the count of workgroups, which is the same however floats are stored. */
const isSmall = (spec: AnyKernelSpec, problem: object) =>
  spec.bindings.every((binding) => binding.length(problem) < 2 ** 17);

describe.each(kernels.map((spec) => [spec.name, spec] as const))('%s', (_, spec) => {
  const check = async (name: string, problems: readonly object[], what: string) => {
    const variant = spec.variants.find((candidate) => candidate.name === name)!;
    const skipped = new Set<string>();
    let checked = 0;
    for (const problem of problems) {
      const verdict = variant.supports(device.capabilities, problem);
      if (verdict !== true) {
        skipped.add(verdict);
        continue;
      }
      const result = await checkVariant(device, spec, name, problem);
      expect(result.mismatches, `${JSON.stringify(problem)} tolerance ${result.tolerance}`).toEqual([]);
      checked++;
    }
    if (checked === 0) console.log(`${spec.name}/${name}${what} skipped: ${[...skipped].join('; ')}`);
  };
  const names = spec.variants.map((variant) => variant.name);
  test.each(names)('%s', (name) => check(name, spec.awkward, ''));

  if (!spec.bindings.some(({ half }) => half)) return;
  test.each(names.map((name, i) => [name, i] as const))('%s, stored as f16', async (name, i) => {
    if (!hasHalf) return;
    const { supports } = spec.variants.find((variant) => variant.name === name)!;
    const able = spec.awkward.filter(
      (problem) => isSmall(spec, problem) && supports(device.capabilities, problem) === true,
    );
    if (able.length === 0)
      return console.log(`${spec.name}/${name} in f16 skipped: it supports no problem here`);
    // The shapes are tried above; here it is what is loaded and stored that is on trial.
    const [first, second] = [1, 2].map((third) => able[Math.floor((third * able.length) / 3)]);
    const problems = [halved(spec, first, 'all'), halved(spec, second, i % 2 === 0 ? 'read' : 'write')];
    await check(name, problems, ' in f16');
  });
});
