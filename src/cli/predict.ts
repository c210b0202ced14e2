/** `cloze predict`: what a fine-tuned model says of texts, and how it scores on labelled ones. */
import type { Command } from 'commander';
import { ClozeError } from '../gpu/errors.ts';
import { readFileText } from '../mlm/files.node.ts';
import { shown } from './finetune.ts';
import { percent } from './format.ts';
import { sayJson } from './json.ts';
import { withEngine } from './model.ts';
import { say, type Terminal } from './terminal.ts';

interface PredictFlags {
  model: string;
  file?: string;
  data?: string;
  adapter?: string;
  json?: boolean;
}

export function addPredict(program: Command, terminal: Terminal): void {
  program
    .command('predict')
    .description('Label texts with a fine-tuned model, or score it on labelled ones.')
    .argument('[texts...]', 'texts to label')
    .requiredOption('--model <folder>', 'what finetune wrote, or a classifier of Hugging Face')
    .option('--file <file>', 'label the lines of a file instead')
    .option('--data <file>', 'score the model on labelled examples, in the form of its task')
    .option('--adapter <name>', 'part of the name of the adapter to use, see cloze info')
    .option('--json', 'print one JSON object a text')
    .addHelpText(
      'after',
      `
Examples:
  $ cloze predict --model runs/trec "Who wrote Middlemarch ?"
  $ cloze predict --model runs/trec --file questions.txt --json > answers.jsonl
  $ cloze predict --model runs/ner --data dev.conll`,
    )
    .action((texts: string[], flags: PredictFlags) => run(texts, flags, terminal));
}

async function run(texts: readonly string[], flags: PredictFlags, terminal: Terminal): Promise<void> {
  const { model, file, data, json } = flags;
  if ([texts.length > 0, file !== undefined, data !== undefined].filter(Boolean).length !== 1) {
    throw new ClozeError('option', 'predict takes texts, or --file, or --data', 'Give one of the three');
  }
  const { loadTask } = await import('../mlm/tasks/folder.ts');
  const { predictRows, TaskRows } = await import('../mlm/tasks/model.ts');
  const { scoreOf } = await import('../mlm/tasks/finetune.ts');
  const { FolderStore } = await import('../mlm/folder-store.node.ts');
  const folder = new FolderStore(model);
  await withEngine(flags, async (engine) => {
    const { trainee } = await loadTask(engine, (name) => folder.readBytes(name), model);
    const { task } = trainee;
    if (data !== undefined) {
      const examples = task.parse(await readFileText(data), data);
      const scores = scoreOf(
        trainee,
        examples,
        await predictRows(engine, trainee, new TaskRows(examples, trainee)),
      );
      if (json) sayJson(terminal, { task: task.name, examples: examples.length, scores });
      else say(terminal, `${examples.length} examples   ${shown(scores)}`);
      return;
    }
    const lines = file === undefined ? texts : (await readFileText(file)).split(/\r?\n/);
    const examples = lines.filter((line) => line.trim() !== '').map((line) => task.ask(line));
    if (examples.length === 0) throw new ClozeError('input', 'there is no text to label', 'Write one a line');
    const found = await predictRows(engine, trainee, new TaskRows(examples, trainee));
    found.forEach(({ labels, scores }, i) => {
      const { text, words } = examples[i];
      if (json)
        sayJson(
          terminal,
          words ? { text, words, labels, scores } : { text, label: labels[0], score: scores[0] },
        );
      else if (words)
        say(terminal, words.map((word, w) => (labels[w] === 'O' ? word : `${word}/${labels[w]}`)).join(' '));
      else say(terminal, `${labels[0].padEnd(24)} ${percent(scores[0]).padStart(7)}   ${text}`);
    });
  });
}
