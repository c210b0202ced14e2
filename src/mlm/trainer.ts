/**
 * The training loop: batches in, events out. It knows neither where it runs nor who listens; the command line and a page
 * consume the same events. The numbers of a step arrive while the next one already runs.
 */
import type { Engine, Tensor } from '../autograd/index.ts';
import { ClozeError } from '../gpu/index.ts';
import { AdamW, createSchedule, materialize, numberDropouts, type Schedule, type Slab } from '../nn/index.ts';
import { type Batch, batchCount, batches, epochOrder, makeBatch } from './batch.ts';
import { type BertConfig, presetConfig } from './bert/config.ts';
import { BertForMaskedLM } from './bert/heads.ts';
import { checkpointFiles, loadCheckpoint, type RunState, saveCheckpoint } from './checkpoint.ts';
import { evaluate } from './evaluate.ts';
import type { Baselines, DoneEvent, StepEvent, TrainEvent } from './events.ts';
import { type MaskingOptions, pureMask } from './masking.ts';
import type { TrainOptions } from './options.ts';
import { descriptionFiles, weightsFile } from './pretrained.ts';
import type { Session } from './session.ts';
import { type StepMetrics, TrainingStep } from './step.ts';
import { type RunStore, upToStep } from './storage.ts';

export interface TrainerParts {
  engine: Engine;
  session: Session;
  options: TrainOptions;
  /** Where checkpoints, metrics and the model go; without one nothing is kept. */
  store?: RunStore;
  /** Continue from the store's last checkpoint. */
  resume?: boolean;
  /** The name of the store to tell in the last event. */
  out?: string;
}

/** The seed of the masks that a model is scored on: the same in every run, so that scores compare. */
export const evaluationMaskSeed = 1;

/** Steps of a schedule whose length is given in minutes: as fine as anybody can tell. */
const timedSteps = 10_000;

const metricsLog = 'metrics.jsonl';

interface Submitted {
  step: number;
  lr: number;
  batches: Batch[];
  metrics: Promise<StepMetrics>;
}

export class Trainer {
  readonly config: BertConfig;
  readonly model: BertForMaskedLM;
  readonly slab: Slab;
  private readonly parts: TrainerParts;
  private readonly optimizer: AdamW;
  private readonly step: TrainingStep;
  private readonly masking: MaskingOptions;
  private readonly evaluationBatches: Batch[];
  private readonly schedule: Schedule;
  /** Steps the run will take, where that is known beforehand. */
  private readonly totalSteps: number | null;
  private readonly stepsPerEpoch: number;
  private state: RunState;
  private stopped = false;
  private started = 0;
  private firstStep = 1;

  /** Builds the model and gives it memory. Throws `option` when the options contradict each other. */
  constructor(parts: TrainerParts) {
    const { engine, session, options } = parts;
    this.parts = parts;
    this.config = presetConfig(options.preset, {
      vocab_size: session.tokenizer.vocabSize,
      max_position_embeddings: options.seqLen,
      hidden_dropout_prob: options.dropout,
      attention_probs_dropout_prob: options.dropout,
      norm_position: options.norm,
      pad_token_id: Math.max(0, session.tokenizer.special.pad),
    });
    if (options.batchSize % options.accumulation !== 0) {
      throw new ClozeError(
        'option',
        `a batch of ${options.batchSize} cannot be cut into ${options.accumulation} micro-batches of one size`,
        'Make the batch size a multiple of the accumulation',
      );
    }
    const [mask, random, keep] = options.maskReplace;
    this.masking = { rate: options.maskRate, replace: { mask, random, keep } };
    this.stepsPerEpoch = batchCount(session.train.size, options.batchSize, 'drop');
    this.totalSteps = plannedSteps(options, this.stepsPerEpoch);
    this.schedule = createSchedule({
      name: options.schedule,
      totalSteps: this.totalSteps ?? timedSteps,
      warmupRatio: options.warmup,
    });
    this.model = new BertForMaskedLM(this.config);
    numberDropouts(this.model);
    this.slab = materialize(this.model, engine, { seed: options.seed });
    this.optimizer = new AdamW(this.slab, {
      weightDecay: options.weightDecay,
      maxGradNorm: options.maxGradNorm,
    });
    this.step = new TrainingStep({
      model: this.model,
      slab: this.slab,
      optimizer: this.optimizer,
      seed: options.seed,
    });
    this.evaluationBatches = evaluationBatches(session, options);
    this.state = { step: 0, options, best: null, sinceBest: 0, trainLoss: Number.NaN };
  }

  /** Ends the run after the step under way, with a checkpoint. */
  stop(): void {
    this.stopped = true;
  }

  /** Trains, and tells what happens. Ends with a `done` event; throws `nan` when the loss stops being a number. */
  async *run(): AsyncGenerator<TrainEvent, void, void> {
    const { session, store } = this.parts;
    if (this.parts.resume) await this.resume();
    this.firstStep = this.state.step + 1;
    const baselines = session.baselines(this.evaluationBatches);
    const floor = session.floor?.(this.evaluationBatches) ?? null;
    yield this.startEvent(baselines, floor);
    if (store) await this.describe(store);
    this.started = performance.now();
    let reason = this.ending();
    let inFlight: Submitted | undefined;
    while (!reason) {
      const submitted = this.submit(this.state.step + 1);
      if (inFlight) yield await this.settle(inFlight);
      inFlight = submitted;
      this.state.step = submitted.step;
      reason = this.ending();
      const due = this.due(submitted.step, reason !== undefined);
      if (!due.evaluation && !due.checkpoint) continue;
      yield await this.settle(inFlight);
      inFlight = undefined;
      if (due.evaluation) {
        yield await this.validate();
        reason ??= this.ending();
      }
      if (due.checkpoint || reason) {
        await this.save();
        yield { event: 'checkpoint', step: this.state.step };
      }
    }
    yield await this.done(reason, baselines, floor);
  }

  /** Frees the memory of model and optimiser. */
  dispose(): void {
    this.optimizer.dispose();
    this.slab.dispose();
  }

  private submit(step: number): Submitted {
    const { session, options } = this.parts;
    const batches = stepBatches(session.train, step, this.stepsPerEpoch, options, this.masking);
    const lr = options.lr * this.schedule(this.scheduleStep(step));
    const metrics = this.step.run(batches, step, lr);
    metrics.catch(() => {});
    return { step, lr, batches, metrics };
  }

  /** Waits for a step's numbers, logs them and makes the event. */
  private async settle({ step, lr, batches, metrics }: Submitted): Promise<StepEvent> {
    const { loss, accuracy, gradNorm } = await metrics;
    if (!Number.isFinite(loss) || !Number.isFinite(gradNorm)) throw await this.explain(step, batches, loss);
    this.state.trainLoss = loss;
    await this.log({ event: 'step', step, loss, accuracy, lr, gradNorm });
    const elapsed = (performance.now() - this.started) / 1000;
    const done = step - this.firstStep + 1;
    const tokens = this.parts.options.batchSize * this.parts.options.seqLen;
    return {
      event: 'step',
      step,
      epoch: step / this.stepsPerEpoch,
      loss,
      accuracy,
      lr,
      gradNorm,
      tokensPerSecond: (done * tokens) / elapsed,
      secondsLeft: this.secondsLeft(step, elapsed / done),
    };
  }

  private async validate(): Promise<TrainEvent> {
    const { step } = this.state;
    const score = await evaluate(this.parts.engine, this.model, this.evaluationBatches);
    const best = !this.state.best || score.loss < this.state.best.loss;
    this.state.sinceBest = best ? 0 : this.state.sinceBest + 1;
    if (best) {
      this.state.best = score;
      await this.parts.store?.writeCheckpoint('best', {
        ...this.description(),
        'model.safetensors': await weightsFile(this.slab),
      });
    }
    await this.log({ event: 'eval', step, ...score, best });
    return { event: 'eval', step, ...score, best };
  }

  private async save(): Promise<void> {
    const { store } = this.parts;
    if (!store) return;
    await saveCheckpoint(
      store,
      await checkpointFiles(this.slab, this.optimizer, this.state, this.description()),
    );
  }

  private async resume(): Promise<void> {
    const { store, options, out } = this.parts;
    const state = store && (await loadCheckpoint(store, this.slab, this.optimizer));
    if (!store || !state) {
      throw new ClozeError(
        'checkpoint',
        `there is no checkpoint to resume in ${out ?? 'this run'}`,
        'Start without --resume',
      );
    }
    const changed = changedOption(state.options, options);
    if (changed) {
      throw new ClozeError(
        'checkpoint',
        `the run was started with another ${changed}`,
        'Resume with the same options, or start a new run',
      );
    }
    this.state = { ...state, options };
    await store.truncateLines(metricsLog, upToStep(state.step));
  }

  /** Writes what describes the model, so that a killed run can be read too. */
  private async describe(store: RunStore): Promise<void> {
    for (const [name, content] of Object.entries(this.description())) await store.write(name, content);
  }

  private async done(
    reason: DoneEvent['reason'],
    baselines: Baselines,
    floor: number | null,
  ): Promise<DoneEvent> {
    const { store, options, out, engine } = this.parts;
    const best = await store?.readCheckpoint('best');
    if (store)
      await store.write('model.safetensors', best?.['model.safetensors'] ?? (await weightsFile(this.slab)));
    const elapsed = (performance.now() - this.started) / 1000;
    const steps = this.state.step - this.firstStep + 1;
    return {
      event: 'done',
      steps: this.state.step,
      trainLoss: this.state.trainLoss,
      valLoss: this.state.best?.loss ?? Number.NaN,
      valAccuracy: this.state.best?.accuracy ?? Number.NaN,
      floor,
      baselines,
      tokensPerSecond: (steps * options.batchSize * options.seqLen) / elapsed,
      adapter: engine.device.capabilities.name,
      reason,
      out: out ?? null,
    };
  }

  /** Runs the step again, op by op, and names the first tensor with a value that is not finite. */
  private async explain(step: number, batches: Batch[], loss: number): Promise<ClozeError> {
    const { engine } = this.parts;
    const seen: { op: string; path: string; copy: Tensor }[] = [];
    engine.inspect = (op, output) => {
      if (output.dtype === 'f32')
        seen.push({ op, path: engine.path, copy: engine.keep(engine.copyOf(output)) });
    };
    try {
      for (const batch of batches) this.step.replay(batch, step);
    } finally {
      engine.inspect = undefined;
    }
    let culprit = 'the gradients';
    for (const { op, path, copy } of seen) {
      const values = culprit === 'the gradients' ? await copy.data() : [];
      copy.dispose();
      if (values.some((value) => !Number.isFinite(value))) {
        culprit = `the output of ${op} in ${path.replace(/^scope\/?/, '') || 'the model'}, [${copy.shape.join(', ')}]`;
      }
    }
    return new ClozeError(
      'nan',
      `the loss is ${loss} at step ${step}; the first tensor that went wrong is ${culprit}`,
      'Lower --lr or --max-grad-norm and resume from the last checkpoint',
    );
  }

  private ending(): DoneEvent['reason'] | undefined {
    const { options } = this.parts;
    const { step, sinceBest } = this.state;
    if (this.stopped) return 'stopped';
    if (this.totalSteps !== null && step >= this.totalSteps)
      return options.steps === this.totalSteps ? 'steps' : 'epochs';
    if (options.minutes && this.minutes() >= options.minutes) return 'minutes';
    if (options.patience && sinceBest >= options.patience) return 'patience';
    return undefined;
  }

  private due(step: number, last: boolean): { evaluation: boolean; checkpoint: boolean } {
    const { options } = this.parts;
    const evalEvery = options.evalEvery ?? Math.max(1, Math.round((this.totalSteps ?? 1000) / 10));
    const evaluation = last || step % evalEvery === 0;
    const checkpoint = last || (options.checkpointEvery ? step % options.checkpointEvery === 0 : evaluation);
    return { evaluation, checkpoint };
  }

  /** Where in the schedule a step stands; a run limited by time counts the share of its time. */
  private scheduleStep(step: number): number {
    const { minutes } = this.parts.options;
    if (this.totalSteps !== null || !minutes) return step;
    return Math.max(1, Math.ceil((this.minutes() / minutes) * timedSteps));
  }

  private secondsLeft(step: number, secondsPerStep: number): number | null {
    const { minutes } = this.parts.options;
    const bySteps =
      this.totalSteps === null ? Number.POSITIVE_INFINITY : (this.totalSteps - step) * secondsPerStep;
    const byTime = minutes ? 60 * (minutes - this.minutes()) : Number.POSITIVE_INFINITY;
    const left = Math.min(bySteps, byTime);
    return Number.isFinite(left) ? Math.max(0, left) : null;
  }

  private minutes(): number {
    return (performance.now() - this.started) / 60_000;
  }

  private description(): Record<string, string> {
    return descriptionFiles(this.config, this.parts.session.tokenizer);
  }

  private async log(line: object): Promise<void> {
    await this.parts.store?.appendLine(metricsLog, JSON.stringify(line));
  }

  private startEvent(baselines: Baselines, floor: number | null): TrainEvent {
    const { session, engine } = this.parts;
    return {
      event: 'start',
      adapter: engine.device.capabilities.name,
      parameters: this.slab.size,
      vocabSize: session.tokenizer.vocabSize,
      trainSequences: session.train.size,
      validationSequences: session.validation.size,
      trainTokens: session.train.tokens,
      steps: this.totalSteps,
      firstStep: this.firstStep,
      baselines,
      floor,
    };
  }
}

/** The validation batches: a fixed seed, pure [MASK], every token chosen by itself, as baselines and floors assume. */
export function evaluationBatches(
  session: Session,
  options: Pick<TrainOptions, 'maskRate' | 'batchSize' | 'accumulation' | 'evalSequences'>,
  maskSeed = evaluationMaskSeed,
): Batch[] {
  const { validation } = session;
  const all = batches(validation, {
    batchSize: Math.min(options.batchSize / options.accumulation, validation.size),
    masking: { rate: options.maskRate, replace: pureMask, selection: 'bernoulli' },
    seed: maskSeed,
  });
  const kept: Batch[] = [];
  let sequences = 0;
  for (const batch of all) {
    if (sequences >= options.evalSequences) break;
    kept.push(batch);
    sequences += batch.B;
  }
  return kept;
}

/** The micro-batches of a step: a pure function of the seed and the step's number, so a resumed run needs no more. */
function stepBatches(
  dataset: Session['train'],
  step: number,
  stepsPerEpoch: number,
  options: TrainOptions,
  masking: MaskingOptions,
): Batch[] {
  const { batchSize, accumulation, seed } = options;
  const epoch = Math.floor((step - 1) / stepsPerEpoch);
  const start = ((step - 1) % stepsPerEpoch) * batchSize;
  const order = epochOrder(dataset.size, seed, epoch);
  const micro = batchSize / accumulation;
  return Array.from({ length: accumulation }, (_, i) => {
    const rows = Int32Array.from({ length: micro }, (_, b) => order[start + i * micro + b] ?? -1);
    return makeBatch(dataset, rows, { masking, seed, epoch });
  });
}

function plannedSteps({ steps, epochs, minutes }: TrainOptions, stepsPerEpoch: number): number | null {
  const byEpochs = epochs === undefined ? Number.POSITIVE_INFINITY : Math.ceil(epochs * stepsPerEpoch);
  const planned = Math.min(steps ?? Number.POSITIVE_INFINITY, byEpochs);
  if (Number.isFinite(planned)) return planned;
  return minutes ? null : 1000;
}

/** The first option, length and rhythm of the run aside, that differs; undefined when none does. */
function changedOption(before: TrainOptions, now: TrainOptions): string | undefined {
  const free = new Set([
    'steps',
    'epochs',
    'minutes',
    'evalEvery',
    'evalSequences',
    'patience',
    'checkpointEvery',
  ]);
  return (Object.keys({ ...before, ...now }) as (keyof TrainOptions)[]).find(
    (name) => !free.has(name) && JSON.stringify(before[name]) !== JSON.stringify(now[name]),
  );
}
