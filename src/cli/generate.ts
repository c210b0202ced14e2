/** `cloze generate`: text from a trained model. */
import { type Command, Option } from 'commander';
import type { GenerateOptions } from '../mlm/generate/text.ts';
import { sayJson } from './json.ts';
import { withModel } from './model.ts';
import { atLeast1, number, wholeNumber } from './options.ts';
import { say, type Terminal } from './terminal.ts';

interface GenerateFlags extends GenerateOptions {
  model: string;
  adapter?: string;
  json?: boolean;
}

export function addGenerate(program: Command, terminal: Terminal): void {
  program
    .command('generate')
    .description(
      'Write text, as the objective of the model has it: causal models continue a prompt, t5 and bart write the target for a\n' +
        'source, diffusion and other masked models fill in every [MASK] of a prompt, or write behind it.',
    )
    .argument('[prompt]', 'the beginning, the source, or a text with blanks', '')
    .requiredOption('--model <folder>', 'a model folder that train wrote')
    .option('--max-tokens <count>', 'most tokens to write (default: as many as the model reads)', atLeast1)
    .option('--count <count>', 'texts to write', atLeast1, 1)
    .option('--seed <number>', 'same seed, same adapter: same text', wholeNumber, 0)
    .optionsGroup('Drawing a token:')
    .option('--temperature <value>', 'logits are divided by it; 0 takes the likeliest', number, 1)
    .option('--top-k <count>', 'only the k likeliest', atLeast1)
    .option('--top-p <share>', 'only the likeliest that together have this probability', number)
    .optionsGroup('Unmasking:')
    .option('--steps <count>', 'passes through the model (default: one for each token)', atLeast1)
    .addOption(
      new Option('--sampler <name>', 'which tokens a step reveals').choices([
        'ancestral',
        'confidence',
        'random',
      ]),
    )
    .option('--block-length <count>', 'reveal so many from left to right before the next ones', atLeast1)
    .optionsGroup('Sequence to sequence:')
    .option('--beams <count>', 'beginnings that are followed up', atLeast1, 4)
    .option('--length-penalty <value>', 'rank by ln p over length to this power', number, 1)
    .optionsGroup('Options:')
    .option('--adapter <name>', 'part of the name of the adapter to use, see cloze info')
    .option('--json', 'print one JSON array')
    .addHelpText(
      'after',
      `
Examples:
  $ cloze generate --model runs/gpt "ROMEO:" --temperature 0.8 --top-k 20
  $ cloze generate --model runs/diffusion --max-tokens 100 --steps 50
  $ cloze generate --model runs/bart "[MASK] is the question." --beams 8`,
    )
    .action((prompt: string, flags: GenerateFlags) => generate(prompt, flags, terminal));
}

async function generate(prompt: string, flags: GenerateFlags, terminal: Terminal): Promise<void> {
  const { generateText } = await import('../mlm/generate/text.ts');
  await withModel(flags, async (pretrained) => {
    const texts = await generateText(pretrained, prompt, flags);
    if (flags.json) return sayJson(terminal, texts);
    for (const { text } of texts) say(terminal, text);
  });
}
