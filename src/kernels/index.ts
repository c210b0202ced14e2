export { adamw, clipFactor } from './adamw.ts';
export { type CheckResult, checkVariant, type Mismatch } from './check.ts';
export { type KernelProblem, Launcher, selectVariant } from './launcher.ts';
export { lossScale } from './lossScale.ts';
export type { MatmulProblem } from './matmul.ts';
export { Random, type RandomState } from './random.ts';
export { sumSquares, sumSquaresPartials } from './reduce.ts';
export { type AnyKernelSpec, kernelByName, kernels, withVariant } from './registry.ts';
export { rotaryTable } from './rotary.ts';
export type { BindingSpec, ElementType, KernelSpec, NumberArray, Variant, Workgroups } from './spec.ts';
export { spread, tolerance } from './spec.ts';
export { type TunedProblem, type TuneOptions, tune } from './tune.ts';
export { type TunedChoice, Tuning } from './tuning.ts';
export {
  forgetTuning,
  loadTuning,
  type RememberedChoice,
  readTuning,
  rememberTuning,
} from './tuningStore.ts';
