/** What a training run tells while it goes on. The command line, a page and `--json` all consume these events. */

/** The loss, in the unit of its objective, and the share of predictions that are right. */
export interface Score {
  loss: number;
  accuracy: number;
}

/** Count-based predictors that a neural model has to beat. */
export interface Baselines {
  /** Token frequencies alone. */
  unigram: Score;
  /** Counts of the visible neighbours, where predictions see both sides. */
  neighbours?: Score;
  /** Counts of n-grams, where they see what is before them. */
  ngrams?: Score;
}

/** Bytes of GPU memory that a run takes; where batches differ in shape (`--batching grouped`), what its first step takes. */
export interface MemoryNeed {
  /** Weights, gradients and what the optimiser remembers. */
  state: number;
  /** What a step or a validation batch holds beside these, at most. */
  activations: number;
  largestBuffer: number;
  /** The largest buffer that the adapter allows. */
  bufferLimit: number;
}

export interface StartEvent {
  event: 'start';
  adapter: string;
  /** How many choices of `cloze tune` the run is held to, and eight digits that tell them from others; null for none. */
  tuning: { choices: number; digest: string } | null;
  /** Trainable values. */
  parameters: number;
  memory: MemoryNeed;
  vocabSize: number;
  trainSequences: number;
  validationSequences: number;
  /** The share of padding in rows of one document each, and in the packed ones that the run trains on; null where it packs none. */
  padding: number;
  packedPadding: number | null;
  trainTokens: number;
  documents: number;
  /** Documents that an earlier one equals, and validation documents that the training part has too; null for unbroken text. */
  duplicates: number | null;
  overlap: number | null;
  steps: number | null;
  /** First step of this run; above 1 after a resume. */
  firstStep: number;
  baselines: Baselines;
  /** The lowest loss that is possible at all, where the language is one whose floor is known. */
  floor: number | null;
}

export interface StepEvent extends Score {
  event: 'step';
  step: number;
  /** Epochs begun before this step's batch, with the share of the current one. */
  epoch: number;
  lr: number;
  /** Not finite where the step was skipped. */
  gradNorm: number;
  /** Of a run in f16: what the loss was multiplied with for the backward pass. */
  lossScale?: number;
  /** True where gradients outgrew f16 at that scale: the step changed nothing, and the next ones have a smaller scale. */
  skipped?: boolean;
  tokensPerSecond: number;
  /** Seconds until the run ends, as far as can be told. */
  secondsLeft: number | null;
}

export interface EvalEvent extends Score {
  event: 'eval';
  step: number;
  /** True when no earlier validation was better. */
  best: boolean;
}

export interface CheckpointEvent {
  event: 'checkpoint';
  step: number;
}

/** The device was lost, and the run goes on with another. */
export interface DeviceLostEvent {
  event: 'device-lost';
  /** The last step whose numbers were told. */
  step: number;
  /** The step of the checkpoint from which the run goes on; 0 for its beginning. */
  resumedFrom: number;
}

/** The adapter lacked memory, and the run goes on with smaller micro-batches, whose gradients add up to the same. */
export interface OutOfMemoryEvent {
  event: 'out-of-memory';
  /** The last step whose numbers were told. */
  step: number;
  /** The step of the checkpoint from which the run goes on; 0 for its beginning. */
  resumedFrom: number;
  /** Sequences in a micro-batch from now on. */
  rows: number;
  /** What was lacking. */
  message: string;
}

export interface DoneEvent {
  event: 'done';
  steps: number;
  trainLoss: number;
  valLoss: number;
  valAccuracy: number;
  floor: number | null;
  baselines: Baselines;
  tokensPerSecond: number;
  adapter: string;
  /** Why the run ended. */
  reason: 'steps' | 'epochs' | 'minutes' | 'patience' | 'stopped';
  out: string | null;
}

export type TrainEvent =
  | StartEvent
  | StepEvent
  | EvalEvent
  | CheckpointEvent
  | DeviceLostEvent
  | OutOfMemoryEvent
  | DoneEvent;
