/** The kernels of the benchmark: what there is, how fast it is here, and its source. */
import { measureKernels } from '../../bench/kernels.ts';
import type { KernelReport } from '../../bench/report.ts';
import { defaultSampling, quickSampling } from '../../bench/sampling.ts';
import { benchKernels, parseShape, shapeName } from '../../bench/shapes.ts';
import { ClozeError } from '../../src/gpu/errors.ts';
import type { Device } from '../../src/gpu/index.ts';
import type { KernelCase, News } from '../protocol.ts';

/** Every kernel at every shape, with the variants that this device can run. */
export function kernelCases({ capabilities }: Device): KernelCase[] {
  return benchKernels.flatMap(({ name, spec, shapes, problem }) =>
    shapes.map((sizes) => ({
      kernel: name,
      shape: shapeName(sizes),
      variants: spec.variants
        .filter((variant) => variant.supports(capabilities, problem(...sizes)) === true)
        .map((variant) => variant.name),
    })),
  );
}

/** Measures the kernels of these names, a case at a time; between two, `ended` may say that this is enough. */
export async function benchmark(
  device: Device,
  names: readonly string[],
  quick: boolean,
  tell: (news: News) => void,
  ended: () => boolean,
): Promise<KernelReport> {
  const cases = benchKernels
    .filter(({ name }) => names.includes(name))
    .flatMap((kernel) => kernel.shapes.map((sizes) => ({ kernel, sizes })));
  return measureKernels(device, {
    cases,
    ended,
    variants: 'all',
    sampling: quick ? quickSampling : defaultSampling,
    onStart: ({ adapter, ceiling, control }) =>
      tell({ type: 'benchmark', start: { adapter, ceiling, control } }),
    onRows: (rows) => tell({ type: 'rows', rows: [...rows] }),
  });
}

/** The WGSL of a variant as it is compiled for this device. */
export function kernelSource(device: Device, kernel: string, shape: string, variant: string): string {
  const bench = benchKernels.find(({ name }) => name === kernel);
  const found = bench?.spec.variants.find(({ name }) => name === variant);
  if (!bench || !found) throw new ClozeError('option', `there is no ${variant} of ${kernel}`);
  return found.source(bench.problem(...parseShape(shape)), device.capabilities);
}
