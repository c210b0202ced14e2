/** One training run, told as it goes: what `train` and `demo` share. */
import type { Engine } from '../autograd/index.ts';
import { FolderStore } from '../mlm/storage/folder-store.node.ts';
import type { DoneEvent, TrainEvent } from '../mlm/training/events.ts';
import type { InitialModel } from '../mlm/training/initialModel.ts';
import { parseOptions, type TrainOptionsInput } from '../mlm/training/options.ts';
import { percent } from './format.ts';
import { sayJson } from './json.ts';
import { modelReader, withEngine } from './model.ts';
import { type Follow, type ProfileFlags, sayProfile, withProfile } from './profile.ts';
import { openProgress } from './progress.ts';
import { report } from './report.ts';
import { clearRun, optionsFile } from './run-folder.ts';
import type { Terminal } from './terminal.ts';

export interface Run extends ProfileFlags {
  options: TrainOptionsInput;
  /** The run's folder, ready to be written. */
  out: string;
  resume: boolean;
  adapter?: string;
  /** Whether to use the choices of `cloze tune`; default true. */
  tuning?: boolean;
  /** Where the events go; told to people when left out. */
  tell?: (event: TrainEvent) => void;
}

/** Trains from start to end. The first Ctrl-C ends the run after its current step, the second ends the process. */
export async function runTraining(run: Run, terminal: Terminal): Promise<DoneEvent> {
  const options = parseOptions(run.options);
  const { openSession } = await import('../mlm/data/session.node.ts');
  const { SurvivingTrainer } = await import('../mlm/training/survivingTrainer.ts');
  const { tuneRun } = await import('../mlm/training/tuning.ts');
  return withEngine(run, async (engine) => {
    const initial = options.from === undefined ? undefined : await initialModel(options.from);
    const progress = await openProgress(terminal);
    const session = await openSession(options, initial?.tokenizer, {
      progress: run.tell ? undefined : (share, what) => progress.update(share, `${what}: ${percent(share)}`),
    }).catch((error) => {
      progress.close();
      throw error;
    });
    if (!run.resume) await clearRun(run.out);
    const store = await FolderStore.open(run.out);
    await tuneRun(engine, store, { resume: run.resume, use: run.tuning ?? true });
    let follow: Follow = () => {};
    const reopened: Engine[] = [];
    const reopen = async () => {
      const { Engine } = await import('../autograd/index.ts');
      const another = await Engine.open({ adapter: run.adapter });
      reopened.push(another);
      await tuneRun(another, store, { resume: true, use: run.tuning ?? true });
      follow(another);
      return another;
    };
    const { resume, out } = run;
    const parts = { engine, reopen, session, initial, options, store, resume, out };
    const trainer = new SurvivingTrainer(parts);
    await store.write(optionsFile, `${JSON.stringify(options, null, 2)}\n`);
    const tell = run.tell ?? report({ session, options }, progress);
    const stop = () => {
      trainer.stop();
      if (!run.tell) progress.say('Stopping after this step; press Ctrl-C again to quit at once.');
    };
    process.once('SIGINT', stop).once('SIGTERM', stop);
    const train = async (followed: Follow) => {
      follow = followed;
      for await (const event of trainer.run()) {
        tell(event);
        if (event.event === 'done') return event;
      }
      throw new Error('the run ended without telling how');
    };
    try {
      const { result, kernels } = await withProfile(engine, run, train);
      if (!run.tell) sayProfile(run, kernels, terminal);
      else if (run.profile) sayJson(terminal, { event: 'profile', kernels });
      return result;
    } finally {
      progress.close();
      process.off('SIGINT', stop).off('SIGTERM', stop);
      trainer.dispose();
      for (const engine of reopened) engine.close();
    }
  });
}

async function initialModel(name: string): Promise<InitialModel> {
  const { readInitial } = await import('../mlm/training/initialModel.ts');
  return readInitial(await modelReader(name), name);
}
