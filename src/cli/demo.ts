/** `cloze demo`: the whole story in two minutes. Trains on the built-in stories, then fills the blanks of new ones. */
import type { Command } from 'commander';
import type { StoryPrompt } from '../mlm/data/stories.ts';
import type { FillMaskPrediction } from '../mlm/fillMask.ts';
import type { TrainOptionsInput } from '../mlm/training/options.ts';
import { sayJson } from './json.ts';
import { number } from './options.ts';
import { predictionLines } from './report.ts';
import { checkFolder } from './run-folder.ts';
import { say, type Terminal } from './terminal.ts';

/** The rest is the recipe for these stories. */
const options: TrainOptionsInput = { data: ['stories:short'], evalEvery: 200 };

const promptCount = 5;

/** A whole story, as those that the model has read; parts of one are strange to it. */
const unseenStory =
  'Leo had red paint, and Nora had yellow paint. Leo and Nora mixed the red and the yellow, and the paint turned [MASK]. ' +
  'Leo painted his book with it. Now he has an orange book.';

interface DemoFlags {
  minutes: number;
  out: string;
  adapter?: string;
  json?: boolean;
}

export function addDemo(program: Command, terminal: Terminal, exit: (code: number) => void): void {
  program
    .command('demo')
    .description('Train on built-in stories for two minutes, then fill in the blanks of new ones.')
    .option('--minutes <count>', 'minutes of training', number, 1.6)
    .option('--out <folder>', 'where the model is saved; a run there is replaced', 'runs/demo')
    .option('--adapter <name>', 'part of the name of the adapter to use, see cloze info')
    .option('--json', 'print one event a line, and nothing else; the last is the done event')
    .addHelpText(
      'after',
      `
Examples:
  $ cloze demo
  $ cloze demo --minutes 10 --out runs/longer`,
    )
    .action(async (flags: DemoFlags) => {
      const { runTraining } = await import('./run.ts');
      await checkFolder(flags.out, { force: true });
      if (!flags.json) say(terminal, 'Training a small BERT to fill in the blanks of short stories.\n');
      const done = await runTraining(
        {
          options: { ...options, minutes: flags.minutes },
          out: flags.out,
          adapter: flags.adapter,
          resume: false,
          tell: flags.json ? (event) => event.event !== 'done' && sayJson(terminal, event) : undefined,
        },
        terminal,
      );
      await fillPrompts(flags, terminal);
      if (flags.json) sayJson(terminal, done);
      else sayWhatNext(flags.out, terminal);
      if (done.reason === 'stopped') exit(130);
    });
}

/** Fills the blanks with the model as it was saved. */
async function fillPrompts({ out, adapter, json }: DemoFlags, terminal: Terminal): Promise<void> {
  const { storyPrompts } = await import('../mlm/data/stories.ts');
  const { fillMask } = await import('../mlm/fillMask.ts');
  const { withModel } = await import('./model.ts');
  await withModel({ model: out, adapter }, async (pretrained) => {
    let right = 0;
    for (const prompt of storyPrompts().slice(0, promptCount)) {
      const [predictions] = await fillMask(pretrained, prompt.text, { topK: 3 });
      if (predictions[0].token_str.toLowerCase() === prompt.answer.toLowerCase()) right++;
      if (json) sayJson(terminal, { event: 'fill', ...prompt, predictions });
      else tell(terminal, prompt, predictions);
    }
    if (!json)
      say(terminal, `\n${right} of ${promptCount} right, of stories that are not in the training text.`);
  });
}

function tell(terminal: Terminal, { text, answer }: StoryPrompt, predictions: FillMaskPrediction[]): void {
  say(terminal, `\n${text}`);
  for (const line of predictionLines(predictions, answer)) say(terminal, line);
}

function sayWhatNext(out: string, terminal: Terminal): void {
  say(terminal, `\nThe model is saved in ${out}. Try next:`);
  say(terminal, `  npx cloze fill-mask --model ${out} "${unseenStory}"`);
  say(terminal, '  npx cloze train --minutes 10               a longer run on the same stories');
  say(terminal, '  npx cloze train --data FILES --tokenizer char   a run on your own text');
  say(terminal, '  npx cloze --help');
}
