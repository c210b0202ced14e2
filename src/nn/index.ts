export { AdamW, type AdamWOptions } from './adamw.ts';
export { type AttentionOptions, SelfAttention } from './attention.ts';
export { Dropout, numberDropouts } from './dropout.ts';
export { Embedding, type EmbeddingOptions } from './embedding.ts';
export { GradScaler, type GradScalerOptions, type GradScalerState } from './gradScaler.ts';
export { KeyValueCache } from './keyValueCache.ts';
export { Lamb } from './lamb.ts';
export { LayerNorm } from './layerNorm.ts';
export { Linear, type LinearOptions, type LoraOptions } from './linear.ts';
export { addLora, isLora, mergeLora } from './lora.ts';
export { type Initializer, Module, Parameter } from './module.ts';
export { MovingAverage } from './movingAverage.ts';
export { Muon, type MuonOptions, muonGroups } from './muon.ts';
export type { Optimizer, OptimizerState } from './optimizer.ts';
export { RMSNorm } from './rmsNorm.ts';
export {
  parseSafetensors,
  type SafetensorsFile,
  serializeSafetensors,
} from './safetensors.ts';
export {
  createSchedule,
  SCHEDULE_NAMES,
  type Schedule,
  type ScheduleName,
  type ScheduleOptions,
} from './schedule.ts';
export { type MaterializeOptions, materialize, type Segment, Slab } from './slab.ts';
export { loadStateDict, matchStateDict, type StoredPlace, stateDict } from './stateDict.ts';
export { type StoredTensor, storedTensor, toFloat32 } from './stored.ts';
export {
  Encoder,
  EncoderLayer,
  type EncoderOptions,
  enableGradientCheckpointing,
  makeNorm,
  type Norm,
} from './transformer.ts';
