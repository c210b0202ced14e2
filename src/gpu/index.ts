export type { Capabilities } from './capabilities.ts';
export { type BufferView, Device, type DeviceOptions } from './device.ts';
export { ClozeError, type ErrorCode } from './errors.ts';
export type { BindingAccess } from './pipelines.ts';
export type { AdapterChoice, FoundAdapter } from './platform.ts';
export type { MemoryStatistics } from './pool.ts';
export type { Recording } from './recording.ts';
