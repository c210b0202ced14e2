/** `cloze finetune`: trains a model for a task, from what was pre-trained or from nothing, and saves it. */
import type { Command } from 'commander';
import { finetuneField, finetuneGroups, finetuneNames, parseFinetuneOptions } from '../mlm/tasks/options.ts';
import { quoted } from './format.ts';
import { sayJson } from './json.ts';
import { withEngine } from './model.ts';
import { addOptionFlags, flagOf, pick } from './options.ts';
import { sayScores } from './task.ts';
import { say, type Terminal } from './terminal.ts';

interface FinetuneFlags {
  out?: string;
  adapter?: string;
  json?: boolean;
  [name: string]: unknown;
}

export function addFinetune(program: Command, terminal: Terminal): void {
  const command = program
    .command('finetune')
    .description('Train a model for a task, and score it beside a trivial baseline after each epoch.');
  addOptionFlags(command, finetuneGroups, finetuneNames.map(finetuneField))
    .optionsGroup('Options:')
    .option('--out <folder>', 'where the model is saved (default: it is not)')
    .option('--adapter <name>', 'part of the name of the adapter to use, see cloze info')
    .option('--json', 'print one event a line, and nothing else')
    .addHelpText(
      'after',
      `
Examples:
  $ cloze finetune --task classification --data trec/train.txt --model runs/body --out runs/trec
  $ cloze finetune --task ner --data train.conll --development dev.conll --model runs/body --out runs/ner
  $ cloze finetune --task classification --data trec/train.txt --model runs/body --scratch --label-fraction 0.1`,
    )
    .action((flags: FinetuneFlags) => run(flags, terminal));
}

async function run(flags: FinetuneFlags, terminal: Terminal): Promise<void> {
  const options = parseFinetuneOptions(pick(finetuneNames, flags), flagOf);
  const { taskNamed } = await import('../mlm/tasks/index.ts');
  const { finetune } = await import('../mlm/tasks/finetune.ts');
  const { scoreBaseline } = await import('../mlm/tasks/task.ts');
  const { readTaskData, startTask } = await import('../mlm/tasks/session.node.ts');
  const task = taskNamed(options.task);
  const data = await readTaskData(task, options);
  const { train, development } = data;
  await withEngine(flags, async (engine) => {
    const { trainee, slab } = await startTask(engine, task, data, options);
    const baseline = scoreBaseline(task, train, development);
    const sizes = { train: train.length, development: development.length, parameters: slab.size };
    if (flags.json) sayJson(terminal, { event: 'start', task: task.name, ...sizes, baseline });
    else {
      say(terminal, `${sizes.train} examples to train on, ${sizes.development} to score on`);
      sayScores(terminal, `${task.baseline.name}, to beat`, baseline);
    }
    for await (const event of finetune(trainee, slab, data, options)) {
      if (flags.json) sayJson(terminal, event);
      else if (event.event === 'eval') sayScores(terminal, `epoch ${event.epoch}`, event.scores);
    }
    if (flags.out === undefined) return;
    const { taskFiles } = await import('../mlm/tasks/folder.ts');
    const { writeFolderAtomically } = await import('../mlm/files.node.ts');
    await writeFolderAtomically(flags.out, await taskFiles({ trainee, slab }, options));
    if (flags.json) return;
    const text = train[0].text.slice(0, 60).replaceAll('"', "'");
    say(terminal, `\nSaved to ${quoted(flags.out)}. Try next:`);
    say(terminal, `  npx cloze predict --model ${quoted(flags.out)} "${text}"`);
  });
}
