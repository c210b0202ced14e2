/**
 * A trainer that outlives its device. Drivers are reset, machines sleep, and a browser takes the GPU away from a page: when the device is
 * lost, this opens another engine, rebuilds the trainer on it and goes on from the last checkpoint, in the store or, where nothing is kept, in memory.
 * Since a resumed run continues bit for bit, the weights end as those of a run that was never disturbed.
 */
import type { Engine } from '../autograd/index.ts';
import type { DeviceLostEvent, TrainEvent } from './events.ts';
import { metricsLog } from './runRecord.ts';
import { MemoryStore, type RunStore, upToStep } from './storage.ts';
import { Trainer, type TrainerParts } from './trainer.ts';

export interface SurvivingParts extends TrainerParts {
  /** Opens an engine in place of one whose device was lost; what it throws again and again ends the run. It is closed by `dispose`. */
  reopen: () => Promise<Engine>;
}

/** So often in a row may a device be lost without a step done: then it is the work that loses it. */
const mostFruitless = 3;

export class SurvivingTrainer {
  private readonly parts: SurvivingParts & { store: RunStore };
  private trainer: Trainer;
  private engine: Engine;
  private stopRequested = false;

  /** As `Trainer`. The first engine stays its owner's to close. */
  constructor(parts: SurvivingParts) {
    this.parts = { ...parts, store: parts.store ?? new MemoryStore() };
    this.engine = parts.engine;
    this.trainer = new Trainer(this.parts);
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
   * As `Trainer.run`, with a `device-lost` event for every loss that it outlives; the steps since the last checkpoint then come
   * again. Throws `device-lost` when four devices in a row are lost before their first step is done.
   */
  async *run(): AsyncGenerator<TrainEvent, void, void> {
    let step = 0;
    let started = false;
    let fruitless = 0;
    let lost = false;
    for (;;) {
      try {
        if (lost) {
          const resumedFrom = await this.rebuild();
          yield { event: 'device-lost', step, resumedFrom } satisfies DeviceLostEvent;
          lost = false;
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
        if (!(await this.engine.device.isLost()) || ++fruitless > mostFruitless) throw error;
        lost = true;
      }
    }
  }

  /** Frees the memory of model and optimiser, and closes an engine that was opened here. */
  dispose(): void {
    this.trainer.dispose();
    this.closeOwn();
  }

  private closeOwn(): void {
    if (this.engine !== this.parts.engine) this.engine.close();
  }

  /** A new trainer on a new engine; the step of the checkpoint that it goes on from, 0 for none. */
  private async rebuild(): Promise<number> {
    const { store, reopen } = this.parts;
    // What the trainer held went with its device.
    this.closeOwn();
    this.engine = await reopen();
    const files = await store.readCheckpoint('checkpoint');
    if (!files) await store.truncateLines(metricsLog, upToStep(0));
    this.trainer = new Trainer({ ...this.parts, engine: this.engine, resume: files !== undefined });
    if (this.stopRequested) this.trainer.stop();
    if (!files) return 0;
    return (JSON.parse(new TextDecoder().decode(files['trainer_state.json'])) as { step: number }).step;
  }
}
