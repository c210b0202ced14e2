/** `cloze export`: a model as an ONNX file, for runtimes and serving engines. */
import type { Command } from 'commander';
import { ClozeError } from '../gpu/errors.ts';
import { count, quoted } from './format.ts';
import { sayJson } from './json.ts';
import { modelReader } from './model.ts';
import { say, type Terminal } from './terminal.ts';

interface ExportFlags {
  model: string;
  out: string;
  json?: boolean;
}

export function addExport(program: Command, terminal: Terminal): void {
  program
    .command('export')
    .description(
      'Write a model as an ONNX file: fill-mask, classification of texts or of tokens, or question answering.\n' +
        'Batch and length are free. The tokenizer stays in the folder of the model.',
    )
    .requiredOption('--model <folder>', 'a model folder, a zip of one, or hf://owner/name')
    .requiredOption('--out <file>', 'the .onnx file to write')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Examples:
  $ cloze export --model runs/stories --out stories.onnx
  $ cloze export --model runs/trec --out trec.onnx`,
    )
    .action((flags: ExportFlags) => exportModel(flags, terminal));
}

async function exportModel({ model, out, json }: ExportFlags, terminal: Terminal): Promise<void> {
  if (!/\.onnx$/i.test(out))
    throw new ClozeError('option', `--out is ${out}`, 'Name a file that ends in .onnx');
  const { exportOnnx } = await import('../mlm/interchange/onnx/export.ts');
  const { writeFileAtomically } = await import('../mlm/data/files.node.ts');
  const { bytes, task, opset, inputs, outputs } = await exportOnnx(await modelReader(model), model);
  await writeFileAtomically(out, bytes);
  if (json) {
    sayJson(terminal, { file: out, bytes: bytes.byteLength, task, opset, inputs, outputs });
    return;
  }
  say(terminal, `${quoted(out)}: ${task}, ONNX opset ${opset}, ${count(bytes.byteLength)} bytes`);
  for (const [title, ports] of [
    ['in', inputs],
    ['out', outputs],
  ] as const) {
    for (const { name, type, shape } of ports) {
      say(terminal, `  ${title.padEnd(4)}${name.padEnd(16)}${type.padEnd(6)} [${shape.join(', ')}]`);
    }
  }
}
