/** `cloze bench tasks`: pre-trains two bodies and tells what each brings downstream. */
import { join } from 'node:path';
import type { Command } from 'commander';
import type { ComparedTask } from '../../bench/tasks.node.ts';
import type { ArmScore } from '../../bench/tasksReport.ts';
import { ClozeError } from '../gpu/errors.ts';
import { FolderStore } from '../mlm/storage/folder-store.node.ts';
import { fillIn } from './bench-kernels.ts';
import { percent } from './format.ts';
import { sayJson } from './json.ts';
import { withEngine } from './model.ts';
import { atLeast1, number, numbers } from './options.ts';
import { say, type Terminal } from './terminal.ts';

interface TasksFlags {
  data: string[];
  out: string;
  preset: string;
  steps: number;
  maskRate: number;
  vocabSize: number;
  fractions: number[];
  controls: number[];
  seeds: number;
  epochs: number;
  leastSteps: number;
  lr?: number;
  seqLen: number;
  markdown?: string;
  adapter?: string;
  json?: boolean;
}

export function addBenchTasks(bench: Command, terminal: Terminal): void {
  bench
    .command('tasks')
    .description(
      'Pre-train two bodies, one on the texts of the tasks and one on their words in random order, and tell what each\n' +
        'brings to fine-tuning over a model that knows nothing.',
    )
    .requiredOption('--data <tasks...>', 'tasks and their files: classification=trec/train.txt')
    .requiredOption(
      '--out <folder>',
      'where bodies and scores are kept; the same one goes on where it was left',
    )
    .option('--preset <name>', 'the size of the models', 'tiny')
    .option('--steps <count>', 'of pre-training, for each body', atLeast1, 1000)
    .option('--mask-rate <share>', 'of pre-training; in few steps, more is learnt from more', number, 0.4)
    .option('--vocab-size <count>', 'of the tokenizer', atLeast1, 4096)
    .option('--seq-len <tokens>', 'most tokens of a row', atLeast1, 64)
    .option('--fractions <shares>', 'shares of the labels', numbers, [0.01, 0.1, 1])
    .option('--controls <shares>', 'those of them at which the controls are run too', numbers, [0.1])
    .option('--seeds <count>', 'models of each kind', atLeast1, 5)
    .option('--epochs <count>', 'times through the examples', atLeast1, 3)
    .option('--least-steps <count>', 'with few examples, as many epochs as make so many steps', atLeast1, 100)
    .option('--lr <rate>', 'peak learning rate (default: that of finetune)', number)
    .option('--markdown <file>', 'put the table into this file, between its marks')
    .option('--adapter <name>', 'part of the name of the adapter to use, see cloze info')
    .option('--json', 'print one score a line')
    .addHelpText(
      'after',
      '\nExamples:\n  $ cloze bench tasks --data classification=trec/train.txt ner=wnut-17/train.conll --out runs/compare',
    )
    .action((flags: TasksFlags) => benchTasks(flags, terminal));
}

/** All that was scored so far, one model a line. */
const scoresFile = 'scores.jsonl';

/** Goes on where an earlier call with the same `out` was left. */
async function benchTasks(flags: TasksFlags, terminal: Terminal): Promise<void> {
  const { compareTasks } = await import('../../bench/tasks.node.ts');
  const { taskLines, tasksMarkdown } = await import('../../bench/tasksReport.ts');
  const tasks = flags.data.map(parseTask);
  const store = new FolderStore(flags.out);
  const bodies = await pretrain(flags, tasks, terminal);
  const scores = parseScores((await store.readText(scoresFile)) ?? '');
  await withEngine(flags, async (engine) => {
    const { fractions, controls, seeds, epochs, leastSteps, lr, seqLen } = flags;
    const settings = { seqLen, ...(lr !== undefined && { lr }) };
    const comparison = { tasks, bodies, fractions, controls, seeds, epochs, leastSteps, settings };
    for await (const score of compareTasks(engine, comparison, scores)) {
      scores.push(score);
      await store.appendLine(scoresFile, JSON.stringify(score));
      if (flags.json) sayJson(terminal, score);
      else say(terminal, scoreLine(score));
    }
  });
  const lines = taskLines(scores);
  if (flags.json) sayJson(terminal, { event: 'lines', lines });
  else say(terminal, `\n${tasksMarkdown(lines).join('\n')}`);
  if (flags.markdown !== undefined) await fillIn(flags.markdown, tasksMarkdown(lines));
}

function scoreLine({ task, arm, fraction, seed, scores, baseline }: ArmScore): string {
  const [[metric, value]] = Object.entries(scores);
  const what = `${task.padEnd(12)} ${percent(fraction).padStart(7)}  seed ${seed}  ${arm.padEnd(16)}`;
  return `${what} ${metric.replaceAll('_', ' ')} ${percent(value)} (baseline ${percent(baseline[metric])})`;
}

/** `classification=trec/train.txt`: a task and its file, named after the file's folder. */
function parseTask(text: string): ComparedTask {
  const [, task, data] = /^([\w-]+)=(.+)$/.exec(text) ?? [];
  if (data) return { task, data, name: data.split(/[/\\]/).at(-2) ?? data };
  throw new ClozeError(
    'option',
    `--data ${text} names no task and file`,
    'Write classification=trec/train.txt',
  );
}

function parseScores(text: string): ArmScore[] {
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as ArmScore);
}

/** The folders of both bodies; one that is there is kept, and that of shuffled text left out where no control asks for it. */
async function pretrain(
  flags: TasksFlags,
  tasks: readonly ComparedTask[],
  terminal: Terminal,
): Promise<{ text: string; shuffled: string }> {
  const { pretrainingText, shuffleWords } = await import('../../bench/tasks.node.ts');
  const store = new FolderStore(flags.out);
  const lines = await pretrainingText(tasks);
  const texts = { text: lines, shuffled: shuffleWords(lines, 0) };
  const bodies = { text: '', shuffled: '' };
  const controlled = flags.controls.some((share) => flags.fractions.includes(share));
  for (const name of ['text', 'shuffled'] as const) {
    const data = join(flags.out, `${name}.txt`);
    bodies[name] = join(flags.out, `body-${name}`);
    if (name === 'shuffled' && !controlled) continue;
    if (await new FolderStore(bodies[name]).readBytes('model.safetensors')) continue;
    await store.write(`${name}.txt`, `${texts[name].join('\n')}\n`);
    if (!flags.json) say(terminal, `Pre-training on ${data} for ${flags.steps} steps`);
    await trainBody(flags, data, bodies[name], terminal);
  }
  return bodies;
}

async function trainBody(flags: TasksFlags, data: string, out: string, terminal: Terminal): Promise<void> {
  const { runTraining } = await import('./run.ts');
  const { preset, steps, maskRate, vocabSize, seqLen, adapter } = flags;
  const text = { data: [data], documents: 'line' as const };
  const tell = flags.json ? (event: unknown) => sayJson(terminal, event) : undefined;
  const options = { ...text, preset, steps, maskRate, vocabSize, seqLen };
  await runTraining({ options, out, adapter, resume: false, tell }, terminal);
}
