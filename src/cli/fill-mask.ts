/** `cloze fill-mask`: what a trained model puts into the blanks of a text. */
import type { Command } from 'commander';
import type { FillMaskPrediction } from '../mlm/fillMask.ts';
import { sayJson } from './json.ts';
import { withModel } from './model.ts';
import { atLeast1 } from './options.ts';
import { predictionLines } from './report.ts';
import { say, type Terminal } from './terminal.ts';
import { readTexts } from './texts.ts';

interface FillMaskFlags {
  model: string;
  topK: number;
  adapter?: string;
  json?: boolean;
}

export function addFillMask(program: Command, terminal: Terminal): void {
  program
    .command('fill-mask')
    .description('Fill in the blanks of texts: write [MASK] for a blank.')
    .argument('<texts...>', 'texts with [MASK]; - reads one a line from stdin')
    .requiredOption(
      '--model <folder>',
      'a model folder: what train wrote, a BERT or ModernBERT of Hugging Face; a zip of one; or hf://owner/name',
    )
    .option('--top-k <count>', 'predictions per blank', atLeast1, 5)
    .option('--adapter <name>', 'part of the name of the adapter to use, see cloze info')
    .option('--json', "print what Hugging Face's fill-mask pipeline returns")
    .addHelpText(
      'after',
      `
Examples:
  $ cloze fill-mask --model runs/demo "Otto gave the rabbit a [MASK]."
  $ cloze fill-mask --model runs/demo --json --top-k 3 "Today is [MASK], so tomorrow is [MASK]."
  $ cat texts.txt | cloze fill-mask --model runs/demo -`,
    )
    .action((texts: string[], flags: FillMaskFlags) => fillMasks(texts, flags, terminal));
}

async function fillMasks(texts: string[], flags: FillMaskFlags, terminal: Terminal): Promise<void> {
  const all = await readTexts(texts, undefined, terminal);
  const { fillMask } = await import('../mlm/fillMask.ts');
  await withModel(flags, async (pretrained) => {
    const results: FillMaskPrediction[][][] = [];
    for (const text of all) {
      const blanks = await fillMask(pretrained, text, { topK: flags.topK });
      results.push(blanks);
      if (!flags.json) tell(terminal, text, blanks);
    }
    const shaped = results.map((blanks) => (blanks.length === 1 ? blanks[0] : blanks));
    if (flags.json) sayJson(terminal, shaped.length === 1 ? shaped[0] : shaped);
  });
}

function tell(terminal: Terminal, text: string, blanks: readonly FillMaskPrediction[][]): void {
  say(terminal, text);
  blanks.forEach((predictions, i) => {
    if (blanks.length > 1) say(terminal, `blank ${i + 1}`);
    for (const line of predictionLines(predictions)) say(terminal, line);
  });
  say(terminal);
}
