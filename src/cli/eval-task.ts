/** `cloze eval` of a fine-tuned model: its task's metrics on labelled examples, beside the trivial baseline. */
import { ClozeError } from '../gpu/errors.ts';
import type { FinetuneOptions } from '../mlm/tasks/options.ts';
import type { Task, TaskExample } from '../mlm/tasks/task.ts';
import { makeReports, type ReportFlags, sayReports } from './eval-reports.ts';
import { count } from './format.ts';
import { sayJson } from './json.ts';
import { flagOf } from './options.ts';
import { sayScores, saySignatures, withTask } from './task.ts';
import { say, type Terminal } from './terminal.ts';

export interface EvalTaskFlags extends ReportFlags {
  model: string;
  /** Files in the form of the task; default: what the run held out. */
  data?: readonly string[];
  adapter?: string;
  json?: boolean;
}

const own = ['model', 'data', 'adapter', 'json', 'calibration', 'robustness', 'out'];

/** Throws ClozeError `option` for a flag that asks a language model. */
export async function evalTask(flags: EvalTaskFlags, terminal: Terminal): Promise<void> {
  const stranger = Object.keys(flags).find((name) => !own.includes(name));
  if (stranger) {
    const what = `${flagOf(stranger)} is for language models, and ${flags.model} is the model of a task`;
    throw new ClozeError('option', what, 'Leave it out');
  }
  const { scoreBaseline, scoreOf } = await import('../mlm/tasks/task.ts');
  await withTask(flags, async (engine, trainee, options) => {
    const { task } = trainee;
    const { train, examples } = await readBoth(task, flags, options);
    trainee.check?.(examples);
    const predicted = await trainee.predict(engine, examples, options);
    const scores = scoreOf(task, examples, predicted);
    const baseline = train && scoreBaseline(task, train, examples);
    const signatures = task.signatures?.(examples.map(({ labels }) => labels));
    const reports = await makeReports(flags, engine, trainee, { examples, predicted, options });
    if (flags.json) {
      sayJson(terminal, {
        task: task.name,
        examples: examples.length,
        scores,
        baseline,
        signatures,
        ...reports,
      });
      return;
    }
    say(terminal, `${task.name}, ${count(examples.length)} examples of ${flags.data ?? 'what was held out'}`);
    saySignatures(terminal, signatures);
    sayScores(terminal, flags.model, scores);
    if (baseline) sayScores(terminal, task.baseline.name, baseline);
    else
      say(terminal, `no ${task.baseline.name} beside it: the examples that were trained on are not at hand`);
    sayReports(terminal, reports);
  });
}

/** The examples to score, and those that the run has learnt from, where they are still there. */
async function readBoth(
  task: Task,
  { model, data }: EvalTaskFlags,
  options: FinetuneOptions | undefined,
): Promise<{ train: readonly TaskExample[] | undefined; examples: readonly TaskExample[] }> {
  const { readExamples, readTaskData } = await import('../mlm/tasks/session.node.ts');
  if (data === undefined) {
    if (!options) {
      throw new ClozeError(
        'option',
        `${model} does not say what it was trained on`,
        'Name examples by --data',
      );
    }
    const { train, development } = await readTaskData(task, options);
    return { train, examples: development };
  }
  const examples = (await Promise.all(data.map((path) => readExamples(task, path)))).flat();
  const run = options && (await readTaskData(task, options).catch(unlessGone));
  return { train: run?.train, examples };
}

/** The text may be gone since; then there is nothing to count in. */
function unlessGone(error: unknown): undefined {
  if (!(error instanceof ClozeError)) throw error;
}
