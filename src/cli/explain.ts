/** `cloze explain`: which tokens made a model answer as it does, and where its heads look. */
import { type Command, Option } from 'commander';
import { ClozeError } from '../gpu/errors.ts';
import type { AnyModel } from '../mlm/anyModel.ts';
import { writeFileAtomically } from '../mlm/data/files.node.ts';
import { type AttributionMethod, attributionMethods } from '../mlm/explain/attribution.ts';
import { bar, percent } from './format.ts';
import { sayJson } from './json.ts';
import { withAny } from './model.ts';
import { atLeast1 } from './options.ts';
import { say, type Terminal } from './terminal.ts';

interface ExplainFlags {
  model: string;
  target?: string;
  blank: number;
  method: AttributionMethod;
  steps: number;
  attention?: boolean;
  layer?: number;
  head?: number;
  out?: string;
  adapter?: string;
  json?: boolean;
}

export function addExplain(program: Command, terminal: Terminal): void {
  program
    .command('explain')
    .description(
      'Tell how much each token of a text did for the answer of a model, the token in a blank or the label of the text, in nats\n' +
        'of its log-probability; or with --attention, where the heads look.',
    )
    .argument('<text>', 'a text with [MASK], or for a fine-tuned model any')
    .requiredOption(
      '--model <folder>',
      'what train or finetune wrote, or a BERT of Hugging Face; or a zip of one',
    )
    .option('--target <answer>', "the answer to explain (default: the model's own)")
    .option('--blank <number>', 'of several blanks the one to explain', atLeast1, 1)
    .addOption(
      new Option('--method <name>', 'integrated gradients, or gradient times input')
        .choices(attributionMethods)
        .default('integrated'),
    )
    .option('--steps <count>', 'points on the way that gradients are integrated over', atLeast1, 64)
    .optionsGroup('Attention:')
    .option('--attention', 'maps of attention instead')
    .option('--layer <number>', 'of this layer alone, counted from 1', atLeast1)
    .option('--head <number>', 'of this head alone, counted from 1', atLeast1)
    .optionsGroup('Options:')
    .option('--out <file>', 'write a picture as SVG to this file')
    .option('--adapter <name>', 'part of the name of the adapter to use, see cloze info')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Examples:
  $ cloze explain --model runs/demo "Otto gave the rabbit a [MASK]."
  $ cloze explain --model runs/sst "a fine film" --target negative --out why.svg
  $ cloze explain --model runs/demo --attention --layer 2 --out heads.svg "Otto gave the rabbit a [MASK]."`,
    )
    .action((text: string, flags: ExplainFlags) =>
      withAny(flags, (model) =>
        flags.attention ? attention(model, text, flags, terminal) : attribution(model, text, flags, terminal),
      ),
    );
}

async function attribution(
  model: AnyModel,
  text: string,
  flags: ExplainFlags,
  terminal: Terminal,
): Promise<void> {
  const { attribute } = await import('../mlm/explain/attribution.ts');
  const { questionOf } = await import('../mlm/explain/question.ts');
  const { method, steps } = flags;
  const { batch, tokens, target } = await questionOf(model, text, flags);
  const { engine, trainee, tokenizer } = model;
  const found = await attribute(engine, trainee, batch, tokenizer, { method, steps });
  const scores = [...found.scores.subarray(0, tokens.length)];
  const { value, baseline } = found;
  if (flags.out !== undefined) {
    const { attributionSvg } = await import('../mlm/explain/pictures.ts');
    await writeFileAtomically(
      flags.out,
      attributionSvg(`${target}, ${percent(Math.exp(value))}`, tokens, scores),
    );
  }
  if (flags.json) {
    return sayJson(terminal, {
      target,
      method,
      probability: Math.exp(value),
      value,
      baseline,
      tokens,
      scores,
    });
  }
  say(
    terminal,
    `${target}: ${percent(Math.exp(value))}, and ${percent(Math.exp(baseline))} where every token is hidden\n`,
  );
  const width = Math.max(...tokens.map(({ length }) => length));
  const most = Math.max(...scores.map(Math.abs)) || 1;
  tokens.forEach((token, i) => {
    const sign = scores[i] < 0 ? '-' : '+';
    const shown = `${sign}${Math.abs(scores[i]).toFixed(3)}`.padStart(9);
    say(
      terminal,
      `  ${token.padEnd(width)}${shown}  ${sign} ${bar(Math.abs(scores[i]) / most, 30)}`.trimEnd(),
    );
  });
  if (method === 'integrated') {
    const sum = scores.reduce((total, score) => total + score, 0);
    say(
      terminal,
      `\nTogether ${sum.toFixed(3)} nats, of ${(value - baseline).toFixed(3)} that the text makes.`,
    );
  }
}

async function attention(
  model: AnyModel,
  text: string,
  flags: ExplainFlags,
  terminal: Terminal,
): Promise<void> {
  const { attentionMaps, mapOf } = await import('../mlm/explain/attentionMaps.ts');
  const maps = await attentionMaps(model, text);
  const { tokens } = maps;
  const chosen = (name: 'layer' | 'head', count: number): number[] => {
    const wanted = flags[name];
    if (wanted === undefined) return Array.from({ length: count }, (_, i) => i);
    if (wanted <= count) return [wanted - 1];
    throw new ClozeError('option', `--${name} is ${wanted}, and the model has ${count}`);
  };
  const panels = chosen('layer', maps.layers).flatMap((layer) =>
    chosen('head', maps.heads).map((head) => ({ layer, head, map: mapOf(maps, layer, head) })),
  );
  const nameOf = (layer: number, head: number) => `layer ${layer + 1}, head ${head + 1}`;
  if (flags.out !== undefined) {
    const { attentionSvg } = await import('../mlm/explain/pictures.ts');
    const named = panels.map(({ layer, head, map }) => ({ name: nameOf(layer, head), map }));
    await writeFileAtomically(flags.out, attentionSvg(`Attention of ${flags.model}`, tokens, named));
  }
  if (flags.json) {
    const rows = (map: Float32Array) =>
      tokens.map((_, t) => [...map.subarray(t * tokens.length, (t + 1) * tokens.length)]);
    const heads = panels.map(({ layer, head, map }) => ({
      layer: layer + 1,
      head: head + 1,
      attention: rows(map),
    }));
    return sayJson(terminal, { tokens, heads });
  }
  const width = Math.max(...tokens.map(({ length }) => length));
  for (const { layer, head, map } of panels) {
    say(terminal, `${nameOf(layer, head)}: where each token looks most`);
    tokens.forEach((token, t) => {
      const own = map.subarray(t * tokens.length, (t + 1) * tokens.length);
      const most = own.reduce((best, share, i) => (share > own[best] ? i : best), 0);
      say(terminal, `  ${token.padEnd(width)}  ${percent(own[most]).padStart(7)}  ${tokens[most]}`);
    });
  }
}
