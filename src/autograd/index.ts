export { Engine, type Nested } from './engine.ts';
export { gradcheck, type GradcheckOptions, type GradcheckResult } from './gradcheck.ts';
export { reshape } from './ops/reshape.ts';
export type { Scope } from './scope.ts';
export { backward, record, type Derivative, type Vjp } from './tape.ts';
export { type Shape, Tensor } from './tensor.ts';
