/** A run under way: the trainer's events passed on, with pauses, and with looks at the sentence between steps. */
import type { Engine } from '../../src/autograd/index.ts';
import { BertForMaskedLM } from '../../src/mlm/bert/heads.ts';
import type { Session } from '../../src/mlm/data/session.ts';
import type { Pretrained } from '../../src/mlm/pretrained.ts';
import type { OpfsStore } from '../../src/mlm/storage/opfs-store.browser.ts';
import { SurvivingTrainer } from '../../src/mlm/training/survivingTrainer.ts';
import { tuneRun } from '../../src/mlm/training/tuning.ts';
import type { News, RunRecord, RunState } from '../protocol.ts';
import { writeRecord } from './library.ts';

/** The share of the time that looking at the sentence may take from training, and the least seconds between two looks. */
const lookShare = 0.1;
const lookPause = 250;

interface Parts {
  engine: Engine;
  /** Opens an engine in place of one whose device was lost. */
  reopen(): Promise<Engine>;
  session: Session;
  store: OpfsStore;
  record: RunRecord;
  resume: boolean;
  tell(news: News): void;
  /** Looks at the page's sentence and tells what is seen; returns the milliseconds that it took. */
  look(): Promise<number>;
  /** Runs work that nothing else on the GPU may interrupt. */
  exclusive<T>(work: () => Promise<T>): Promise<T>;
}

export class Training {
  readonly record: RunRecord;
  step = 0;
  private readonly parts: Parts;
  private readonly trainer: SurvivingTrainer;
  /** Closed while the run is paused. The run rests when it has saved where it is, so that a reload goes on from there. */
  private gate: { opened: Promise<void>; open: () => void; saved: boolean } | undefined;

  private constructor(parts: Parts) {
    this.parts = parts;
    this.record = parts.record;
    const { engine, session, store, record, resume } = parts;
    const tuning = { resume: true, use: true };
    const reopen = async () => {
      const another = await parts.reopen();
      await tuneRun(another, store, tuning);
      return another;
    };
    this.trainer = new SurvivingTrainer({ engine, reopen, session, store, resume, options: record.options });
  }

  static async begin(parts: Parts): Promise<Training> {
    await tuneRun(parts.engine, parts.store, { resume: parts.resume, use: true });
    return new Training(parts);
  }

  /** The model in its present state; undefined where the objective trains none that fills blanks. */
  get model(): Pretrained | undefined {
    const { trainee, slab, config } = this.trainer.current;
    const { tokenizer } = this.parts.session;
    if (!(trainee.model instanceof BertForMaskedLM) || tokenizer.special.mask < 0) return undefined;
    return { model: trainee.model, slab, config, tokenizer };
  }

  /** Trains to the end, or until it is stopped. */
  async run(): Promise<void> {
    const { tell, exclusive, look } = this.parts;
    const events = this.trainer.run();
    let nextLook = 0;
    try {
      for (;;) {
        await this.rest();
        const { value: event, done } = await exclusive(() => events.next());
        if (done) break;
        tell({ type: 'train', event });
        if (event.event === 'start') {
          this.record.start = event;
          await this.tellState(this.gate ? 'paused' : 'running');
        }
        if (event.event === 'step') this.step = event.step;
        if (event.event === 'checkpoint' && this.gate) this.gate.saved = true;
        if (event.event === 'device-lost' && this.gate) this.trainer.current.saveSoon();
        if (event.event === 'done') await this.tellState(event.reason === 'stopped' ? 'stopped' : 'finished');
        if (performance.now() >= nextLook || event.event === 'done') {
          const took = await look();
          nextLook = performance.now() + Math.max(lookPause, took / lookShare);
        }
      }
    } catch (error) {
      await this.tellState('failed').catch(() => {});
      throw error;
    }
  }

  pause(): void {
    if (this.gate) return;
    let open = () => {};
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    this.gate = { opened, open, saved: false };
    this.trainer.current.saveSoon();
    void this.tellState('paused');
  }

  go(): void {
    if (!this.gate) return;
    this.gate.open();
    this.gate = undefined;
    void this.tellState('running');
  }

  /** Ends the run after the steps under way, with a checkpoint. */
  stop(): void {
    this.trainer.stop();
    this.gate?.open();
    this.gate = undefined;
  }

  dispose(): void {
    this.trainer.dispose();
  }

  private async rest(): Promise<void> {
    if (!this.gate?.saved) return;
    const began = performance.now();
    await this.gate.opened;
    this.trainer.current.rested((performance.now() - began) / 1000);
  }

  private async tellState(state: RunState): Promise<void> {
    this.record.state = state;
    this.parts.tell({ type: 'run', run: { ...this.record } });
    await writeRecord(this.parts.store, this.record);
  }
}
