/** `cloze eval --pairs`: how often a model finds the right one of two sentences likelier, beside two trivial bars. */
import { join } from 'node:path';
import { ClozeError } from '../gpu/errors.ts';
import { readFileText, unlessMissing } from '../mlm/data/files.node.ts';
import type { PairScore } from '../mlm/evaluation/minimalPairs.ts';
import type { ObjectiveName } from '../mlm/objectives/index.ts';
import type { Trained } from '../mlm/pretrained.ts';
import { parseOptions, type TrainOptions } from '../mlm/training/options.ts';
import { count, percent } from './format.ts';
import { sayJson } from './json.ts';
import { withTrained } from './model.ts';
import { flagOf, readConfig } from './options.ts';
import { optionsFile } from './run-folder.ts';
import { say, type Terminal } from './terminal.ts';

interface PairFlags {
  model: string;
  pairs: string;
  batchSize?: number;
  adapter?: string;
  json?: boolean;
}

const own = ['model', 'pairs', 'batchSize', 'adapter', 'json'];

/** Throws ClozeError `option` for a flag that says which other text to score, or how. */
export async function evalPairs(flags: PairFlags, terminal: Terminal): Promise<void> {
  const stranger = Object.keys(flags).find((name) => !own.includes(name));
  if (stranger) throw new ClozeError('option', `${flagOf(stranger)} says nothing of pairs`, 'Leave it out');
  const { lengthScores, pairGroups, parsePairs, scorePairs, unigramScores } = await import(
    '../mlm/evaluation/minimalPairs.ts'
  );
  const { logLikelihoods, textRows } = await import('../mlm/evaluation/likelihood.ts');
  const { createObjective } = await import('../mlm/objectives/index.ts');
  const pairs = parsePairs(await readFileText(flags.pairs), flags.pairs);
  await withTrained(flags, async (trained) => {
    const { trainee, tokenizer, slab } = trained;
    const rows = textRows(
      [...pairs.map(({ good }) => good), ...pairs.map(({ bad }) => bad)],
      tokenizer,
      trainee,
    );
    const objective = trainee.config.objective as ObjectiveName;
    const { evaluation } = createObjective({ objective }, tokenizer);
    const size = flags.batchSize ?? 32;
    const scores = await logLikelihoods(slab.engine, trainee, rows, evaluation, size);
    const train = await trainingRows(flags, trained);

    const all = pairs.map((_, i) => i);
    const score = scorePairs(scores, all);
    const baselines = {
      length: scorePairs(lengthScores(rows), all),
      unigram: train ? scorePairs(unigramScores(rows, train), all) : null,
    };
    const groups = Object.fromEntries(
      [...pairGroups(pairs)].map(([name, chosen]) => [name, scorePairs(scores, chosen)]),
    );
    if (flags.json) return sayJson(terminal, { ...score, baselines, groups });
    say(
      terminal,
      `${count(pairs.length)} pairs of ${flags.pairs}: how often the good sentence is the likelier\n`,
    );
    say(terminal, pairLine(flags.model, score));
    say(terminal, pairLine('the shorter one', baselines.length));
    if (baselines.unigram) say(terminal, pairLine('word counts alone', baselines.unigram));
    for (const [name, group] of Object.entries(groups)) say(terminal, pairLine(`  ${name}`, group));
  });
}

function pairLine(name: string, { accuracy, interval: [low, high], pairs }: PairScore): string {
  return `${name.padEnd(40)}${percent(accuracy).padStart(8)}   (${percent(low)} to ${percent(high)}, ${count(pairs)} pairs)`;
}

/** What the run that wrote the model was trained on, where it is still there, at most sixteen million tokens of it. */
async function trainingRows({ model }: PairFlags, { tokenizer }: Trained) {
  const run = await unlessMissing(readConfig(join(model, optionsFile)));
  if (!run) return undefined;
  const { openSession } = await import('../mlm/data/session.node.ts');
  const { thinned } = await import('../mlm/data/dataset.ts');
  const options: TrainOptions = parseOptions(run.options);
  try {
    return thinned((await openSession(options, tokenizer)).train, 1 << 24);
  } catch (error) {
    if (error instanceof ClozeError) return undefined;
    throw error;
  }
}
