/** `cloze eval`: scores a model folder on text that it was not trained on. */
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { ClozeError } from '../gpu/errors.ts';
import { unlessMissing } from '../mlm/data/files.node.ts';
import type { ScoredText, Session } from '../mlm/data/session.ts';
import { type ObjectiveName, objectivesWith } from '../mlm/objectives/index.ts';
import type { Trained } from '../mlm/pretrained.ts';
import type { Tokenizer } from '../mlm/tokenizer/index.ts';
import { parseOptions, type TrainOptions, type TrainOptionsInput } from '../mlm/training/options.ts';
import { evalPairs } from './eval-pairs.ts';
import { evalTask } from './eval-task.ts';
import { count, percent } from './format.ts';
import { sayJson } from './json.ts';
import { modelReader, withTrained } from './model.ts';
import { addTrainFlags, flagOf, readConfig, trainFlags, wholeNumber } from './options.ts';
import { addProfileFlags, type ProfileFlags, sayProfile, withProfile } from './profile.ts';
import { measureLines } from './report.ts';
import { optionsFile } from './run-folder.ts';
import { say, type Terminal } from './terminal.ts';

interface EvalFlags extends ProfileFlags {
  model: string;
  data?: string[];
  maskSeed?: number;
  pll?: boolean;
  pairs?: string;
  batchSize?: number;
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
        "run's own text that was held out, or on all of another that --data names. A fine-tuned model is scored on the\n" +
        'examples of its task, beside a trivial baseline.',
    )
    .requiredOption(
      '--model <folder>',
      'a model folder: what train or finetune wrote, a BERT or ModernBERT of Hugging Face; or hf://owner/name',
    );
  const options = addTrainFlags(command, [
    'data',
    'documents',
    'textField',
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
    .option('--pll', 'the pseudo-log-likelihood too: every token hidden alone, a sequence for each token')
    .option(
      '--pairs <file>',
      'how often the right one of two sentences is the likelier: JSON lines or .tsv as BLiMP',
    )
    .option('--adapter <name>', 'part of the name of the adapter to use, see cloze info')
    .optionsGroup('Of a fine-tuned model:')
    .option(
      '--calibration',
      'also whether it is right as often as it says, and the temperature that mends it',
    )
    .option('--robustness', 'also its scores as letters and words of the texts are disturbed more and more')
    .option('--out <folder>', 'where the pictures of these two are written')
    .optionsGroup('Options:');
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
  $ cloze eval --model runs/shakespeare --pll --eval-sequences 20
  $ cloze eval --model bert-tiny --data notes.txt --documents line --seq-len 128
  $ cloze eval --model runs/stories --pairs blimp/anaphor_gender_agreement.jsonl
  $ cloze eval --model runs/ner --data dev.conll
  $ cloze eval --model runs/trec --data test.txt --calibration --robustness --out pictures`,
    )
    .action((flags: EvalFlags) => evalModel(flags, terminal));
}

async function evalModel(flags: EvalFlags, terminal: Terminal): Promise<void> {
  const { readModelConfig } = await import('../mlm/pretrained.ts');
  const { isTaskConfig } = await import('../mlm/tasks/folder.ts');
  const config = await readModelConfig(await modelReader(flags.model), flags.model);
  if (isTaskConfig(config)) return evalTask(flags, terminal);
  refuseReports(flags);
  if (flags.pairs !== undefined) return evalPairs({ ...flags, pairs: flags.pairs }, terminal);
  const { evaluationMaskSeed } = await import('../mlm/data/evaluationSet.ts');
  const { measure } = await import('../mlm/evaluation/measures.ts');
  const { createObjective } = await import('../mlm/objectives/index.ts');
  await withTrained(flags, async (trained) => {
    const { trainee, tokenizer, slab } = trained;
    const options = await evalOptions(flags, trained);
    const text = await openText(flags, options, tokenizer);
    const objective = createObjective(options, tokenizer);
    if (flags.pll && objective.evaluation.attention !== 'bidirectional') {
      throw new ClozeError(
        'option',
        `--pll hides each token in turn, and a model trained by ${objective.name} predicts no hidden tokens`,
        'Leave it out: the perplexity of such a model is that of the text',
      );
    }
    const { maskSeed = evaluationMaskSeed, pll } = flags;
    const { engine } = slab;
    const { result: measures, kernels } = await withProfile(engine, flags, () =>
      measure(engine, trainee, { text, objective, tokenizer, options: { ...options, maskSeed, pll } }),
    );
    const { maskRate } = options;
    const { heldOut } = text;
    if (flags.json) {
      const [{ loss, accuracy, perplexity, baselines }] = measures;
      const score = { loss, accuracy, perplexity, maskRate, maskSeed, heldOut, baselines, measures };
      sayJson(terminal, flags.profile ? { ...score, kernels } : score);
      return;
    }
    const masks = maskRate === undefined ? '' : `${percent(maskRate)}, `;
    say(
      terminal,
      `${count(measures[0].predictions)} predictions (${masks}mask seed ${maskSeed}) of ` +
        `${heldOut ? 'the held-out share of' : 'all of'} ${text.name}`,
    );
    for (const one of measures) {
      for (const line of measureLines(flags.model, one)) say(terminal, line);
    }
    sayProfile(flags, kernels, terminal);
  });
}

/** Throws ClozeError `option` for what only the model of a task can be asked. */
function refuseReports(flags: EvalFlags): void {
  const asked = (['calibration', 'robustness', 'out'] as const).find((name) => flags[name] !== undefined);
  if (!asked) return;
  const what = `${flagOf(asked)} is for fine-tuned models, and ${flags.model} is a language model`;
  throw new ClozeError('option', what, 'Leave it out');
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
  const { openSession, openWholeText } = await import('../mlm/data/session.node.ts');
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
async function evalOptions(
  flags: EvalFlags,
  { trainee: { config }, tokenizer }: Trained,
): Promise<TrainOptions> {
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
  const { createObjective } = await import('../mlm/objectives/index.ts');
  const needed = createObjective(options, tokenizer).evaluation.rowLength(options.seqLen);
  if (needed > longest) {
    throw new ClozeError(
      'option',
      `--seq-len ${options.seqLen} makes rows of ${needed} tokens, and this model reads at most ${longest}`,
      `Use --seq-len ${options.seqLen - needed + longest} or less`,
    );
  }
  return options;
}
