/** A fine-tuned model on the command line: opening its folder, and what is said of it. */
import type { Engine } from '../autograd/index.ts';
import type { FinetuneOptions } from '../mlm/tasks/options.ts';
import type { TaskModel, TaskScores } from '../mlm/tasks/task.ts';
import { percent } from './format.ts';
import { modelReader, withEngine } from './model.ts';
import { say, type Terminal } from './terminal.ts';

/** Runs `work` with the fine-tuned model in the folder or zip `model`, and the options of its run, if it is one of cloze. */
export async function withTask<T>(
  { model, adapter }: { model: string; adapter?: string },
  work: (engine: Engine, trainee: TaskModel, options: FinetuneOptions | undefined) => Promise<T>,
): Promise<T> {
  const { loadTask } = await import('../mlm/tasks/folder.ts');
  const read = await modelReader(model);
  return withEngine({ adapter }, async (engine) => {
    const { trainee, options } = await loadTask(engine, read, model);
    return work(engine, trainee, options);
  });
}

/** What the scores depend on, where the field asks for that. */
export function saySignatures(terminal: Terminal, signatures: Readonly<Record<string, string>> = {}): void {
  for (const [name, signature] of Object.entries(signatures)) {
    say(terminal, `${`${name} is`.padEnd(22)} ${signature}`);
  }
}

/** A line with the scores of `who`. */
export function sayScores(terminal: Terminal, who: string, scores: TaskScores): void {
  const shown = Object.entries(scores).map(
    ([name, value]) => `${name.replaceAll('_', ' ')} ${percent(value)}`,
  );
  say(terminal, `${who.padEnd(22)} ${shown.join('   ')}`);
}
