export { Engine, type Nested } from './engine.ts';
export { type GradcheckOptions, type GradcheckResult, gradcheck } from './gradcheck.ts';
export { reshape } from './ops/reshape.ts';
export type { Scope } from './scope.ts';
export { backward, type Derivative, record, type Vjp } from './tape.ts';
export { type Shape, Tensor } from './tensor.ts';
