/** All kernels. Tests, the profiler and the benchmarks walk this list; `addVariant` lets a researcher's kernel in. */
import { ClozeError } from '../gpu/index.ts';
import { accumulate } from './accumulate.ts';
import { adamw, clipFactor } from './adamw.ts';
import { attentionVisibility } from './attentionVisibility.ts';
import { binary } from './binary.ts';
import { cast } from './cast.ts';
import { crossEntropy, crossEntropyCount, crossEntropyTotal } from './crossEntropy.ts';
import { dropout } from './dropout.ts';
import { embedding, embeddingBackward, embeddingBackwardParts } from './embedding.ts';
import { flashAttention } from './flashAttention.ts';
import { flashKeys, flashQueries, flashStatistics } from './flashAttentionBackward.ts';
import { geglu, gegluBackward } from './geglu.ts';
import { movingAverage, trustRatio } from './lamb.ts';
import { layerNorm } from './layerNorm.ts';
import { layerNormBackward, layerNormParameters } from './layerNormBackward.ts';
import { lossScale } from './lossScale.ts';
import { maskedSoftmax } from './maskedSoftmax.ts';
import { matmul } from './matmul.ts';
import { matrixNormalize, muonMomentum, muonUpdate, scaleAddIdentity } from './muon.ts';
import { max, maxBackward, sum, sumSquares } from './reduce.ts';
import { rmsNorm, rmsNormBackward, rmsNormParameters } from './rmsNorm.ts';
import { rotary } from './rotary.ts';
import { markReplaced, sampleRows } from './sampleRows.ts';
import { scale } from './scale.ts';
import { softmax, softmaxBackward } from './softmax.ts';
import type { KernelSpec, Variant } from './spec.ts';
import { stridedCopy } from './stridedCopy.ts';
import { affine, unary, unaryBackward } from './unary.ts';

// biome-ignore lint/suspicious/noExplicitAny: kernels with different problems in one list; each is used with its own.
export type AnyKernelSpec = KernelSpec<any>;

export const kernels: readonly AnyKernelSpec[] = [
  accumulate,
  cast,
  scale,
  matmul,
  softmax,
  softmaxBackward,
  maskedSoftmax,
  attentionVisibility,
  flashAttention,
  flashStatistics,
  flashQueries,
  flashKeys,
  layerNorm,
  layerNormBackward,
  layerNormParameters,
  rmsNorm,
  rmsNormBackward,
  rmsNormParameters,
  crossEntropy,
  crossEntropyCount,
  crossEntropyTotal,
  unary,
  unaryBackward,
  affine,
  geglu,
  gegluBackward,
  dropout,
  sampleRows,
  markReplaced,
  trustRatio,
  movingAverage,
  binary,
  stridedCopy,
  sum,
  sumSquares,
  max,
  maxBackward,
  embedding,
  embeddingBackward,
  embeddingBackwardParts,
  rotary,
  clipFactor,
  lossScale,
  adamw,
  muonMomentum,
  matrixNormalize,
  scaleAddIdentity,
  muonUpdate,
];

/** The kernel of that name. Throws an `option` error that lists the known ones. */
export function kernelByName(name: string): AnyKernelSpec {
  const found = kernels.find((kernel) => kernel.name === name);
  if (found) return found;
  throw new ClozeError(
    'option',
    `there is no kernel ${name}`,
    `Known: ${kernels.map((kernel) => kernel.name).join(', ')}`,
  );
}

/** A copy of the kernel with one more variant, tried before the others. */
export function withVariant<P>(spec: KernelSpec<P>, variant: Variant<P>): KernelSpec<P> {
  return { ...spec, variants: [...spec.variants, variant], choose: undefined };
}
