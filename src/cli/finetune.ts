/** `cloze finetune`: trains a model for a task, from what was pre-trained or from nothing, and saves it. */
import type { Command } from 'commander';
import type { Engine } from '../autograd/index.ts';
import { ClozeError } from '../gpu/errors.ts';
import type { Task, TaskExample, TaskScores } from '../mlm/tasks/index.ts';
import { percent, quoted } from './format.ts';
import { sayJson } from './json.ts';
import { withEngine } from './model.ts';
import { atLeast1, number, wholeNumber } from './options.ts';
import { say, type Terminal } from './terminal.ts';

interface FinetuneFlags {
  task: string;
  model?: string;
  scratch?: boolean;
  preset: string;
  vocabSize: number;
  data: string;
  development?: string;
  validation: number;
  trainFraction: number;
  shuffleLabels?: boolean;
  out?: string;
  epochs: number;
  batchSize: number;
  lr: number;
  layerDecay: number;
  freeze: number;
  weightDecay: number;
  warmup: number;
  seqLen?: number;
  seed: number;
  adapter?: string;
  json?: boolean;
}

export function addFinetune(program: Command, terminal: Terminal): void {
  program
    .command('finetune')
    .description('Train a model for a task, and score it beside a trivial baseline after each epoch.')
    .requiredOption('--task <name>', 'classification, ner or relations')
    .requiredOption(
      '--data <file>',
      'labelled examples: .csv, .tsv, "label text" lines, CoNLL or SemEval-2010 task 8',
    )
    .option('--development <file>', 'examples to score on (default: a share of --data)')
    .option('--validation <share>', 'without --development: share of --data held out', number, 0.1)
    .option('--model <folder>', 'what to start from: what train wrote, or a BERT of Hugging Face')
    .option('--scratch', 'take the shape and the tokenizer of --model, and none of its weights')
    .option('--preset <name>', 'without --model: the size of a new one', 'tiny')
    .option(
      '--vocab-size <count>',
      'without --model: size of the vocabulary trained on --data',
      atLeast1,
      4096,
    )
    .option('--train-fraction <share>', 'share of the training examples to use', number, 1)
    .option('--shuffle-labels', 'train on the labels of other examples: a control that should be at chance')
    .option('--out <folder>', 'where the model is saved (default: it is not)')
    .option('--epochs <count>', 'times through the examples', atLeast1, 3)
    .option('--batch-size <count>', 'examples per step', atLeast1, 32)
    .option('--lr <rate>', 'peak learning rate of AdamW; wider models want less', number, 5e-4)
    .option(
      '--layer-decay <factor>',
      'each layer learns at this share of the rate of the one above it',
      number,
      1,
    )
    .option('--freeze <layers>', 'embeddings and so many layers from below do not learn', wholeNumber, 0)
    .option('--weight-decay <factor>', 'decoupled weight decay', number, 0.01)
    .option('--warmup <share>', 'share of the steps in which the learning rate rises', number, 0.1)
    .option(
      '--seq-len <tokens>',
      'most tokens of an example (default: 128, or what the model reads)',
      atLeast1,
    )
    .option('--seed <number>', 'of the new weights, the order and the sample', wholeNumber, 0)
    .option('--adapter <name>', 'part of the name of the adapter to use, see cloze info')
    .option('--json', 'print one event a line, and nothing else')
    .addHelpText(
      'after',
      `
Examples:
  $ cloze finetune --task classification --data trec/train.txt --model runs/body --out runs/trec
  $ cloze finetune --task ner --data train.conll --development dev.conll --model runs/body --out runs/ner
  $ cloze finetune --task classification --data trec/train.txt --model runs/body --scratch --train-fraction 0.1`,
    )
    .action((flags: FinetuneFlags) => run(flags, terminal));
}

async function run(flags: FinetuneFlags, terminal: Terminal): Promise<void> {
  checkShares(flags);
  const { taskNamed } = await import('../mlm/tasks/index.ts');
  const { finetune } = await import('../mlm/tasks/finetune.ts');
  const task = taskNamed(flags.task);
  const { train, development, labels } = await readExamples(task, flags);
  await withEngine(flags, async (engine) => {
    const { trainee, slab } = await start(engine, task, labels, train, flags);
    const baseline = task.score(
      development.map(({ labels }) => labels),
      task.baseline.predict(train, development),
    );
    const sizes = { train: train.length, development: development.length, labels: labels.length };
    if (flags.json)
      sayJson(terminal, { event: 'start', task: task.name, ...sizes, parameters: slab.size, baseline });
    else {
      say(
        terminal,
        `${sizes.train} examples to train on, ${sizes.development} to score on, ${sizes.labels} labels`,
      );
      say(terminal, `${`${task.baseline.name}, to beat`.padEnd(22)}${shown(baseline)}`);
    }
    for await (const event of finetune(trainee, slab, { train, development, seqLen: flags.seqLen }, flags)) {
      if (flags.json) sayJson(terminal, event);
      else if (event.event === 'eval')
        say(terminal, `${`epoch ${event.epoch}`.padEnd(22)}${shown(event.scores)}`);
    }
    if (flags.out === undefined) return;
    const { descriptionFiles, weightsFile } = await import('../mlm/pretrained.ts');
    const { writeFolderAtomically } = await import('../mlm/files.node.ts');
    await writeFolderAtomically(flags.out, {
      ...descriptionFiles(trainee.config, trainee.tokenizer),
      'model.safetensors': await weightsFile(slab),
    });
    if (flags.json) return;
    say(terminal, `\nSaved to ${quoted(flags.out)}. Try next:`);
    say(
      terminal,
      `  npx cloze predict --model ${quoted(flags.out)} "${train[0].text.slice(0, 60).replaceAll('"', "'")}"`,
    );
  });
}

function checkShares({ trainFraction, validation }: FinetuneFlags): void {
  if (!(trainFraction > 0 && trainFraction <= 1)) {
    throw new ClozeError('option', `--train-fraction is ${trainFraction}`, 'Use a number above 0, up to 1');
  }
  if (!(validation > 0 && validation < 1)) {
    throw new ClozeError('option', `--validation is ${validation}`, 'Use a number between 0 and 1');
  }
}

/** Which examples are held out does not depend on the seed; which share of the others is used does. */
async function readExamples(task: Task, flags: FinetuneFlags) {
  const { readFileText } = await import('../mlm/files.node.ts');
  const { sample, withShuffledLabels } = await import('../mlm/tasks/finetune.ts');
  const read = async (path: string) => task.parse(await readFileText(path), path);
  let train = await read(flags.data);
  let development: TaskExample[];
  if (flags.development !== undefined) development = await read(flags.development);
  else {
    const order = sample(train, 1, 0);
    const count = Math.max(1, Math.round(flags.validation * order.length));
    development = order.slice(0, count);
    train = order.slice(count);
  }
  const labels = [...new Set(train.flatMap(({ labels }) => labels))].sort();
  if (labels.length < 2) {
    throw new ClozeError(
      'input',
      `${flags.data} has ${labels.length} label(s)`,
      'Give examples of two or more',
    );
  }
  if (flags.trainFraction < 1) train = sample(train, flags.trainFraction, flags.seed);
  if (flags.shuffleLabels) train = withShuffledLabels(train, flags.seed);
  return { train, development, labels };
}

async function start(
  engine: Engine,
  task: Task,
  labels: readonly string[],
  train: readonly TaskExample[],
  { model, scratch, preset, vocabSize, seqLen = 128, seed }: FinetuneFlags,
) {
  const { startAnew, startFromFolder } = await import('../mlm/tasks/folder.ts');
  if (model !== undefined) {
    const { FolderStore } = await import('../mlm/folder-store.node.ts');
    const folder = new FolderStore(model);
    return startFromFolder(engine, (name) => folder.readBytes(name), model, { task, labels, seed, scratch });
  }
  const { trainTokenizer } = await import('../mlm/tokenizer/index.ts');
  const { presetConfig } = await import('../mlm/bert/config.ts');
  const corpus = train.map(({ text }) => text);
  const tokenizer = await trainTokenizer({ kind: 'wordpiece', corpus, vocabSize });
  const config = presetConfig(preset, {
    vocab_size: tokenizer.vocabSize,
    max_position_embeddings: seqLen,
    norm_position: 'pre',
    position_embedding_type: 'rotary',
  });
  return startAnew(engine, { task, labels, seed, config, tokenizer });
}

export function shown(scores: TaskScores): string {
  return Object.entries(scores)
    .map(([name, value]) => `${name.replaceAll('_', ' ')} ${percent(value)}`)
    .join('   ');
}
