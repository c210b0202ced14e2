/** `cloze continue`: fine-tunes a fine-tuned model on new examples, with some of the earlier ones, and tells what it forgot. */
import type { Command } from 'commander';
import { ClozeError } from '../gpu/errors.ts';
import type { Change, Probe } from '../mlm/tasks/continual.ts';
import type { TaskData } from '../mlm/tasks/examples.ts';
import {
  type FinetuneOptions,
  finetuneField,
  finetuneGroups,
  parseFinetuneOptions,
} from '../mlm/tasks/options.ts';
import { percent, quoted } from './format.ts';
import { sayJson } from './json.ts';
import { modelReader, withEngine } from './model.ts';
import { addOptionFlags, flagOf, number, pick } from './options.ts';
import { sayScores } from './task.ts';
import { say, type Terminal } from './terminal.ts';

interface ContinueFlags {
  model: string;
  replay: number;
  out?: string;
  adapter?: string;
  json?: boolean;
  [name: string]: unknown;
}

/** What of the options of fine-tuning is asked anew. */
const names = [
  ...(['data', 'development', 'validation'] as const),
  ...(['epochs', 'evalEvery', 'batchSize', 'lr', 'layerDecay', 'weightDecay', 'warmup', 'seed'] as const),
];

export function addContinue(program: Command, terminal: Terminal): void {
  const command = program
    .command('continue')
    .description(
      'Fine-tune a fine-tuned model on new examples of its task, some of the earlier ones among them, and tell what it learnt\n' +
        'and what it forgot.',
    )
    .requiredOption('--model <folder>', 'what finetune wrote, or continue');
  addOptionFlags(command, finetuneGroups, names.map(finetuneField))
    .optionsGroup('Options:')
    .option(
      '--replay <share>',
      'earlier examples to learn from again, as a share of the new ones; 0 for none',
      number,
      0.5,
    )
    .option('--out <folder>', 'where the model is saved (default: it is not)')
    .option('--adapter <name>', 'part of the name of the adapter to use, see cloze info')
    .option('--json', 'print one event a line, and nothing else')
    .addHelpText(
      'after',
      `
Examples:
  $ cloze continue --model runs/spring --data summer.csv --out runs/summer
  $ cloze continue --model runs/spring --data summer.csv --replay 0 --lr 1e-4

Earlier examples are read from the files that the runs before named.`,
    )
    .action((flags: ContinueFlags) => run(flags, terminal));
}

async function run(flags: ContinueFlags, terminal: Terminal): Promise<void> {
  const { model, replay, out } = flags;
  if (!(replay >= 0)) throw new ClozeError('option', `--replay is ${replay}`, 'Use a number from 0');
  const { changesOf, historyFile, nextRun, scoreProbes, withReplay } = await import(
    '../mlm/tasks/continual.ts'
  );
  const { finetune } = await import('../mlm/tasks/finetune.ts');
  const { loadTask, readHistory, taskFiles } = await import('../mlm/tasks/folder.ts');
  const { readTaskData } = await import('../mlm/tasks/session.node.ts');
  const read = await modelReader(model);
  await withEngine(flags, async (engine) => {
    const { trainee, slab, options: last } = await loadTask(engine, read, model);
    if (!last) throw new ClozeError('option', `${model} does not say what it was trained on`, 'Use finetune');
    const own = pick(names, flags) as Partial<FinetuneOptions> & Pick<FinetuneOptions, 'data'>;
    const options = parseFinetuneOptions(nextRun(last, own), flagOf);
    const history = [...(await readHistory(read, model)), last];
    const earlier: TaskData[] = [];
    for (const before of history) earlier.push(await readTaskData(trainee.task, before));
    const fresh = await readTaskData(trainee.task, options);
    const probes: Probe[] = [
      ...history.map(({ data }, i) => ({ data, examples: earlier[i].development })),
      { data: options.data, examples: fresh.development },
    ];
    const pool = earlier.flatMap(({ train }) => train);
    const train = withReplay(fresh.train, pool, replay, options.seed);
    for (const { examples } of [{ examples: train }, ...probes]) trainee.check?.(examples);
    const replayed = train.length - fresh.train.length;
    if (flags.json)
      sayJson(terminal, { event: 'start', task: trainee.task.name, fresh: fresh.train.length, replayed });
    else say(terminal, `${fresh.train.length} new examples to learn from, and ${replayed} earlier ones\n`);

    const before = await scoreProbes(engine, trainee, probes, options);
    for await (const event of finetune(trainee, slab, { train, development: fresh.development }, options)) {
      if (flags.json) sayJson(terminal, event);
      else if (event.event === 'eval') sayScores(terminal, `epoch ${event.epoch}`, event.scores);
    }
    const changes = changesOf(probes, before, await scoreProbes(engine, trainee, probes, options));
    if (flags.json) sayJson(terminal, { event: 'done', changes });
    else sayChanges(terminal, changes);
    if (out === undefined) return;
    const { writeFolderAtomically } = await import('../mlm/data/files.node.ts');
    await writeFolderAtomically(out, {
      ...(await taskFiles({ trainee, slab }, options)),
      [historyFile]: `${JSON.stringify(history, null, 2)}\n`,
    });
    if (!flags.json) say(terminal, `\nSaved to ${quoted(out)}`);
  });
}

function sayChanges(terminal: Terminal, changes: readonly Change[]): void {
  const [metric] = Object.keys(changes[0].after);
  const width = Math.max(...changes.map(({ data }) => data.length), 8);
  say(
    terminal,
    `\n${metric.replaceAll('_', ' ').padEnd(width)} ${'before'.padStart(9)}${'after'.padStart(9)}`,
  );
  changes.forEach(({ data, before, after, change }, i) => {
    const points = 100 * change[metric];
    const verdict = i < changes.length - 1 ? (points < 0 ? 'forgotten' : 'kept') : 'learnt';
    say(
      terminal,
      `${data.padEnd(width)} ${percent(before[metric]).padStart(9)}${percent(after[metric]).padStart(9)}` +
        `   ${points < 0 ? '' : '+'}${points.toFixed(1)} points ${verdict}`,
    );
  });
}
