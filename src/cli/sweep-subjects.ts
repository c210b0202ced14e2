/** What `cloze sweep` can train: a run of `train` or of `finetune`, with settings of its own, down to one number. */
import { rm } from 'node:fs/promises';
import { Command } from 'commander';
import { ClozeError } from '../gpu/errors.ts';
import type { Settings } from '../mlm/sweep/space.ts';
import { StoppedError, type SweepPlan } from '../mlm/sweep/sweep.ts';
import { finetuneField, finetuneGroups, finetuneNames, parseFinetuneOptions } from '../mlm/tasks/options.ts';
import { type OptionField, optionField } from '../mlm/training/optionFields.ts';
import { optionNames, parseOptions, type TrainOptions } from '../mlm/training/options.ts';
import { nats, percent } from './format.ts';
import { modelReader, withEngine } from './model.ts';
import { addOptionFlags, addTrainFlags, flagOf, pick, trainFlags } from './options.ts';

export interface Subject {
  /** The options that can be searched. */
  fields: readonly OptionField<string>[];
  best: SweepPlan['best'];
  scoreName: string;
  scoreText(score: number): string;
  /** What halving divides. */
  budgetName: string;
  /** Its whole, as the command has it. Throws ClozeError `option` where it does not say. */
  budget(): number;
  /**
   * Trains with these settings in the place of the command's; a folder at `place` is used and removed. Throws StoppedError when
   * the user wants no more.
   */
  run(settings: Settings, budget: number | undefined, place: string): Promise<number>;
}

/** Throws ClozeError `option` for a command that cannot be swept, and whatever its own options throw. */
export async function subjectOf(
  command: readonly string[],
  { adapter }: { adapter?: string },
): Promise<Subject> {
  const [name, ...args] = command;
  if (name === 'train') return trainSubject(args, adapter);
  if (name === 'finetune') return finetuneSubject(args, adapter);
  throw new ClozeError(
    'option',
    `cloze sweep trains, and cannot run ${name}`,
    'Write train or finetune behind --',
  );
}

/** Flags that were parsed as the command itself would. */
function parsed(
  name: string,
  args: readonly string[],
  add: (command: Command) => void,
): Record<string, unknown> {
  const command = new Command(name)
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
    .allowExcessArguments(false);
  add(command);
  return command.parse(args, { from: 'user' }).opts();
}

function trainSubject(args: readonly string[], adapter: string | undefined): Subject {
  const given = trainFlags(parsed('train', args, (command) => addTrainFlags(command)));
  const options = parseOptions(given);
  return {
    fields: optionNames.map((name) => optionField(name, options.objective)),
    best: 'smallest',
    scoreName: 'validation loss',
    scoreText: (score) => `${nats(score)} nats`,
    budgetName: 'steps',
    budget() {
      if (options.steps !== undefined) return options.steps;
      throw new ClozeError(
        'option',
        'halving divides the steps of a run, and train is given none',
        'Add --steps, or use --method random',
      );
    },
    async run(settings, budget, place) {
      const { runTraining } = await import('./run.ts');
      const steps = budget === undefined ? {} : { steps: budget };
      const own = { ...given, ...steps, ...settings } as TrainOptions;
      try {
        const terminal = { stdin: process.stdin, stdout: process.stdout, stderr: process.stderr };
        const done = await runTraining(
          { options: own, out: place, adapter, resume: false, tell: () => {} },
          terminal,
        );
        if (done.reason === 'stopped') throw new StoppedError();
        return done.valLoss;
      } finally {
        await rm(place, { recursive: true, force: true });
      }
    },
  };
}

async function finetuneSubject(args: readonly string[], adapter: string | undefined): Promise<Subject> {
  const flags = parsed('finetune', args, (command) =>
    addOptionFlags(command, finetuneGroups, finetuneNames.map(finetuneField)),
  );
  const given = pick(finetuneNames, flags);
  const options = parseFinetuneOptions(given, flagOf);
  const { taskNamed } = await import('../mlm/tasks/index.ts');
  const { finetune } = await import('../mlm/tasks/finetune.ts');
  const { readTaskData, startTask } = await import('../mlm/tasks/session.node.ts');
  const task = taskNamed(options.task);
  // The first metric is the one to quote.
  const metric = Object.keys(task.score([], []))[0];
  let stop = false;
  process.once('SIGINT', () => {
    stop = true;
  });
  return {
    fields: finetuneNames.map(finetuneField),
    best: 'largest',
    scoreName: metric.replaceAll('_', ' '),
    scoreText: percent,
    budgetName: 'epochs',
    budget: () => options.epochs,
    run: (settings, budget) =>
      withEngine({ adapter }, async (engine) => {
        const epochs = budget === undefined ? {} : { epochs: budget };
        const own = parseFinetuneOptions({ ...given, ...epochs, ...settings }, flagOf);
        const data = await readTaskData(task, own);
        const read = own.model === undefined ? undefined : await modelReader(own.model);
        const { trainee, slab } = await startTask(engine, task, data, own, read);
        let score = Number.NaN;
        for await (const event of finetune(trainee, slab, data, own)) {
          if (stop) throw new StoppedError();
          if (event.event === 'eval') score = event.scores[metric];
        }
        return score;
      }),
  };
}
