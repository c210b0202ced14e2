/** `cloze predict`: what a fine-tuned model says of texts. */
import type { Command } from 'commander';
import { ClozeError } from '../gpu/errors.ts';
import { readFileText } from '../mlm/data/files.node.ts';
import { checkWriting, type Task, type TaskExample, type TaskPrediction } from '../mlm/tasks/task.ts';
import { percent } from './format.ts';
import { sayJson } from './json.ts';
import { atLeast1, number } from './options.ts';
import { withTask } from './task.ts';
import { say, type Terminal } from './terminal.ts';

interface PredictFlags {
  model: string;
  file?: string;
  beams?: number;
  lengthPenalty?: number;
  adapter?: string;
  json?: boolean;
}

export function addPredict(program: Command, terminal: Terminal): void {
  program
    .command('predict')
    .description(
      'Label texts with a fine-tuned model, or have it write answers to them. `cloze eval` scores it on labelled ones.',
    )
    .argument('[texts...]', 'texts to label')
    .requiredOption(
      '--model <folder>',
      'what finetune wrote, or a classifier of Hugging Face, a folder or hf://owner/name',
    )
    .option('--file <file>', 'label the lines of a file instead')
    .option('--beams <count>', 'where answers are written: beginnings that are followed up', atLeast1)
    .option('--length-penalty <value>', 'rank what is written by ln p over length to this power', number)
    .option('--adapter <name>', 'part of the name of the adapter to use, see cloze info')
    .option('--json', 'print one JSON object a text')
    .addHelpText(
      'after',
      `
Examples:
  $ cloze predict --model runs/trec "Who wrote Middlemarch ?"
  $ cloze predict --model runs/trec --file questions.txt --json > answers.jsonl
  $ cloze predict --model runs/en-zh --beams 4 "Where is the station?"`,
    )
    .action((texts: string[], flags: PredictFlags) => run(texts, flags, terminal));
}

async function run(texts: readonly string[], flags: PredictFlags, terminal: Terminal): Promise<void> {
  const { file } = flags;
  if (texts.length > 0 === (file !== undefined)) {
    throw new ClozeError('option', 'predict takes texts, or --file', 'Give one of the two');
  }
  await withTask(flags, async (engine, trainee, options) => {
    const lines = file === undefined ? texts : (await readFileText(file)).split(/\r?\n/);
    const examples = lines.filter((line) => line.trim() !== '').map((line) => trainee.task.ask(line));
    if (examples.length === 0) throw new ClozeError('input', 'there is no text to label', 'Write one a line');
    checkWriting(trainee.task, flags);
    const { beams = options?.beams, lengthPenalty = options?.lengthPenalty } = flags;
    const found = await trainee.predict(engine, examples, { ...options, beams, lengthPenalty });
    found.forEach((prediction, i) => {
      if (flags.json) sayJson(terminal, asJson(trainee.task, examples[i], prediction));
      else say(terminal, asLine(trainee.task, examples[i], prediction));
    });
  });
}

function asJson(task: Task, { text, words, pair }: TaskExample, { labels, scores }: TaskPrediction) {
  if (words) return { text, words, labels, scores };
  const [label] = labels;
  return { text, pair, ...(task.record?.(label) ?? { label }), score: scores[0] };
}

function asLine(task: Task, { text, words }: TaskExample, { labels, scores }: TaskPrediction): string {
  if (task.writes) return labels[0];
  if (words) return words.map((word, w) => (labels[w] === 'O' ? word : `${word}/${labels[w]}`)).join(' ');
  const score = scores.length > 0 ? percent(scores[0]).padStart(7) : '';
  return `${labels[0].padEnd(24)} ${score}   ${text}`;
}
