/** `cloze embed`: texts as vectors, and how near they are to one another. */
import type { Command } from 'commander';
import { sayJson } from './json.ts';
import { withAny } from './model.ts';
import { atLeast1 } from './options.ts';
import { say, type Terminal } from './terminal.ts';
import { readTexts } from './texts.ts';

interface EmbedFlags {
  model: string;
  file?: string;
  cosine?: boolean;
  truncate?: boolean;
  batchSize: number;
  adapter?: string;
  json?: boolean;
}

export function addEmbed(program: Command, terminal: Terminal): void {
  program
    .command('embed')
    .description(
      "Turn texts into vectors: the mean of the model's last hidden states over the tokens of a text.",
    )
    .argument('[texts...]', 'texts to embed; - reads one a line from stdin')
    .requiredOption(
      '--model <folder>',
      'what train or finetune wrote, or a BERT of Hugging Face; or a zip of one',
    )
    .option('--file <file>', 'embed the lines of a file')
    .option('--cosine', 'tell the cosine of the angle between each two of them instead')
    .option('--truncate', 'cut a text off that is longer than the model reads, instead of refusing it')
    .option('--batch-size <count>', 'texts of a pass through the model', atLeast1, 32)
    .option('--adapter <name>', 'part of the name of the adapter to use, see cloze info')
    .option('--json', 'print one JSON object a text, with --cosine one for all')
    .addHelpText(
      'after',
      `
Examples:
  $ cloze embed --model runs/stories --cosine "Mia is happy." "Mia is glad." "It rained."
  $ cloze embed --model runs/stories --file sentences.txt --json > vectors.jsonl`,
    )
    .action((texts: string[], flags: EmbedFlags) => embedTexts(texts, flags, terminal));
}

async function embedTexts(given: string[], flags: EmbedFlags, terminal: Terminal): Promise<void> {
  const { cosine, embed } = await import('../mlm/embed.ts');
  const texts = await readTexts(given, flags.file, terminal);
  await withAny(flags, async (model) => {
    const embeddings = await embed(model, texts, flags);
    if (flags.cosine) {
      const table = embeddings.map((a) => embeddings.map((b) => cosine(a, b)));
      if (flags.json) sayJson(terminal, { texts, cosine: table });
      else for (const line of cosineLines(texts, table)) say(terminal, line);
      return;
    }
    embeddings.forEach((embedding, i) => {
      if (flags.json) sayJson(terminal, { text: texts[i], embedding: [...embedding] });
      else say(terminal, `${[...embedding].map((value) => value.toFixed(4)).join(' ')}   ${texts[i]}`);
    });
  });
}

/** A row for each text, numbered as the columns are. */
function cosineLines(texts: readonly string[], table: readonly (readonly number[])[]): string[] {
  const number = (i: number) => String(i + 1).padStart(4);
  return [
    `    ${texts.map((_, i) => number(i).padStart(8)).join('')}`,
    ...table.map((row, i) => {
      const cells = row.map((value) => value.toFixed(3).padStart(8)).join('');
      return `${number(i)}${cells}   ${texts[i]}`;
    }),
  ];
}
