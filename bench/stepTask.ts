/** The training step that `cloze bench step` measures, and the task that it hands to other libraries. */
import type { Engine, FloatType } from '../src/autograd/index.ts';
import { Profiler } from '../src/gpu/profiler.ts';
import { Random } from '../src/kernels/index.ts';
import { type Batch, type BertConfig, BertForMaskedLM, presetConfig } from '../src/mlm/index.ts';
import { languageModel } from '../src/mlm/objectives/languageModel.ts';
import { inPrecision } from '../src/mlm/training/precision.ts';
import { TrainingStep } from '../src/mlm/training/step.ts';
import { AdamW, enableGradientCheckpointing, GradScaler, materialize, type Slab } from '../src/nn/index.ts';
import { optimizer, type Training, type TrainingTask, type Weight } from './peers/training.ts';

export interface StepSizes {
  /** A preset's name. */
  model: string;
  seqLen: number;
  batch: number;
  vocab: number;
  /** Share of the tokens that are predicted; 1 predicts all. */
  maskRate: number;
  /** How activations are stored; default f32. */
  dtype?: FloatType;
  /** Whether backward computes the insides of layers again; default false. */
  gradientCheckpointing?: boolean;
}

/** Operations of the matrix products in a step: the backward pass has two for each of the forward pass. */
export function stepFlops(
  config: BertConfig,
  { B, T, predicted }: { B: number; T: number; predicted: number },
): number {
  const { hidden_size: C, intermediate_size: F, num_hidden_layers, vocab_size: V } = config;
  const layer = 2 * B * T * (4 * C * C + 2 * C * F) + 4 * B * T * T * C;
  return 3 * (num_hidden_layers * layer + 2 * predicted * (C * C + C * V));
}

/** Our own training: of the model that a preset names, from its first weights, on one batch. */
export class OurTraining implements Training {
  readonly task: TrainingTask;
  /** Milliseconds that the last step took to record and submit, before the wait began. */
  recording = 0;
  private readonly engine: Engine;
  private readonly slab: Slab;
  private readonly adamw: AdamW;
  private readonly scaler: GradScaler | undefined;
  private readonly trainer: TrainingStep;
  private readonly batch: Batch;
  private steps = 0;

  static async open(engine: Engine, sizes: StepSizes, batch = randomBatch(sizes)): Promise<OurTraining> {
    const config = presetConfig(sizes.model, {
      vocab_size: sizes.vocab,
      max_position_embeddings: sizes.seqLen,
      hidden_dropout_prob: 0,
      attention_probs_dropout_prob: 0,
    });
    const model = new BertForMaskedLM(config);
    if (sizes.gradientCheckpointing) enableGradientCheckpointing(model);
    const slab = materialize(model, engine, { seed: 1 });
    const values = await slab.read();
    const weights = new Map<string, Weight>();
    for (const [name, { shape, decays }] of slab.parameters()) {
      weights.set(name, { data: Float32Array.from(values.get(name)!), shape, decays });
    }
    const { dtype = 'f32' } = sizes;
    return new OurTraining(engine, { model, slab, config, weights, batch, dtype });
  }

  private constructor(
    engine: Engine,
    parts: {
      model: BertForMaskedLM;
      slab: Slab;
      config: BertConfig;
      weights: TrainingTask['weights'];
      batch: Batch;
      dtype: FloatType;
    },
  ) {
    const { model, slab, config, weights, batch, dtype } = parts;
    const { beta1, beta2, eps, weightDecay } = optimizer;
    this.engine = engine;
    this.slab = slab;
    this.batch = batch;
    this.scaler = dtype === 'f16' ? new GradScaler(engine) : undefined;
    const { scaler } = this;
    this.adamw = new AdamW(slab, { betas: [beta1, beta2], eps, weightDecay, scaler });
    this.trainer = new TrainingStep({
      trainee: inPrecision(engine, languageModel(config, model), dtype),
      slab,
      optimizer: this.adamw,
      scaler,
      seed: 1,
    });
    this.task = {
      config,
      B: batch.B,
      T: batch.T,
      ids: Int32Array.from(batch.inputIds),
      positions: Int32Array.from(batch.maskedPositions),
      labels: batch.labels,
      weights,
    };
  }

  async step(): Promise<number> {
    const began = performance.now();
    const pending = this.trainer.run([this.batch], ++this.steps, optimizer.lr);
    this.recording = performance.now() - began;
    return (await pending).loss;
  }

  /** Kernels that a step dispatches. */
  async dispatches(): Promise<number> {
    const { stream } = this.engine.device;
    const before = stream.dispatches;
    await this.step();
    return stream.dispatches - before;
  }

  /** Time of a step's kernels by the GPU's clock, over that step's own; null where the adapter has no timestamps. */
  async kernelShare(): Promise<number | null> {
    const { device } = this.engine;
    if (!device.capabilities.features.has('timestamp-query')) return null;
    const profiler = new Profiler(device.gpu, device.stream);
    const began = performance.now();
    await this.step();
    const ms = performance.now() - began;
    const times = await profiler.stop();
    return times.reduce((sum, { nanoseconds }) => sum + nanoseconds, 0) / 1e6 / ms;
  }

  close(): void {
    this.trainer.dispose();
    this.adamw.dispose();
    this.scaler?.dispose();
    this.slab.dispose();
  }
}

/** A batch of random tokens, some of which are masked; without padding. */
function randomBatch({ seqLen: T, batch: B, vocab, maskRate }: StepSizes): Batch {
  const random = new Random(1, 0x73746570);
  const M = Math.max(1, Math.round(maskRate * T));
  const first = Math.min(5, vocab - 1); // special tokens come first
  const inputIds = Uint32Array.from({ length: B * T }, () => first + random.below(vocab - first));
  const places = Array.from({ length: B }, (_, b) => {
    const order = random.shuffle(Uint32Array.from({ length: T }, (_, t) => b * T + t));
    return order.slice(0, M).sort();
  });
  const maskedPositions = Uint32Array.from(places.flatMap((row) => [...row]));
  return {
    B,
    T,
    M,
    inputIds,
    attentionMask: new Uint32Array(B * T).fill(1),
    attention: 'bidirectional',
    shift: 0,
    maskedPositions,
    labels: Int32Array.from(maskedPositions, (place) => inputIds[place]),
    count: B * M,
    normalizer: B * M,
    tokens: B * T,
    rows: Int32Array.from({ length: B }, (_, b) => b),
  };
}
