/** `cloze eval`: scores a model folder on text that it was not trained on. */
import { join } from 'node:path';
import type { Command } from 'commander';
import { ClozeError } from '../gpu/errors.ts';
import { unlessMissing } from '../mlm/files.node.ts';
import { parseOptions, type TrainOptions, type TrainOptionsInput } from '../mlm/options.ts';
import type { Pretrained } from '../mlm/pretrained.ts';
import { count, nats, percent } from './format.ts';
import { sayJson } from './json.ts';
import { withModel } from './model.ts';
import { addTrainFlags, readConfig, trainFlags, wholeNumber } from './options.ts';
import { addProfileFlags, type ProfileFlags, sayProfile, withProfile } from './profile.ts';
import { optionsFile } from './run-folder.ts';
import { say, type Terminal } from './terminal.ts';

interface EvalFlags extends ProfileFlags {
  model: string;
  maskSeed?: number;
  adapter?: string;
  json?: boolean;
  [name: string]: unknown;
}

export function addEval(program: Command, terminal: Terminal): void {
  const command = program
    .command('eval')
    .description(
      'Score a model on the held-out share of a text, beside what counting words achieves.\n' +
        'Without --data, the text is the one that the run was trained on.',
    )
    .requiredOption('--model <folder>', 'a model folder: what train wrote, or a BERT of Hugging Face');
  const options = addTrainFlags(command, [
    'data',
    'documents',
    'validation',
    'seqLen',
    'maskRate',
    'batchSize',
    'evalSequences',
    'seed',
  ])
    .optionsGroup('Options:')
    .option('--mask-seed <number>', 'which tokens are masked (default: as in training)', wholeNumber)
    .option('--adapter <name>', 'part of the name of the adapter to use, see cloze info');
  addProfileFlags(options)
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Options that are left out are those of the run, where the folder is one.

Examples:
  $ cloze eval --model runs/stories
  $ cloze eval --model runs/stories --mask-rate 0.3 --json
  $ cloze eval --model bert-tiny --data notes.txt --documents line --seq-len 128`,
    )
    .action((flags: EvalFlags) => evalModel(flags, terminal));
}

async function evalModel(flags: EvalFlags, terminal: Terminal): Promise<void> {
  const { openSession } = await import('../mlm/session.node.ts');
  const { evaluate } = await import('../mlm/evaluate.ts');
  const { evaluationBatches, evaluationMaskSeed } = await import('../mlm/evaluationSet.ts');
  await withModel(flags, async (pretrained) => {
    const { model, tokenizer, slab } = pretrained;
    const options = await evalOptions(flags, pretrained);
    const session = await openSession(options, tokenizer);
    const { maskSeed = evaluationMaskSeed } = flags;
    const batches = evaluationBatches(session, options, maskSeed);
    const { engine } = slab;
    const { result, kernels } = await withProfile(engine, flags, () => evaluate(engine, model, batches));
    const { loss, accuracy } = result;
    const baselines = session.baselines(batches);
    if (flags.json) {
      const { maskRate } = options;
      const score = { loss, accuracy, perplexity: Math.exp(loss), maskRate, maskSeed, baselines };
      sayJson(terminal, flags.profile ? { ...score, kernels } : score);
      return;
    }
    const masked = batches.reduce((sum, batch) => sum + batch.count, 0);
    const row = (name: string, score: { loss: number; accuracy: number }) =>
      say(
        terminal,
        `${name.padEnd(26)}${nats(score.loss).padStart(10)}${percent(score.accuracy).padStart(12)}` +
          `${Math.exp(score.loss).toFixed(2).padStart(14)}`,
      );
    say(
      terminal,
      `${count(masked)} masked tokens (${percent(options.maskRate)}, mask seed ${maskSeed}) of ${session.name}`,
    );
    say(
      terminal,
      `\n${''.padEnd(26)}${'loss, nats'.padStart(10)}${'right'.padStart(12)}${'perplexity'.padStart(14)}`,
    );
    row(flags.model, { loss, accuracy });
    row('word counts alone', baselines.unigram);
    row('counts of neighbours', baselines.neighbours);
    const floor = session.floor?.(batches);
    if (floor !== undefined) say(terminal, `${'least possible'.padEnd(26)}${nats(floor).padStart(10)}`);
    sayProfile(flags, kernels, terminal);
  });
}

/** The flags, over the options of the run that the model came from, over the defaults and the model's length. */
async function evalOptions(flags: EvalFlags, { config, tokenizer }: Pretrained): Promise<TrainOptions> {
  const run = await unlessMissing(readConfig(join(flags.model, optionsFile)));
  const longest = config.max_position_embeddings;
  const base: TrainOptionsInput = run?.options ?? {
    tokenizer: tokenizer.kind === 'char' ? 'char' : 'wordpiece',
    seqLen: Math.min(longest, 128),
  };
  const options = parseOptions({
    ...base,
    maskRate: base.evalMaskRate ?? base.maskRate,
    evalMaskRate: undefined,
    accumulation: 1,
    evalSequences: Number.MAX_SAFE_INTEGER,
    ...trainFlags(flags),
  });
  if (options.seqLen > longest) {
    throw new ClozeError(
      'option',
      `--seq-len is ${options.seqLen}, and this model reads at most ${longest} tokens`,
      `Use --seq-len ${longest} or less`,
    );
  }
  return options;
}
