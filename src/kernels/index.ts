export { adamw, clipFactor } from './adamw.ts';
export { type CheckResult, checkVariant, type Mismatch } from './check.ts';
export { Launcher, selectVariant } from './launcher.ts';
export type { MatmulProblem } from './matmul.ts';
export { Random, type RandomState } from './random.ts';
export { sumSquares, sumSquaresPartials } from './reduce.ts';
export { type AnyKernelSpec, kernelByName, kernels, withVariant } from './registry.ts';
export type { BindingSpec, ElementType, KernelSpec, NumberArray, Variant, Workgroups } from './spec.ts';
export { spread, tolerance } from './spec.ts';
