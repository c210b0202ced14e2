/** The `cloze` command: its subcommands, and the one place where an error becomes a line and an exit code. */
import { createRequire } from 'node:module';
import type { Writable } from 'node:stream';
import { Command, CommanderError } from 'commander';
import { ClozeError } from '../gpu/errors.ts';
import { addBench } from './bench.ts';
import { addContinue } from './continue.ts';
import { addDemo } from './demo.ts';
import { addEmbed } from './embed.ts';
import { addEval } from './eval.ts';
import { addExplain } from './explain.ts';
import { addExport } from './export.ts';
import { addFillMask } from './fill-mask.ts';
import { addFinetune } from './finetune.ts';
import { addGenerate } from './generate.ts';
import { addInfo } from './info.ts';
import { addPredict } from './predict.ts';
import { addServe } from './serve.ts';
import { addSweep } from './sweep.ts';
import type { Terminal } from './terminal.ts';
import { addTrain } from './train.ts';
import { addTune } from './tune.ts';

/** Runs a command line (without `node` and the script). Errors become one line on stderr. Returns the exit code. */
export async function runCommand(args: readonly string[], terminal: Terminal): Promise<number> {
  let exitCode = 0;
  const program = createProgram(terminal, (code) => {
    exitCode = code;
  });
  try {
    if (args.length === 0) program.outputHelp();
    else await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    const name = program.commands.find((command) => command.name() === args[0])?.name();
    complain(terminal.stderr, error, name ? `cloze ${name} --help` : 'cloze --help');
    return 1;
  }
}

/** Tells an error in one line; with CLOZE_DEBUG=1 its stack too. `help` shows how the command is used. */
export function complain(stderr: Writable, error: unknown, help = 'cloze --help'): void {
  stderr.write(`cloze: ${describe(error, help)}\n`);
  if (process.env.CLOZE_DEBUG === '1' && error instanceof Error) stderr.write(`${error.stack}\n`);
}

function describe(error: unknown, help: string): string {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof ClozeError) return oneLine(message);
  if (error instanceof CommanderError) {
    const text = oneLine(message.replace(/^error: /, ''));
    return /[.?)]$/.test(text) ? text : `${text}. See ${help}`;
  }
  return `unexpected error: ${oneLine(message)}. Set CLOZE_DEBUG=1 to see where`;
}

function oneLine(text: string): string {
  return text.trim().replace(/\s*\n\s*/g, ' ');
}

function createProgram(terminal: Terminal, exit: (code: number) => void): Command {
  const program = new Command('cloze')
    .description('Trains masked language models on WebGPU, and asks them to fill in blanks.')
    .version(
      createRequire(import.meta.url)('cloze/package.json').version,
      '-V, --version',
      'show the version',
    )
    .helpCommand(false)
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.stdout.write(text),
      writeErr: () => {},
      getOutHelpWidth: () => Math.min(terminal.stdout.columns ?? 100, 110),
      getOutHasColors: () => false,
    });
  addDemo(program, terminal, exit);
  addTrain(program, terminal, exit);
  addEval(program, terminal);
  addFillMask(program, terminal);
  addFinetune(program, terminal);
  addPredict(program, terminal);
  addContinue(program, terminal);
  addSweep(program, terminal, exit);
  addEmbed(program, terminal);
  addExplain(program, terminal);
  addServe(program, terminal);
  addExport(program, terminal);
  addGenerate(program, terminal);
  addBench(program, terminal, exit);
  addTune(program, terminal);
  addInfo(program, terminal);
  return program;
}
