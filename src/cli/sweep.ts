/** `cloze sweep`: trains one thing with many settings, and tells which serves best. */
import { mkdir, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { ClozeError } from '../gpu/errors.ts';
import { ioError, readFileText, unlessMissing, writeFileAtomically } from '../mlm/data/files.node.ts';
import type { Range, Settings } from '../mlm/sweep/space.ts';
import { type SweepPlan, sweepMethods, type Trial } from '../mlm/sweep/sweep.ts';
import type { OptionField } from '../mlm/training/optionFields.ts';
import { duration, quoted } from './format.ts';
import { sayJson } from './json.ts';
import { atLeast1, flagOf, wholeNumber } from './options.ts';
import type { Subject } from './sweep-subjects.ts';
import { say, type Terminal } from './terminal.ts';

interface SweepFlags {
  search: string[];
  method: SweepPlan['method'];
  trials: number;
  eta: number;
  seed: number;
  out: string;
  resume?: boolean;
  adapter?: string;
  json?: boolean;
}

export function addSweep(program: Command, terminal: Terminal, exit: (code: number) => void): void {
  program
    .command('sweep')
    .description('Train with many settings of some options, drawn at random, and tell which serve best.')
    .argument('<command...>', 'behind --: train or finetune with its options, as it would be run once')
    .requiredOption(
      '--search <name=range...>',
      'an option and its values: batch-size=8,16,32 or dropout=0..0.3 or lr=log:1e-4..1e-2',
    )
    .addOption(
      new Option('--method <name>', 'random: all settings run to the end; halving: most of them only a part')
        .choices(sweepMethods)
        .default('halving'),
    )
    .option('--trials <count>', 'settings to draw', atLeast1, 9)
    .option(
      '--eta <factor>',
      'halving: by what settings become fewer, and what each may spend more',
      atLeast1,
      3,
    )
    .option('--seed <number>', 'which settings are drawn', wholeNumber, 0)
    .requiredOption(
      '--out <folder>',
      'where results are kept: trials.jsonl, and a plot of each option that is a number',
    )
    .option('--resume', 'go on with the sweep in --out')
    .option('--adapter <name>', 'part of the name of the adapter to use, see cloze info')
    .option('--json', 'print one trial a line, and the best last')
    .addHelpText(
      'after',
      `
Examples:
  $ cloze sweep --search lr=log:1e-4..1e-2 --search batch-size=16,32 --out runs/sweep -- finetune --task classification --data train.txt --epochs 9
  $ cloze sweep --search lr=log:1e-3..2e-2 --method random --out runs/rates -- train --data books --steps 500
  $ cloze sweep --search lr=log:1e-3..2e-2 --method random --out runs/rates --resume -- train --data books --steps 500

What is searched for is the best first metric on the development examples (finetune) or the least validation loss (train). Halving
spends --epochs (finetune) or --steps (train) on the last settings, and less on those before. No model is kept.`,
    )
    .action((command: string[], flags: SweepFlags) => run(command, flags, terminal, exit));
}

const planFile = 'sweep.json';
const trialsFile = 'trials.jsonl';

async function run(
  command: readonly string[],
  flags: SweepFlags,
  terminal: Terminal,
  exit: (code: number) => void,
): Promise<void> {
  const { lastResults, rungsOf, StoppedError, sweep } = await import('../mlm/sweep/sweep.ts');
  const { subjectOf } = await import('./sweep-subjects.ts');
  const subject = await subjectOf(command, flags);
  const ranges = await readRanges(flags.search, subject.fields);
  const { method, trials, eta, seed } = flags;
  if (method === 'halving' && eta < 2) throw new ClozeError('option', '--eta is 1', 'Use 2 or more');
  const budget = method === 'halving' ? subject.budget() : 1;
  const plan: SweepPlan = { method, ranges, trials, budget, eta, seed, best: subject.best };
  const told = { plan, command };
  const done = await openSweep(flags, told);
  if (!flags.json) {
    const rungs = rungsOf(plan).map(({ trials, budget }) =>
      method === 'random' ? `${trials}` : `${trials} of ${budget} ${subject.budgetName}`,
    );
    say(
      terminal,
      `Settings to try: ${rungs.join(', then ')}${done.length > 0 ? `; ${done.length} are done` : ''}\n`,
    );
  }
  const all = [...done];
  let stopped = false;
  const attempt = (settings: Settings, budget: number, name: string) =>
    subject.run(settings, method === 'halving' ? budget : undefined, join(flags.out, name));
  try {
    for await (const trial of sweep(plan, attempt, done)) {
      all.push(trial);
      await append(join(flags.out, trialsFile), `${JSON.stringify(trial)}\n`);
      if (flags.json) sayJson(terminal, { event: 'trial', ...trial });
      else say(terminal, trialLine(trial, subject));
    }
  } catch (error) {
    if (!(error instanceof StoppedError)) throw error;
    stopped = true;
  }
  const results = lastResults(all, plan.best);
  await plotAll(flags.out, results, ranges, subject);
  if (flags.json) sayJson(terminal, { event: stopped ? 'stopped' : 'done', best: results[0] ?? null });
  else sayResults(terminal, results, command, flags, subject);
  if (stopped) exit(130);
}

async function readRanges(
  searches: readonly string[],
  fields: readonly OptionField<string>[],
): Promise<Range[]> {
  const { parseRange } = await import('../mlm/sweep/space.ts');
  return searches.map((search) => {
    const [flag, range] = [search.slice(0, search.indexOf('=')), search.slice(search.indexOf('=') + 1)];
    const name = flag.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
    const field = fields.find((one) => one.name === name);
    if (search.includes('=') && field) return parseRange(range, field);
    const known = fields.map(({ name }) => flagOf(name).slice(2)).join(', ');
    throw new ClozeError(
      'option',
      `--search ${search}: there is no option ${flag || search}`,
      `Known: ${known}`,
    );
  });
}

/** Makes the folder of a new sweep, or reads what is done of an old one. Throws ClozeError `option` for one that is another. */
async function openSweep(
  { out, resume }: SweepFlags,
  told: { plan: SweepPlan; command: readonly string[] },
): Promise<Trial[]> {
  const text = `${JSON.stringify(told, null, 2)}\n`;
  const before = await unlessMissing(readFileText(join(out, planFile)));
  if (resume) {
    if (before === undefined)
      throw new ClozeError('option', `there is no sweep in ${out}`, 'Leave --resume out');
    if (before !== text) {
      throw new ClozeError(
        'option',
        `${join(out, planFile)} is that of another sweep`,
        'Give the options that it was begun with',
      );
    }
    const lines = ((await unlessMissing(readFileText(join(out, trialsFile)))) ?? '').split('\n');
    // A line that was cut off when the process died is done again.
    return lines.flatMap((line) => {
      try {
        return [JSON.parse(line) as Trial];
      } catch {
        return [];
      }
    });
  }
  if (before !== undefined || ((await unlessMissing(readdir(out))) ?? []).length > 0) {
    const remedy =
      before === undefined ? 'Name another --out' : 'Go on with it by --resume, or name another --out';
    throw new ClozeError('option', `${out} is not empty`, remedy);
  }
  await mkdir(out, { recursive: true });
  await writeFileAtomically(join(out, planFile), text);
  return [];
}

async function append(path: string, line: string): Promise<void> {
  try {
    const file = await open(path, 'a');
    await file.write(line).finally(() => file.close());
  } catch (error) {
    throw ioError('write', path, error, line.length);
  }
}

function settingsText(settings: Settings): string {
  return Object.entries(settings)
    .map(([name, value]) => `${flagOf(name)} ${value}`)
    .join(' ');
}

function trialLine(
  { trial, rung, budget, settings, score, error, seconds }: Trial,
  subject: Subject,
): string {
  const what = score === null ? `failed: ${error}` : subject.scoreText(score);
  return `${`${rung + 1}.${trial + 1}`.padEnd(7)}${what.padEnd(28)} ${duration(seconds).padStart(8)}  ${budget} ${subject.budgetName}  ${settingsText(settings)}`;
}

function sayResults(
  terminal: Terminal,
  results: readonly Trial[],
  command: readonly string[],
  { out }: SweepFlags,
  subject: Subject,
): void {
  say(terminal, `\nThe best, by ${subject.scoreName}:`);
  for (const trial of results.slice(0, 10)) say(terminal, trialLine(trial, subject));
  const [best] = results;
  if (best?.score === undefined || best.score === null) return;
  say(terminal, `\nResults and plots are in ${quoted(out)}. The best once more, to be kept:`);
  say(
    terminal,
    `  npx cloze ${command.map(quoted).join(' ')} ${settingsText(best.settings)} --out runs/best`,
  );
}

/** Scores against each option that is a number. */
async function plotAll(
  out: string,
  results: readonly Trial[],
  ranges: readonly Range[],
  subject: Subject,
): Promise<void> {
  const { lineChartSvg } = await import('../mlm/charts/lineChart.ts');
  const rungs = [...new Set(results.map(({ rung }) => rung))].sort();
  for (const { name, kind } of ranges) {
    if (!results.every(({ settings }) => typeof settings[name] === 'number')) continue;
    const series = rungs.map((rung) => {
      const own = results.filter((trial) => trial.rung === rung && trial.score !== null);
      return {
        name: rungs.length > 1 ? `${own[0]?.budget ?? ''} ${subject.budgetName}` : subject.scoreName,
        joined: false,
        points: own.map(({ settings, score }) => [Number(settings[name]), score ?? 0] as const),
        notes: own.map(
          ({ settings, score }) => `${subject.scoreText(score ?? 0)}: ${settingsText(settings)}`,
        ),
      };
    });
    if (series.every(({ points }) => points.length === 0)) continue;
    const picture = lineChartSvg({
      title: `${subject.scoreName} by ${flagOf(name)}`,
      x: flagOf(name).slice(2),
      y: subject.scoreName,
      logX: kind === 'log',
      yFrom: 'data',
      series,
    });
    await writeFileAtomically(join(out, `${flagOf(name).slice(2)}.svg`), picture);
  }
}
