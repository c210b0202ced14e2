/**
 * The training loop: batches in, events out. It knows neither where it runs nor who listens; the command line and a page
 * consume the same events. The numbers of a step arrive while the next one already runs.
 */
import type { Engine } from '../autograd/index.ts';
import { ClozeError } from '../gpu/index.ts';
import { AdamW, materialize, numberDropouts, type Slab } from '../nn/index.ts';
import type { Batch } from './batch.ts';
import { type BertConfig, presetConfig } from './bert/config.ts';
import { BertForMaskedLM } from './bert/heads.ts';
import {
  checkpointFiles,
  loadCheckpoint,
  type RunState,
  requireSameRun,
  saveCheckpoint,
} from './checkpoint.ts';
import { firstNonFinite } from './diagnosis.ts';
import { evaluate } from './evaluate.ts';
import { evaluationBatches } from './evaluationSet.ts';
import type { Baselines, DoneEvent, EvalEvent, StartEvent, StepEvent, TrainEvent } from './events.ts';
import type { TrainOptions } from './options.ts';
import { descriptionFiles, weightsFile } from './pretrained.ts';
import { RunLength } from './runLength.ts';
import type { Session } from './session.ts';
import { type StepMetrics, TrainingStep } from './step.ts';
import { type RunStore, upToStep } from './storage.ts';
import { TrainingBatches } from './trainingBatches.ts';

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

/** A step that runs on the GPU. */
interface Submitted {
  step: number;
  lr: number;
  batches: Batch[];
  metrics: Promise<StepMetrics>;
}

const metricsLog = 'metrics.jsonl';

export class Trainer {
  readonly config: BertConfig;
  readonly model: BertForMaskedLM;
  readonly slab: Slab;
  private readonly parts: TrainerParts;
  private readonly optimizer: AdamW;
  private readonly step: TrainingStep;
  private readonly batches: TrainingBatches;
  private readonly evaluationSet: Batch[];
  private readonly length: RunLength;
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
    this.batches = new TrainingBatches(session.train, options);
    this.evaluationSet = evaluationBatches(session, options);
    this.length = new RunLength(options, this.batches.stepsPerEpoch);
    this.model = new BertForMaskedLM(this.config);
    numberDropouts(this.model);
    this.slab = materialize(this.model, engine, { seed: options.seed });
    this.optimizer = new AdamW(this.slab, options);
    this.step = new TrainingStep({ ...this, seed: options.seed, optimizer: this.optimizer });
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
    const baselines = session.baselines(this.evaluationSet);
    const floor = session.floor?.(this.evaluationSet) ?? null;
    yield this.startEvent(baselines, floor);
    for (const [name, text] of Object.entries(this.description())) await store?.write(name, text);

    this.started = performance.now();
    let ended = this.ended();
    let running: Submitted | undefined;
    while (!ended) {
      const before = running;
      running = this.submit(this.state.step + 1);
      if (before) yield await this.settle(before);
      this.state.step = running.step;
      ended = this.ended();
      const due = this.due(running.step, ended !== undefined);
      if (!due.evaluation && !due.checkpoint) continue;
      yield await this.settle(running);
      running = undefined;
      if (due.evaluation) yield await this.validate();
      ended ??= this.ended();
      if (due.checkpoint || ended) yield await this.save();
    }
    yield await this.done(ended, baselines, floor);
  }

  /** Frees the memory of model and optimiser. */
  dispose(): void {
    this.optimizer.dispose();
    this.slab.dispose();
  }

  private submit(step: number): Submitted {
    const batches = this.batches.of(step);
    const lr = this.parts.options.lr * this.length.lrFactor(step, this.seconds());
    const metrics = this.step.run(batches, step, lr);
    // Whoever leaves the loop early never waits for these numbers; their failure must not end the process.
    metrics.catch(() => {});
    return { step, lr, batches, metrics };
  }

  /** Waits for a step's numbers, logs them and makes the event. */
  private async settle({ step, lr, batches, metrics }: Submitted): Promise<StepEvent> {
    const { loss, accuracy, gradNorm } = await metrics;
    if (!Number.isFinite(loss) || !Number.isFinite(gradNorm)) throw await this.explain(step, batches, loss);
    this.state.trainLoss = loss;
    await this.log({ event: 'step', step, loss, accuracy, lr, gradNorm });
    const seconds = this.seconds();
    const done = step - this.firstStep + 1;
    const left = this.length.secondsLeft(step, seconds, seconds / done);
    return {
      event: 'step',
      step,
      epoch: step / this.batches.stepsPerEpoch,
      loss,
      accuracy,
      lr,
      gradNorm,
      tokensPerSecond: this.tokensPerSecond(done),
      secondsLeft: Number.isFinite(left) ? left : null,
    };
  }

  private async validate(): Promise<EvalEvent> {
    const { step } = this.state;
    const score = await evaluate(this.parts.engine, this.model, this.evaluationSet);
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

  private async save(): Promise<TrainEvent> {
    const { store } = this.parts;
    if (store) {
      await saveCheckpoint(
        store,
        await checkpointFiles(this.slab, this.optimizer, this.state, this.description()),
      );
    }
    return { event: 'checkpoint', step: this.state.step };
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
    requireSameRun(state.options, options);
    this.state = { ...state, options };
    await store.truncateLines(metricsLog, upToStep(state.step));
  }

  /** Puts the best model where others look for it, and sums the run up. */
  private async done(
    reason: DoneEvent['reason'],
    baselines: Baselines,
    floor: number | null,
  ): Promise<DoneEvent> {
    const { store, out, engine } = this.parts;
    const best = await store?.readCheckpoint('best');
    await store?.write('model.safetensors', best?.['model.safetensors'] ?? (await weightsFile(this.slab)));
    return {
      event: 'done',
      steps: this.state.step,
      trainLoss: this.state.trainLoss,
      valLoss: this.state.best?.loss ?? Number.NaN,
      valAccuracy: this.state.best?.accuracy ?? Number.NaN,
      floor,
      baselines,
      tokensPerSecond: this.tokensPerSecond(this.state.step - this.firstStep + 1),
      adapter: engine.device.capabilities.name,
      reason,
      out: out ?? null,
    };
  }

  private async explain(step: number, batches: Batch[], loss: number): Promise<ClozeError> {
    const culprit = await firstNonFinite(this.step, this.slab, batches, step);
    return new ClozeError(
      'nan',
      `the loss is ${loss} at step ${step}; the first tensor that went wrong is ${culprit}`,
      'Lower --lr or --max-grad-norm and resume from the last checkpoint',
    );
  }

  private ended(): DoneEvent['reason'] | undefined {
    const { patience } = this.parts.options;
    if (this.stopped) return 'stopped';
    if (patience && this.state.sinceBest >= patience) return 'patience';
    return this.length.reached(this.state.step, this.seconds());
  }

  /** What follows a step. Without other orders a run is validated ten times, and kept each time. */
  private due(step: number, last: boolean): { evaluation: boolean; checkpoint: boolean } {
    const { evalEvery, checkpointEvery } = this.parts.options;
    const evaluation =
      last || step % (evalEvery ?? Math.max(1, Math.round((this.length.steps ?? 1000) / 10))) === 0;
    const checkpoint = last || (checkpointEvery ? step % checkpointEvery === 0 : evaluation);
    return { evaluation, checkpoint };
  }

  /** Seconds of training so far. */
  private seconds(): number {
    return this.started === 0 ? 0 : (performance.now() - this.started) / 1000;
  }

  private tokensPerSecond(steps: number): number {
    const { batchSize, seqLen } = this.parts.options;
    return steps > 0 ? (steps * batchSize * seqLen) / this.seconds() : 0;
  }

  private description(): Record<string, string> {
    return descriptionFiles(this.config, this.parts.session.tokenizer);
  }

  private async log(line: object): Promise<void> {
    await this.parts.store?.appendLine(metricsLog, JSON.stringify(line));
  }

  private startEvent(baselines: Baselines, floor: number | null): StartEvent {
    const { session, engine } = this.parts;
    return {
      event: 'start',
      adapter: engine.device.capabilities.name,
      parameters: this.slab.size,
      vocabSize: session.tokenizer.vocabSize,
      trainSequences: session.train.size,
      validationSequences: session.validation.size,
      trainTokens: session.train.tokens,
      steps: this.length.steps,
      firstStep: this.firstStep,
      baselines,
      floor,
    };
  }
}
