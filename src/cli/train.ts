/** `cloze train`: trains a masked language model and saves it. */
import type { Command } from 'commander';
import { wayOfWriting } from '../mlm/generate/way.ts';
import type { DoneEvent } from '../mlm/training/events.ts';
import type { TrainOptionsInput } from '../mlm/training/options.ts';
import { quoted } from './format.ts';
import { sayJson } from './json.ts';
import { addTrainFlags, type RunOptions, readOptions } from './options.ts';
import { addProfileFlags, type ProfileFlags } from './profile.ts';
import { checkFolder } from './run-folder.ts';
import { say, type Terminal } from './terminal.ts';

interface TrainFlags extends RunOptions, ProfileFlags {
  config?: string;
  force?: boolean;
  json?: boolean;
  tuning: boolean;
  [name: string]: unknown;
}

export function addTrain(program: Command, terminal: Terminal, exit: (code: number) => void): void {
  const command = program
    .command('train')
    .description('Train a masked language model on a text, and save it as a model folder.');
  const run = addTrainFlags(command)
    .optionsGroup('The run:')
    .option('--out <folder>', 'where the run is saved (default: runs/ and the name of the data)')
    .option('--resume', 'go on from the last checkpoint in --out, with the options that the run had')
    .option('--force', 'replace the run that --out holds')
    .option('--adapter <name>', 'part of the name of the adapter to use, see cloze info')
    .option('--config <file>', 'JSON with any of these options: {"batchSize": 32}; flags win')
    .option('--no-tuning', 'use no choices of cloze tune: equal bits, whatever was measured here');
  addProfileFlags(run)
    .option('--json', 'print one event a line, and nothing else')
    .addHelpText(
      'after',
      `
Examples:
  $ cloze train --minutes 5
  $ cloze train --data shakespeare.txt --documents stream --tokenizer char --minutes 30
  $ cloze train --data 'books/**/*.txt' notes/ --preset mini --epochs 3 --out runs/books
  $ cloze train --out runs/books --resume

Ctrl-C stops after the current step and saves; a second Ctrl-C quits at once.`,
    )
    .action(async (flags: TrainFlags) => {
      const { options, out, adapter, resume } = await readOptions(flags);
      const { runTraining } = await import('./run.ts');
      const done = await runTraining(
        {
          options,
          out,
          adapter,
          tuning: flags.tuning,
          profile: flags.profile,
          trace: flags.trace,
          resume: await checkFolder(out, { resume, force: flags.force }),
          tell: flags.json ? (event) => sayJson(terminal, event) : undefined,
        },
        terminal,
      );
      if (!flags.json) sayWhatNext(out, done, options, terminal);
      if (done.reason === 'stopped') exit(130);
    });
}

function sayWhatNext(
  out: string,
  done: DoneEvent,
  { data = ['stories'], objective = 'mlm' }: TrainOptionsInput,
  terminal: Terminal,
): void {
  const way = wayOfWriting(objective);
  const folder = quoted(out);
  say(terminal, `\nSaved to ${folder}. Try next:`);
  if (way === 'unmask') say(terminal, `  npx cloze fill-mask --model ${folder} "Write [MASK] for a blank."`);
  else if (way !== 'none') say(terminal, `  npx cloze generate --model ${folder} "How it begins"`);
  say(terminal, `  npx cloze eval --model ${folder} --data ${data.map(quoted).join(' ')}`);
  if (done.reason === 'stopped') say(terminal, `  npx cloze train --out ${folder} --resume`);
}
