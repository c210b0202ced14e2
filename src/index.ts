/** Cloze: a tensor engine on WebGPU, and masked language models on top of it. */
export * from './autograd/index.ts';
export { type Capabilities, ClozeError, Device, type DeviceOptions, type ErrorCode } from './gpu/index.ts';
export * as kernels from './kernels/index.ts';
export * from './mlm/index.ts';
export * as nn from './nn/index.ts';
