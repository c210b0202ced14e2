/**
 * The training loop: batches in, events out. It knows neither where it runs nor who listens; the command line and a page
 * consume the same events. The numbers of a step arrive while the next one already runs.
 */
import type { Engine } from '../../autograd/index.ts';
import { ClozeError } from '../../gpu/index.ts';
import type { GradScaler, Slab } from '../../nn/index.ts';
import type { BertConfig } from '../bert/config.ts';
import type { Batch } from '../data/batch.ts';
import { evaluationBatches } from '../data/evaluationSet.ts';
import { paddingShare } from '../data/packing.ts';
import type { Session } from '../data/session.ts';
import { checkBatchFits, TrainingBatches } from '../data/trainingBatches.ts';
import { evaluate } from '../evaluation/evaluate.ts';
import { createObjective, type Objective, type Trainee } from '../objectives/index.ts';
import { descriptionFiles } from '../pretrained.ts';
import type { RunStore } from '../storage/storage.ts';
import type { RunState } from './checkpoint.ts';
import { firstNonFinite } from './diagnosis.ts';
import type {
  Baselines,
  CheckpointEvent,
  DoneEvent,
  EvalEvent,
  MemoryNeed,
  Score,
  StartEvent,
  StepEvent,
  TrainEvent,
} from './events.ts';
import { continuedConfig, type InitialModel } from './initialModel.ts';
import { modelConfig } from './modelConfig.ts';
import type { TrainOptions } from './options.ts';
import { rehearse } from './rehearsal.ts';
import { RunLength } from './runLength.ts';
import { RunRecord } from './runRecord.ts';
import { splitBatch } from './splitBatch.ts';
import type { StepMetrics } from './step.ts';
import { TrainedModel } from './trainedModel.ts';

export interface TrainerParts {
  engine: Engine;
  session: Session;
  options: TrainOptions;
  /** Where checkpoints, metrics and the model go; without one nothing is kept. */
  store?: RunStore;
  /** The model to go on with, where nothing is resumed; its tokenizer is the session's. */
  initial?: InitialModel;
  /** Continue from the store's last checkpoint. */
  resume?: boolean;
  /** The name of the store to tell in the last event. */
  out?: string;
  /** Into how many parts each batch is cut, so that less of it is in memory at once; their sums are those of the whole. Default 1. */
  split?: number;
}

/** What a model is measured against on the evaluation set. */
interface Bars {
  baselines: Baselines;
  floor: number | null;
}

type Reason = DoneEvent['reason'];

/** A step whose numbers are still to come. */
interface Submitted {
  step: number;
  lr: number;
  batches: Batch[];
  metrics: Promise<StepMetrics>;
}

/** The length that a run limited by time alone is taken to have when it is asked how often to validate. */
const timedRunSteps = 1000;

/** Steps over which the training loss is averaged: a single batch says little. */
const averagedSteps = 50;

export class Trainer {
  readonly objective: Objective;
  readonly config: BertConfig;
  private readonly build: () => Trainee;
  private readonly model: TrainedModel;
  private readonly parts: TrainerParts;
  private readonly trainingBatches: TrainingBatches;
  private readonly evaluationBatches: Batch[];
  private readonly length: RunLength;
  private readonly record: RunRecord;
  private state: RunState;
  /** The step before the first one of this process, and the seconds that earlier processes took. */
  private resumedAt = { step: 0, seconds: 0 };
  private startedAt = 0;
  private stopRequested = false;
  private saveRequested = false;

  /** Builds the model and gives it memory. Throws `option` when the options contradict each other, `out-of-memory` when a batch is too large for the adapter. */
  constructor(parts: TrainerParts) {
    const { engine, session, options, initial, split = 1 } = parts;
    this.parts = parts;
    this.objective = createObjective(options, session.train.vocabulary);
    const config = initial
      ? continuedConfig(initial, session, this.objective, options)
      : modelConfig(session, this.objective, options);
    checkBatchFits(
      { ...options, accumulation: split * options.accumulation },
      config.hidden_size,
      engine.device.gpu.limits.maxStorageBufferBindingSize,
    );
    this.trainingBatches = new TrainingBatches(session.train, this.objective.train, options);
    this.evaluationBatches = this.cut(evaluationBatches(session, this.objective, options));
    this.length = new RunLength(options, this.trainingBatches.stepsPerEpoch);
    this.build = () => this.objective.build(config);
    const built = this.build();
    this.config = built.config;
    this.model = new TrainedModel(engine, built, options);
    const description = descriptionFiles(this.config, session.tokenizer);
    this.record = new RunRecord({ store: parts.store, model: this.model, description });
    this.state = { step: 0, seconds: 0, options, best: null, sinceBest: 0, trainLoss: 0 };
  }

  get trainee(): Trainee {
    return this.model.trainee;
  }

  /** Weights and gradients. */
  get slab(): Slab {
    return this.model.slab;
  }

  /** Of a run in f16. */
  get scaler(): GradScaler | undefined {
    return this.model.scaler;
  }

  /** Ends the run after the steps under way, with a checkpoint. */
  stop(): void {
    this.stopRequested = true;
  }

  /** Has a checkpoint saved after the steps under way, whenever the next one is due. */
  saveSoon(): void {
    this.saveRequested = true;
  }

  /** Counts `seconds` as no time of the run: for whoever let it rest between two events. */
  rested(seconds: number): void {
    this.startedAt += 1000 * seconds;
  }

  /**
   * Trains, and tells what happens. Ends with a `done` event. Throws `nan` when a loss or a gradient stops being a
   * number, `checkpoint` when there is nothing to resume.
   */
  async *run(): AsyncGenerator<TrainEvent, void, void> {
    if (this.parts.resume) await this.resume();
    else await this.parts.initial?.load(this.slab);
    const { session } = this.parts;
    const bars: Bars = {
      baselines: session.baselines(this.evaluationBatches, this.objective),
      floor: this.objective.asBar ? null : (session.floor?.(this.evaluationBatches) ?? null),
    };
    yield this.startEvent(bars, await this.rehearse());
    await this.record.describe();
    this.startedAt = performance.now();
    const reason = yield* this.steps();
    yield await this.done(reason, bars);
  }

  /** Frees the memory of model and optimiser. */
  dispose(): void {
    this.model.dispose();
  }

  /**
   * Submits each step before waiting for the numbers of the one before. A validation or a checkpoint waits for both, so
   * that nothing is saved which was not seen to be sound.
   */
  private async *steps(): AsyncGenerator<TrainEvent, Reason, void> {
    const inFlight: Submitted[] = [];
    let reason = this.ending();
    try {
      while (!reason) {
        const step = ++this.state.step;
        inFlight.push(this.parts.engine.span(`step ${step}`, () => this.submit(step)));
        reason = this.ending();
        const due = this.due(reason);
        const mayStay = due.evaluation || due.checkpoint ? 0 : 1;
        while (inFlight.length > mayStay) yield await this.settle(inFlight.shift() as Submitted);
        if (due.evaluation) yield await this.validate();
        reason ??= this.outOfPatience();
        if (due.checkpoint || reason) yield await this.save();
      }
      return reason;
    } finally {
      await Promise.allSettled(inFlight.map(({ metrics }) => metrics));
    }
  }

  private submit(step: number): Submitted {
    const seconds = this.seconds();
    const batches = this.cut(this.trainingBatches.of(step, this.length.progress(step, seconds)));
    const lr = this.parts.options.lr * this.length.lrFactor(step, seconds);
    const metrics = this.model.step.run(batches, step, lr);
    // Whoever breaks off the run waits for no numbers; their failure is then nobody's business.
    metrics.catch(() => {});
    return { step, lr, batches, metrics };
  }

  /** Waits for a step's numbers, logs them and makes the event. */
  private async settle({ step, lr, batches, metrics }: Submitted): Promise<StepEvent> {
    const { engine } = this.parts;
    const numbers = await engine.span(`wait for step ${step}`, () => metrics);
    const { loss, accuracy, gradNorm, lossScale } = numbers;
    // Gradients that are not finite may be so by their scale alone, down to a scale of 1.
    const skipped = !Number.isFinite(gradNorm) && lossScale > 1;
    if (!Number.isFinite(loss) || !(Number.isFinite(gradNorm) || skipped)) {
      const what = Number.isFinite(loss) ? `the norm of the gradients is ${gradNorm}` : `the loss is ${loss}`;
      throw await this.explain(`${what} at step ${step}`, batches);
    }
    this.state.trainLoss += (loss - this.state.trainLoss) / Math.min(step, averagedSteps);
    const scaling = this.scaler ? { lossScale, skipped } : {};
    await this.record.log({ event: 'step', step, loss, accuracy, lr, gradNorm, ...scaling });
    return {
      event: 'step',
      step,
      epoch: step / this.length.stepsPerEpoch,
      loss,
      accuracy,
      lr,
      gradNorm,
      ...scaling,
      tokensPerSecond: this.tokensPerSecond(step),
      secondsLeft: this.length.secondsLeft(step, this.seconds(), this.pace(step)),
    };
  }

  private async validate(): Promise<EvalEvent> {
    const { step } = this.state;
    const score = await this.score();
    const best = !this.state.best || score.loss < this.state.best.loss;
    this.state.sinceBest = best ? 0 : this.state.sinceBest + 1;
    if (best) {
      this.state.best = score;
      await this.record.saveBest();
    }
    await this.record.log({ event: 'eval', step, ...score, best });
    return { event: 'eval', step, ...score, best };
  }

  private async score(): Promise<Score> {
    const { engine } = this.parts;
    const score = await engine.span('validation', () =>
      this.model.averaged(() => evaluate(engine, this.trainee, this.evaluationBatches)),
    );
    if (Number.isFinite(score.loss)) return score;
    const what = `the validation loss is ${score.loss} after step ${this.state.step}`;
    throw await this.explain(what, this.evaluationBatches.slice(0, 1));
  }

  private async save(): Promise<CheckpointEvent> {
    this.saveRequested = false;
    this.state.seconds = this.seconds();
    await this.parts.engine.span('checkpoint', () => this.record.save(this.state));
    return { event: 'checkpoint', step: this.state.step };
  }

  private async resume(): Promise<void> {
    this.state = await this.record.resume(this.parts.options, this.parts.out);
    this.resumedAt = { step: this.state.step, seconds: this.state.seconds };
  }

  /** Saves the best weights as the model: those of a validation, or the last ones where a stopped run beats them. */
  private async done(reason: Reason, { baselines, floor }: Bars): Promise<DoneEvent> {
    const { out, engine } = this.parts;
    const { step, trainLoss, best } = this.state;
    const last = reason === 'stopped' || !best ? await this.score() : best;
    const lastIsBetter = !best || last.loss < best.loss;
    const { loss: valLoss, accuracy: valAccuracy } = lastIsBetter ? last : best;
    await this.record.saveModel(lastIsBetter ? 'last' : 'best');
    return {
      event: 'done',
      steps: step,
      trainLoss,
      valLoss,
      valAccuracy,
      floor,
      baselines,
      tokensPerSecond: this.tokensPerSecond(step),
      adapter: engine.device.capabilities.name,
      reason,
      out: out ?? null,
    };
  }

  private async explain(what: string, batches: readonly Batch[]): Promise<ClozeError> {
    const culprit = await firstNonFinite(this.model.step, batches, this.state.step);
    return new ClozeError(
      'nan',
      `${what}; the first tensor that is not finite is ${culprit}`,
      'Lower --lr or --max-grad-norm and go on from the last checkpoint with --resume',
    );
  }

  /** Whether the run ends here, and why; a lack of progress aside. */
  private ending(): Reason | undefined {
    if (this.stopRequested) return 'stopped';
    return this.length.reached(this.state.step, this.seconds()) ?? this.outOfPatience();
  }

  private outOfPatience(): Reason | undefined {
    const { patience } = this.parts.options;
    return patience !== undefined && this.state.sinceBest >= patience ? 'patience' : undefined;
  }

  /** A stopped run is not validated: resumed, it does all as if it had never been stopped. */
  private due(reason: Reason | undefined): { evaluation: boolean; checkpoint: boolean } {
    const { evalEvery, checkpointEvery } = this.parts.options;
    const { step } = this.state;
    const rhythm = evalEvery ?? Math.max(1, Math.round((this.length.steps ?? timedRunSteps) / 10));
    const evaluation = step % rhythm === 0 || (reason !== undefined && reason !== 'stopped');
    const checkpoint = checkpointEvery === undefined ? evaluation : step % checkpointEvery === 0;
    return { evaluation, checkpoint: checkpoint || this.saveRequested || reason !== undefined };
  }

  private seconds(): number {
    return this.resumedAt.seconds + (performance.now() - this.startedAt) / 1000;
  }

  /** Seconds a step has taken so far in this process, all in all. */
  private pace(step: number): number {
    return (this.seconds() - this.resumedAt.seconds) / Math.max(1, step - this.resumedAt.step);
  }

  private tokensPerSecond(step: number): number {
    const { batchSize, seqLen } = this.parts.options;
    return step > this.resumedAt.step ? (batchSize * seqLen) / this.pace(step) : 0;
  }

  private cut(batches: readonly Batch[]): Batch[] {
    return batches.flatMap((batch) => splitBatch(batch, this.parts.split ?? 1));
  }

  private rehearse(): Promise<MemoryNeed> {
    const { engine, options } = this.parts;
    return rehearse(engine, {
      build: this.build,
      options,
      training: this.cut(this.trainingBatches.of(1, 0)),
      validation: this.evaluationBatches,
    });
  }

  private startEvent({ baselines, floor }: Bars, memory: MemoryNeed): StartEvent {
    const { session, engine } = this.parts;
    const { tuning } = engine.launcher;
    const { packing } = this.trainingBatches;
    return {
      event: 'start',
      adapter: engine.device.capabilities.name,
      tuning: tuning ? { choices: tuning.choices.length, digest: tuning.digest } : null,
      parameters: this.slab.size,
      memory,
      vocabSize: session.tokenizer.vocabSize,
      trainSequences: session.train.size,
      validationSequences: session.validation.size,
      padding: paddingShare(session.train),
      packedPadding: packing ? paddingShare(session.train, packing.size) : null,
      trainTokens: session.train.tokens,
      documents: session.documents,
      duplicates: session.repeats?.duplicates ?? null,
      overlap: session.repeats?.overlap ?? null,
      steps: this.length.steps,
      firstStep: this.state.step + 1,
      baselines,
      floor,
    };
  }
}
