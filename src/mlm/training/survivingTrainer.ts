/**
 * A trainer that outlives its device. Drivers are reset, machines sleep, and a browser takes the GPU away from a page: when the device is
 * lost, this opens another engine, rebuilds the trainer on it and goes on from the last checkpoint, in the store or, where nothing is kept, in memory.
 * Since a resumed run continues bit for bit, the weights end as those of a run that was never disturbed.
 *
 * Where the options ask for it, a run that lacks memory goes on likewise, with its batches cut in half: the same sums in more parts.
 */
import type { Engine } from '../../autograd/index.ts';
import { ClozeError } from '../../gpu/index.ts';
import { MemoryStore, type RunStore, upToStep } from '../storage/storage.ts';
import type { DeviceLostEvent, OutOfMemoryEvent, TrainEvent } from './events.ts';
import { metricsLog } from './runRecord.ts';
import { Trainer, type TrainerParts } from './trainer.ts';

export interface SurvivingParts extends Omit<TrainerParts, 'split'> {
  /** Opens an engine in place of one whose device was lost; what it throws again and again ends the run. Its owner closes it. */
  reopen: () => Promise<Engine>;
}

/** So often in a row may a device be lost without a step done: then it is the work that loses it. */
const mostFruitless = 3;

/** Milliseconds before another device is asked for, if the last one did nothing: a driver that starts anew takes a moment. */
const pause = 300;

export class SurvivingTrainer {
  private readonly parts: SurvivingParts & { store: RunStore };
  private trainer: Trainer;
  private engine: Engine;
  /** How many parts the batches are cut into. */
  private split = 1;
  private stopRequested = false;

  /** As `Trainer`. All engines stay their owner's to close. */
  constructor(parts: SurvivingParts) {
    this.parts = { ...parts, store: parts.store ?? new MemoryStore() };
    this.engine = parts.engine;
    this.trainer = this.build(parts.resume);
  }

  /** The trainer at work; another one after a loss. */
  get current(): Trainer {
    return this.trainer;
  }

  /** Ends the run after the steps under way, with a checkpoint. */
  stop(): void {
    this.stopRequested = true;
    this.trainer.stop();
  }

  /**
   * As `Trainer.run`, with an event for every loss and every lack of memory that it outlives; the steps since the last checkpoint then
   * come again. Throws `device-lost` when four devices in a row are lost before their first step is done, and `out-of-memory`
   * where smaller batches are not asked for or not to be had.
   */
  async *run(): AsyncGenerator<TrainEvent, void, void> {
    let step = 0;
    let started = false;
    let fruitless = 0;
    let failure: unknown;
    for (;;) {
      try {
        if (failure) {
          yield await this.recover(failure, step);
          failure = undefined;
        }
        for await (const event of this.trainer.run()) {
          if (event.event === 'step') {
            step = event.step;
            fruitless = 0;
          }
          if (event.event !== 'start' || !started) yield event;
          started ||= event.event === 'start';
        }
        return;
      } catch (error) {
        failure = error;
        if (this.canSplit(error)) continue;
        if (!(await this.engine.device.isLost())) throw error;
        // Whatever failed by the loss, it is the loss that is told.
        if (++fruitless > mostFruitless) this.engine.device.check();
        if (fruitless > 1) await new Promise((resolve) => setTimeout(resolve, pause * fruitless));
      }
    }
  }

  /** Frees the memory of model and optimiser. */
  dispose(): void {
    this.trainer.dispose();
  }

  private async recover(failure: unknown, step: number): Promise<DeviceLostEvent | OutOfMemoryEvent> {
    if (!this.canSplit(failure)) {
      this.engine = await this.parts.reopen();
      return { event: 'device-lost', step, resumedFrom: await this.rebuild() };
    }
    this.halve();
    this.trainer.dispose();
    const { device } = this.engine;
    await device.settle();
    device.trim();
    const resumedFrom = await this.rebuild();
    return {
      event: 'out-of-memory',
      step,
      resumedFrom,
      rows: Math.ceil(this.rows / this.split),
      message: failure.message,
    };
  }

  /** A new trainer on the present engine; the step of the checkpoint that it goes on from, 0 for none. */
  private async rebuild(): Promise<number> {
    const { store } = this.parts;
    const files = await store.readCheckpoint('checkpoint');
    if (!files) await store.truncateLines(metricsLog, upToStep(0));
    this.trainer = this.build(files !== undefined);
    if (this.stopRequested) this.trainer.stop();
    if (!files) return 0;
    return (JSON.parse(new TextDecoder().decode(files['trainer_state.json'])) as { step: number }).step;
  }

  /** A trainer, of smaller batches where the adapter is known to refuse larger ones. */
  private build(resume?: boolean): Trainer {
    for (;;) {
      try {
        return new Trainer({ ...this.parts, engine: this.engine, resume, split: this.split });
      } catch (error) {
        if (!this.canSplit(error)) throw error;
        this.halve();
      }
    }
  }

  /** Sequences in a micro-batch as the options have it. */
  private get rows(): number {
    const { batchSize, accumulation } = this.parts.options;
    return batchSize / accumulation;
  }

  private canSplit(error: unknown): error is ClozeError {
    const isShortage = error instanceof ClozeError && error.code === 'out-of-memory';
    return isShortage && this.parts.options.autoMicroBatch && this.split < this.rows;
  }

  private halve(): void {
    this.split = Math.min(2 * this.split, this.rows);
  }
}
