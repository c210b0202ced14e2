/** What a run trains, on a GPU: the model in its precision, its memory, its optimiser, and the step over all of these. */
import type { Engine } from '../../autograd/index.ts';
import {
  enableGradientCheckpointing,
  type GradScaler,
  type MovingAverage,
  numberDropouts,
  type Optimizer,
  type Slab,
} from '../../nn/index.ts';
import type { Trainee } from '../objectives/index.ts';
import { prepareTraining } from './optimizer.ts';
import type { TrainOptions } from './options.ts';
import { inPrecision } from './precision.ts';
import { TrainingStep } from './step.ts';

export class TrainedModel {
  readonly trainee: Trainee;
  readonly slab: Slab;
  readonly optimizer: Optimizer;
  /** Of a run that averages its weights. */
  readonly average: MovingAverage | undefined;
  /** Of a run in f16. */
  readonly scaler: GradScaler | undefined;
  readonly step: TrainingStep;

  /** `built` is the model as its objective makes it, without memory. */
  constructor(engine: Engine, built: Trainee, options: TrainOptions) {
    this.trainee = inPrecision(engine, built, options.dtype);
    const { model } = this.trainee;
    numberDropouts(model);
    if (options.gradientCheckpointing) enableGradientCheckpointing(model);
    const { slab, optimizer, average, scaler } = prepareTraining(model, engine, options);
    this.slab = slab;
    this.optimizer = optimizer;
    this.average = average;
    this.scaler = scaler;
    this.step = new TrainingStep({ trainee: this.trainee, slab, optimizer, scaler, seed: options.seed });
  }

  /** Runs `body` with the weights that count: their average, where the run keeps one. */
  averaged<T>(body: () => Promise<T>): Promise<T> {
    return this.average ? this.average.withAverage(body) : body();
  }

  dispose(): void {
    this.step.dispose();
    this.optimizer.dispose();
    this.scaler?.dispose();
    this.slab.dispose();
  }
}
