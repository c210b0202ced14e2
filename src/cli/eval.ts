/** `cloze eval`: scores a model folder on text that it was not trained on. */
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { ClozeError } from '../gpu/errors.ts';
import { unlessMissing } from '../mlm/files.node.ts';
import { type ObjectiveName, objectivesWith } from '../mlm/objectives/index.ts';
import { parseOptions, type TrainOptions, type TrainOptionsInput } from '../mlm/options.ts';
import type { Pretrained } from '../mlm/pretrained.ts';
import type { ScoredText, Session } from '../mlm/session.ts';
import type { Tokenizer } from '../mlm/tokenizer/index.ts';
import { count, nats, percent } from './format.ts';
import { sayJson } from './json.ts';
import { withModel } from './model.ts';
import { addTrainFlags, readConfig, trainFlags, wholeNumber } from './options.ts';
import { addProfileFlags, type ProfileFlags, sayProfile, withProfile } from './profile.ts';
import { namedBars } from './report.ts';
import { optionsFile } from './run-folder.ts';
import { say, type Terminal } from './terminal.ts';

interface EvalFlags extends ProfileFlags {
  model: string;
  maskSeed?: number;
  all?: boolean;
  adapter?: string;
  json?: boolean;
  [name: string]: unknown;
}

export function addEval(program: Command, terminal: Terminal): void {
  const command = program
    .command('eval')
    .description(
      'Score a model on text that it was not trained on, beside what counting words achieves: on the share of the\n' +
        "run's own text that was held out, or on all of another that --data names.",
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
    .option('--all', "score all of the text, even of the run's own, most of which the model has seen")
    .option('--mask-seed <number>', 'which tokens are masked (default: as in training)', wholeNumber)
    .option('--adapter <name>', 'part of the name of the adapter to use, see cloze info');
  addProfileFlags(options)
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Options that are left out are those of the run, where the folder is one. With --validation, a share of the text is
scored, of whatever text. Words are counted in the text that was trained on; for a model without a run of cloze, in the
rest of the text that is scored, where there is one.

Examples:
  $ cloze eval --model runs/stories
  $ cloze eval --model runs/stories --mask-rate 0.3 --json
  $ cloze eval --model runs/shakespeare --data sonnets.txt
  $ cloze eval --model bert-tiny --data notes.txt --documents line --seq-len 128`,
    )
    .action((flags: EvalFlags) => evalModel(flags, terminal));
}

async function evalModel(flags: EvalFlags, terminal: Terminal): Promise<void> {
  const { evaluate } = await import('../mlm/evaluate.ts');
  const { evaluationBatches, evaluationMaskSeed } = await import('../mlm/evaluationSet.ts');
  const { createObjective } = await import('../mlm/objectives/index.ts');
  const { languageModel } = await import('../mlm/objectives/languageModel.ts');
  await withModel(flags, async (pretrained) => {
    const { model, config, tokenizer, slab } = pretrained;
    const options = await evalOptions(flags, pretrained);
    const text = await openText(flags, options, tokenizer);
    const { maskSeed = evaluationMaskSeed } = flags;
    const objective = createObjective(options, tokenizer);
    const batches = evaluationBatches(text, objective, options, maskSeed);
    const { engine } = slab;
    const trainee = languageModel(config, model);
    const { result, kernels } = await withProfile(engine, flags, () => evaluate(engine, trainee, batches));
    const { loss, accuracy } = result;
    const baselines = text.baselines?.(batches, objective) ?? null;
    if (flags.json) {
      const { maskRate } = options;
      const { heldOut } = text;
      const score = { loss, accuracy, perplexity: Math.exp(loss), maskRate, maskSeed, heldOut, baselines };
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
      `${count(masked)} masked tokens (${percent(options.maskRate ?? 1)}, mask seed ${maskSeed}) of ` +
        `${text.heldOut ? 'the held-out share of' : 'all of'} ${text.name}`,
    );
    say(
      terminal,
      `\n${''.padEnd(26)}${'loss, nats'.padStart(10)}${'right'.padStart(12)}${'perplexity'.padStart(14)}`,
    );
    row(flags.model, { loss, accuracy });
    for (const [, name, score] of baselines ? namedBars(baselines) : []) row(name, score);
    const floor = text.floor?.(batches);
    if (floor !== undefined) say(terminal, `${'least possible'.padEnd(26)}${nats(floor).padStart(10)}`);
    sayProfile(flags, kernels, terminal);
  });
}

interface EvaluatedText extends ScoredText, Partial<Pick<Session, 'baselines'>> {
  /** Whether this is the share of a text that its session holds out, or all of it. */
  heldOut: boolean;
}

/**
 * The held-out share of the run's own text, unless `--all` asks for all of it; all of another text, unless
 * `--validation` asks for a share.
 */
async function openText(
  flags: EvalFlags,
  options: TrainOptions,
  tokenizer: Tokenizer,
): Promise<EvaluatedText> {
  const { openSession, openWholeText } = await import('../mlm/session.node.ts');
  const run = await runOptions(flags);
  const paths = (data: readonly string[]) => data.map((path) => resolve(path)).join('\n');
  const own = run !== undefined && paths(options.data) === paths(parseOptions(run).data);
  if (!flags.all && (own || flags.validation !== undefined)) {
    return { ...(await openSession(options, tokenizer)), heldOut: true };
  }
  const whole = await openWholeText(options, tokenizer);
  if (!run) return { ...whole, heldOut: false };
  const trained = parseOptions({ ...run, seqLen: options.seqLen });
  const session = await openSession(trained, tokenizer).catch((error) => {
    // The text may be gone since; then there is nothing to count in.
    if (error instanceof ClozeError) return undefined;
    throw error;
  });
  return { ...whole, heldOut: false, baselines: session?.baselines };
}

/** The options of the run that wrote the model, where one did. */
async function runOptions({ model }: EvalFlags): Promise<TrainOptionsInput | undefined> {
  return (await unlessMissing(readConfig(join(model, optionsFile))))?.options;
}

/** The flags, over the options of the run that the model came from, over the defaults and the model's length. */
async function evalOptions(flags: EvalFlags, { config, tokenizer }: Pretrained): Promise<TrainOptions> {
  const run = await runOptions(flags);
  const longest = config.max_position_embeddings;
  const base: TrainOptionsInput = run ?? {
    tokenizer: tokenizer.kind === 'char' ? 'char' : 'wordpiece',
    seqLen: Math.min(longest, 128),
  };
  const objective = (run?.objective ?? config.objective) as ObjectiveName;
  const options = parseOptions({
    ...base,
    objective,
    ...(objectivesWith('evalMaskRate').includes(objective) && {
      maskRate: base.evalMaskRate ?? base.maskRateEnd ?? base.maskRate,
      maskRateEnd: undefined,
      evalMaskRate: undefined,
    }),
    accumulation: 1,
    evalSequences: Number.MAX_SAFE_INTEGER,
    ...trainFlags(flags, objective),
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
