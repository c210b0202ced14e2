/** `cloze finetune`: trains a model for a task, from what was pre-trained or from nothing, and saves it. */
import type { Command } from 'commander';
import { ClozeError } from '../gpu/errors.ts';
import type { FolderStore } from '../mlm/storage/folder-store.node.ts';
import { finetuneField, finetuneGroups, finetuneNames, parseFinetuneOptions } from '../mlm/tasks/options.ts';
import { quoted } from './format.ts';
import { sayJson } from './json.ts';
import { modelReader, withEngine } from './model.ts';
import { addOptionFlags, flagOf, pick } from './options.ts';
import { sayScores, saySignatures } from './task.ts';
import { say, type Terminal } from './terminal.ts';

interface FinetuneFlags {
  out?: string;
  resume?: boolean;
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
    .option('--out <folder>', 'where the model is saved, and on the way a checkpoint (default: it is not)')
    .option('--resume', 'go on from the checkpoint in --out, with the options that the run had')
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
  const { resume, out } = flags;
  if (resume && out === undefined) {
    throw new ClozeError('option', '--resume goes on with a run', 'Name its folder by --out');
  }
  const { taskNamed } = await import('../mlm/tasks/index.ts');
  const { finetune } = await import('../mlm/tasks/finetune.ts');
  const { scoreBaseline } = await import('../mlm/tasks/task.ts');
  const { readTaskData, startTask } = await import('../mlm/tasks/session.node.ts');
  const task = taskNamed(options.task);
  const data = await readTaskData(task, options);
  const { train, development } = data;
  const read = options.model === undefined ? undefined : await modelReader(options.model);
  await withEngine(flags, async (engine) => {
    const { trainee, slab } = await startTask(engine, task, data, options, read);
    const baseline = scoreBaseline(task, train, development);
    const signatures = task.signatures?.(development.map(({ labels }) => labels));
    const sizes = { train: train.length, development: development.length, parameters: slab.size };
    if (flags.json) sayJson(terminal, { event: 'start', task: task.name, ...sizes, baseline, signatures });
    else {
      say(terminal, `${sizes.train} examples to train on, ${sizes.development} to score on`);
      saySignatures(terminal, signatures);
      sayScores(terminal, `${task.baseline.name}, to beat`, baseline);
    }
    const run = out === undefined ? undefined : { store: await openStore(out), resume };
    for await (const event of finetune(trainee, slab, data, options, run)) {
      if (flags.json) sayJson(terminal, event);
      else if (event.event === 'eval') sayScores(terminal, `epoch ${event.epoch}`, event.scores);
    }
    if (out === undefined) return;
    const { taskFiles } = await import('../mlm/tasks/folder.ts');
    const { writeFolderAtomically } = await import('../mlm/data/files.node.ts');
    await writeFolderAtomically(out, await taskFiles({ trainee, slab }, options));
    if (flags.json) return;
    const text = train[0].text.slice(0, 60).replaceAll('"', "'");
    say(terminal, `\nSaved to ${quoted(out)}. Try next:`);
    say(terminal, `  npx cloze predict --model ${quoted(out)} "${text}"`);
  });
}

async function openStore(out: string): Promise<FolderStore> {
  const { FolderStore } = await import('../mlm/storage/folder-store.node.ts');
  return FolderStore.open(out);
}
