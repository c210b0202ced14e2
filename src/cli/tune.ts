/** `cloze tune`: measures the variants of the kernels that a training step runs, and remembers the fastest. */
import type { Command } from 'commander';
import type { Engine } from '../autograd/index.ts';
import type { RememberedChoice } from '../kernels/index.ts';
import { optionNames, parseOptions, type TrainOptions } from '../mlm/training/options.ts';
import { count } from './format.ts';
import { sayJson } from './json.ts';
import { withEngine } from './model.ts';
import { addTrainFlags, trainFlags } from './options.ts';
import { say, type Terminal } from './terminal.ts';

interface TuneFlags {
  adapter?: string;
  quick?: boolean;
  list?: boolean;
  clear?: boolean;
  json?: boolean;
  [name: string]: unknown;
}

/** Options of a run on which the kernels of a step do not depend. */
const noMatter: ReadonlySet<keyof TrainOptions> = new Set([
  'steps',
  'epochs',
  'minutes',
  'patience',
  'lr',
  'schedule',
  'warmup',
  'weightDecay',
  'maxGradNorm',
  'seed',
  'evalEvery',
  'evalSequences',
  'evalMaskRate',
  'checkpointEvery',
]);

export function addTune(program: Command, terminal: Terminal): void {
  const command = program
    .command('tune')
    .description(
      'Measure which variant of each kernel is fastest here, at the sizes of one training step, and remember it.\n' +
        'From then on cloze train uses what was found, on this adapter, with this driver and version of cloze.',
    );
  addTrainFlags(
    command,
    optionNames.filter((name) => !noMatter.has(name)),
  )
    .optionsGroup('Options:')
    .option('--quick', 'fewer and shorter rounds: finds large differences alone')
    .option('--list', 'show what is remembered, and measure nothing')
    .option('--clear', 'forget all of it, on every adapter')
    .option('--adapter <name>', 'part of the name of the adapter to use, see cloze info')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Give the options that cloze train will be given: other sizes are other problems. With --vocab-size and no --data, no
text is read and the vocabulary is taken to have that size.

Examples:
  $ cloze tune --preset mini --data books.txt --batch-size 16
  $ cloze tune --preset base --seq-len 128 --batch-size 8 --vocab-size 30522
  $ cloze tune --list

Equal seeds give equal bits on the same adapter with the same choices. Other choices add in another order, so their
bits differ: a run writes down those that it uses, and keeps to them when it is resumed. See also cloze train --no-tuning.`,
    )
    .action((flags: TuneFlags) => run(flags, terminal));
}

async function run(flags: TuneFlags, terminal: Terminal): Promise<void> {
  const { forgetTuning } = await import('../kernels/index.ts');
  const { tuningPlace } = await import('../kernels/tuningStore.ts');
  const place = tuningPlace();
  if (flags.list) return list(place, flags, terminal);
  if (!flags.clear) return measure(place, flags, terminal);
  await forgetTuning();
  if (flags.json) sayJson(terminal, { place, choices: [] });
  else say(terminal, `Nothing is remembered any more in ${place}`);
}

async function list(place: string, { json }: TuneFlags, terminal: Terminal): Promise<void> {
  const { readTuning } = await import('../kernels/index.ts');
  const choices = await readTuning();
  if (json) return sayJson(terminal, { place, choices });
  if (choices.length === 0) return say(terminal, `Nothing is remembered in ${place}`);
  const text = await choiceTexts();
  say(terminal, place);
  const heading = ({ adapter, driver, engine }: RememberedChoice) =>
    `\n${adapter} (${driver}), cloze ${engine}`;
  let last = '';
  for (const choice of choices) {
    if (heading(choice) !== last) say(terminal, heading(choice));
    last = heading(choice);
    say(terminal, `  ${text(choice, choice.ratio)}`);
  }
}

async function measure(place: string, flags: TuneFlags, terminal: Terminal): Promise<void> {
  const { rememberTuning, tune } = await import('../kernels/index.ts');
  const { version } = await import('../gpu/version.ts');
  const options = parseOptions(trainFlags(flags));
  await withEngine(flags, async (engine) => {
    const { device } = engine;
    const { name: adapter, description: driver } = device.capabilities;
    const problems = await problemsOf(flags, options, engine);
    if (!flags.json) say(terminal, `${adapter} (${driver})\n`);
    const text = await choiceTexts();
    const results = await tune(device, problems, {
      ...(flags.quick && { rounds: 3, turn: 5 }),
      onProblem: (result, done, of) => {
        const { own, variant, ms } = result;
        const gain = variant === own ? 1 : ms[own] / ms[variant];
        if (!flags.json) say(terminal, `${`${done}/${of}`.padStart(7)}  ${text(result, gain)}`);
      },
    });
    const won = await rememberTuning(device.capabilities, results);
    if (flags.json) {
      const measured = results.map(({ problem, ...rest }) => ({ ...rest, problem: JSON.parse(problem) }));
      return sayJson(terminal, { adapter, driver, engine: version, place, problems: measured });
    }
    say(terminal, `\n${outcome(won.length, results.length, place)}`);
  });
}

function outcome(won: number, of: number, place: string): string {
  if (won === 0) return `At all ${count(of)} problems of a step the kernel's own choice stands.`;
  return (
    `At ${count(won)} of ${count(of)} problems of a step another variant than the kernel's own choice is faster.\n` +
    `It is used from now on, and remembered in ${place}`
  );
}

/** The kernels of the step that `cloze train` would run with these flags. */
async function problemsOf(flags: TuneFlags, options: TrainOptions, engine: Engine) {
  const { stepProblems, vocabularySession } = await import('../mlm/training/tuning.ts');
  const { openSession } = await import('../mlm/data/session.node.ts');
  const { vocabSize, seqLen, batchSize } = options;
  const session =
    flags.vocabSize !== undefined && flags.data === undefined
      ? vocabularySession(vocabSize, seqLen, batchSize)
      : await openSession(options);
  return stepProblems(engine, session, options);
}

type ChoiceText = (
  choice: Pick<RememberedChoice, 'kernel' | 'problem' | 'own' | 'variant'>,
  gain: number,
) => string;

/** Makes lines such as "subgroup -> register, 1.23x as fast  matmul m=512 k=128 n=128". */
async function choiceTexts(): Promise<ChoiceText> {
  const { problemText } = await import('../../bench/trial.ts');
  return ({ kernel, problem, own, variant }, gain) => {
    const verdict = variant === own ? `${own} stays` : `${own} -> ${variant}, ${gain.toFixed(2)}x as fast`;
    return `${verdict.padEnd(40)}  ${kernel} ${problemText(JSON.parse(problem))}`;
  };
}
