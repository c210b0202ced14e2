/**
 * What a run leaves behind in its store: the description of its model, the log of its numbers, the checkpoint that it
 * can be resumed from, its best weights, and in the end the model. Without a store nothing is kept.
 */
import { ClozeError } from '../../gpu/index.ts';
import { weightsFile } from '../pretrained.ts';
import { type RunStore, upToStep } from '../storage/storage.ts';
import { changeable, loadCheckpoint, type RunState, saveCheckpoint } from './checkpoint.ts';
import type { TrainOptions } from './options.ts';
import type { TrainedModel } from './trainedModel.ts';

export const metricsLog = 'metrics.jsonl';
const weightsName = 'model.safetensors';
const bestName = 'best';

export interface RunRecordParts {
  store: RunStore | undefined;
  model: TrainedModel;
  /** config.json and the tokenizer's file, by name. */
  description: Record<string, string>;
}

export class RunRecord {
  private readonly parts: RunRecordParts;

  constructor(parts: RunRecordParts) {
    this.parts = parts;
  }

  /** Writes what describes the model, before anything else, so that a killed run can be read too. */
  async describe(): Promise<void> {
    const { store, description } = this.parts;
    for (const [name, content] of Object.entries(description)) await store?.write(name, content);
  }

  async log(line: object): Promise<void> {
    await this.parts.store?.appendLine(metricsLog, JSON.stringify(line));
  }

  /** Keeps the weights as the best ones so far. */
  async saveBest(): Promise<void> {
    const { store, description } = this.parts;
    await store?.writeCheckpoint(bestName, { ...description, [weightsName]: await this.weights() });
  }

  /** Keeps all that a resumed run needs. */
  async save(state: RunState): Promise<void> {
    const { store, model, description } = this.parts;
    const { slab, optimizer, scaler } = model;
    state.gradScaler = await scaler?.state();
    if (store) await saveCheckpoint(store, slab, optimizer, state, description);
  }

  /**
   * Puts the last checkpoint into place, and cuts the log behind it. `name` is what the run is called in errors. Throws
   * `checkpoint` when there is none, and as {@link loadCheckpoint}.
   */
  async resume(options: TrainOptions, name = 'this run'): Promise<RunState> {
    const { store, model, description } = this.parts;
    const { slab, optimizer, scaler } = model;
    const state =
      store &&
      (await loadCheckpoint<RunState>(store, slab, optimizer, options, {
        description,
        mayChange: changeable,
      }));
    if (!store || !state) {
      throw new ClozeError(
        'checkpoint',
        `there is no checkpoint to resume in ${name}`,
        'Start without --resume',
      );
    }
    if (state.gradScaler) scaler?.load(state.gradScaler);
    await store.truncateLines(metricsLog, upToStep(state.step));
    return state;
  }

  /** Writes the run's model: the `best` weights that were kept, or the `last` ones. */
  async saveModel(which: 'best' | 'last'): Promise<void> {
    const { store } = this.parts;
    if (!store) return;
    const best = which === 'best' ? await store.readCheckpoint(bestName) : undefined;
    await store.write(weightsName, best?.[weightsName] ?? (await this.weights()));
  }

  private weights(): Promise<Uint8Array> {
    const { model } = this.parts;
    return model.averaged(() => weightsFile(model.slab, model.trainee.config));
  }
}
