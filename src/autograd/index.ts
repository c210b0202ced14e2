export type { CapturedStep, CaptureInputs } from './capture.ts';
export { checkpoint } from './checkpoint.ts';
export { Engine, type Nested } from './engine.ts';
export { type GradcheckOptions, type GradcheckResult, gradcheck } from './gradcheck.ts';
export { Indices, indices } from './indices.ts';
export {
  type AttentionMask,
  type AttentionOptions,
  type AttentionResult,
  attention,
  scaledDotProductAttention,
} from './ops/attention.ts';
export { add, div, mul, sub } from './ops/binary.ts';
export { cast } from './ops/cast.ts';
export { type CrossEntropyOptions, type CrossEntropyResult, crossEntropy } from './ops/crossEntropy.ts';
export { type DropoutOptions, type DropoutUse, dropout } from './ops/dropout.ts';
export { type EmbeddingOptions, embedding } from './ops/embedding.ts';
export { geglu } from './ops/geglu.ts';
export { layerNorm, type ResidualLayerNormOptions, residualLayerNorm } from './ops/layerNorm.ts';
export { linear, linearGelu } from './ops/linear.ts';
export {
  type LinearCrossEntropyOptions,
  linearCrossEntropy,
} from './ops/linearCrossEntropy.ts';
export { type MatmulOptions, matmul } from './ops/matmul.ts';
export { cat, expand, narrow, permute, transpose } from './ops/permute.ts';
export { max, mean, type ReduceOptions, sum } from './ops/reduce.ts';
export { reshape } from './ops/reshape.ts';
export { rmsNorm } from './ops/rmsNorm.ts';
export { rotary } from './ops/rotary.ts';
export { markReplaced, sampleRows } from './ops/sampleRows.ts';
export { logSoftmax, softmax } from './ops/softmax.ts';
export {
  abs,
  affine,
  exp,
  type GeluOptions,
  gelu,
  log,
  neg,
  reciprocal,
  relu,
  sigmoid,
  sqrt,
  square,
  tanh,
} from './ops/unary.ts';
export type { Scope } from './scope.ts';
export { backward, type Derivative, record, recordAll, type Vjp, type VjpOfMany } from './tape.ts';
export { type FloatType, type Shape, Tensor } from './tensor.ts';
export { joinTraces, type Trace, type TraceEvent, Tracer } from './trace.ts';
