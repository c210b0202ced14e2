/** `cloze bench`: how fast the kernels are on this machine, and a trial for a kernel of one's own. */
import { type Command, Option } from 'commander';
import type { TryEvent } from '../../bench/trial.ts';
import { ClozeError } from '../gpu/errors.ts';
import { benchKernels, type KernelFlags, listed } from './bench-kernels.ts';
import { benchMemory, type MemoryFlags } from './bench-memory.ts';
import { benchRoofline, type RooflineFlags } from './bench-roofline.ts';
import { benchServe, type ServeFlags } from './bench-serve.ts';
import { benchStep, type StepFlags } from './bench-step.ts';
import { addBenchTasks } from './bench-tasks.ts';
import { sayJson } from './json.ts';
import { atLeast1, number, numbers } from './options.ts';
import { say, type Terminal } from './terminal.ts';

type OverheadFlags = Pick<KernelFlags, 'adapter' | 'quick' | 'json'>;

type CompileFlags = Pick<KernelFlags, 'filter' | 'variants' | 'adapter' | 'json'>;

interface StartFlags {
  model: string;
  adapter?: string;
  json?: boolean;
}

interface TryFlags {
  as: string;
  shapes?: string;
  adapter?: string;
  timeout: number;
  json?: boolean;
}

export function addBench(program: Command, terminal: Terminal, exit: (code: number) => void): void {
  const bench = program
    .command('bench')
    .description('Measure kernels on this machine, or try one of your own.')
    .helpCommand(false)
    .allowExcessArguments()
    .action(() => {
      const [unknown] = bench.args;
      if (unknown === undefined) return bench.outputHelp();
      const known = bench.commands.map((command) => command.name()).join(', ');
      throw new ClozeError('option', `there is no cloze bench ${unknown}`, `Known: ${known}`);
    });

  bench
    .command('kernels')
    .description('Time each kernel at the shapes that matter, against the most that this adapter can do.')
    .option('--filter <name>', 'only kernels whose name contains this')
    .option('--shapes <shapes>', 'only these shapes, or others of your own: 512x512x512,1000x768x768')
    .addOption(
      new Option('--variants <which>', 'all that the adapter can run, or the one it uses')
        .choices(['all', 'chosen'])
        .default('chosen'),
    )
    .addOption(
      new Option('--dtype <type>', 'how the floats are stored that may be stored as f16')
        .choices(['f32', 'f16'])
        .default('f32'),
    )
    .option('--adapter <name>', 'part of the name of the adapter to use, see cloze info')
    .option('--quick', 'fewer samples')
    .option('--cold', 'compile without the cache that Mesa keeps on disk')
    .option('--save <file>', 'write the report as JSON to this file')
    .option('--compare <file>', 'tell what became faster or slower than in this saved report')
    .option('--markdown [file]', 'print a table in Markdown, or put it into this file, between its marks')
    .option('--peers', 'time operations, and those of other libraries on the same adapter in turns with ours')
    .option(
      '--context',
      'time WebAssembly engines and PyTorch on the CPU too (CLOZE_PYTHON names its Python)',
    )
    .option('--patient', "let peers wait for the GPU as we do: Node's own way takes a core away meanwhile")
    .option('--browser', "operations, and other libraries', in the tests' Chromium instead")
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Examples:
  $ cloze bench kernels --filter matmul --variants all
  $ cloze bench kernels --dtype f16
  $ cloze bench kernels --save before.json
  $ cloze bench kernels --compare before.json
  $ cloze bench kernels --peers --filter matmul

A star marks the variant that the kernel uses here by itself. Milliseconds are medians of one call.`,
    )
    .action((flags: KernelFlags) => benchKernels(flags, terminal));

  bench
    .command('roofline')
    .description('Plot what each kernel reaches under the most that this adapter can do.')
    .option('--filter <name>', 'only kernels whose name contains this')
    .option('--from <file>', 'measure nothing: take what bench kernels --save wrote')
    .option('--out <file>', 'write the plot as SVG to this file')
    .option('--adapter <name>', 'part of the name of the adapter to use, see cloze info')
    .option('--quick', 'fewer samples')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Examples:
  $ cloze bench roofline --out roofline.svg
  $ cloze bench roofline --from report.json`,
    )
    .action((flags: RooflineFlags) => benchRoofline(flags, terminal));

  bench
    .command('compile')
    .description("Time how long pipelines take to be ready, without the driver's cache on disk and with it.")
    .option('--filter <name>', 'only kernels whose name contains this')
    .addOption(
      new Option('--variants <which>', 'all that the adapter can run, or the one it uses')
        .choices(['all', 'chosen'])
        .default('chosen'),
    )
    .option('--adapter <name>', 'part of the name of the adapter to use, see cloze info')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Examples:
  $ cloze bench compile
  $ cloze bench compile --filter matmul --variants all

Milliseconds until the pipeline is there + those that its first call takes longer than the second.`,
    )
    .action((flags: CompileFlags) => compile(flags, terminal));

  bench
    .command('overhead')
    .description('Time an operation on next to no numbers: as a tensor, as a kernel, as bare WebGPU calls.')
    .option('--adapter <name>', 'part of the name of the adapter to use, see cloze info')
    .option('--quick', 'fewer samples')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExamples:\n  $ cloze bench overhead --json')
    .action((flags: OverheadFlags) => overhead(flags, terminal));

  bench
    .command('start')
    .description("Time a process from its start to its first loss, without and with the driver's cache.")
    .option('--model <name>', 'a preset: nano, tiny, micro, mini, small, ...', 'tiny')
    .option('--adapter <name>', 'part of the name of the adapter to use, see cloze info')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExamples:\n  $ cloze bench start\n  $ cloze bench start --model mini')
    .action((flags: StartFlags) => start(flags, terminal));

  bench
    .command('step')
    .description('Time a training step of a masked language model, and what it spends its time on.')
    .option('--model <name>', 'a preset: nano, tiny, micro, mini, small, ... (default: tiny, then mini)')
    .option('--seq-len <numbers>', 'tokens in a row, or several: 64,128,512', numbers, [128])
    .option('--batch-size <n>', 'rows in a batch', number, 8)
    .option('--vocab <numbers>', 'words of the vocabulary, or several', numbers, [4096])
    .option('--mask-rate <share>', 'share of the tokens that are predicted; 1 for all', number, 0.15)
    .addOption(
      new Option('--dtype <type>', 'how activations are stored')
        .choices(['f32', 'f16', 'both'])
        .default('f32'),
    )
    .option('--packing', 'also steps over the built-in stories, padded and packed, in turns')
    .option('--peers', 'train the same model in other libraries, in turns with ours')
    .option('--context', 'train it in WebAssembly engines and in PyTorch on the CPU too')
    .option('--patient', 'let peers wait for the GPU as we do')
    .option('--browser', "measure in the tests' Chromium instead")
    .option('--adapter <name>', 'part of the name of the adapter to use, see cloze info')
    .option('--quick', 'fewer samples')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Examples:
  $ cloze bench step --model tiny --seq-len 64
  $ cloze bench step --dtype both
  $ cloze bench step --model tiny --seq-len 64,256,1024 --packing
  $ cloze bench step --model tiny --peers`,
    )
    .action((flags: StepFlags) => benchStep(flags, terminal));

  bench
    .command('memory')
    .description('Tell how much memory the activations of a step take as rows grow, kept and recomputed.')
    .option('--model <name>', 'a preset: nano, tiny, micro, mini, small, ...', 'tiny')
    .option('--seq-len <numbers>', 'tokens in a row, several', numbers, [128, 256, 512, 1024, 2048])
    .option('--batch-size <n>', 'rows in a batch', number, 2)
    .option('--vocab <n>', 'words of the vocabulary', number, 4096)
    .option('--out <file>', 'write a plot as SVG to this file')
    .option('--adapter <name>', 'part of the name of the adapter to use, see cloze info')
    .option('--quick', 'fewer samples')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExamples:\n  $ cloze bench memory --model tiny --out memory.svg')
    .action((flags: MemoryFlags) => benchMemory(flags, terminal));

  addBenchTasks(bench, terminal);

  bench
    .command('serve')
    .description('Ask a server from many clients at once, with batches and without.')
    .option('--model <name>', 'a preset: nano, tiny, micro, mini, small, ...', 'tiny')
    .option('--vocab <n>', 'words of the vocabulary', atLeast1, 2048)
    .option('--clients <count>', 'clients at once', atLeast1, 64)
    .option('--requests <count>', 'requests of a measurement', atLeast1, 512)
    .option('--max-batch <texts>', 'most texts of a pass through the model', atLeast1, 32)
    .option('--adapter <name>', 'part of the name of the adapter to use, see cloze info')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nExamples:\n  $ cloze bench serve\n  $ cloze bench serve --model mini --clients 16',
    )
    .action((flags: ServeFlags) => benchServe(flags, terminal));

  bench
    .command('try')
    .description('Check a kernel of your own where kernels break, and rank it among ours.')
    .argument('<file>', 'TypeScript or JavaScript that exports a variant, see docs/kernel-lab.md')
    .requiredOption('--as <kernel>', 'the kernel that it computes: matmul, softmax, layerNorm, ...')
    .option('--shapes <shapes>', 'time it at these shapes: 512x512x512,1000x768x768')
    .option('--timeout <seconds>', 'how long a step may take', number, 20)
    .option('--adapter <name>', 'part of the name of the adapter to use, see cloze info')
    .option('--json', 'print one event a line')
    .addHelpText(
      'after',
      `
Examples:
  $ cloze bench try my-kernel.ts --as matmul
  $ cloze bench try my-kernel.ts --as matmul --shapes 512x512x512`,
    )
    .action((file: string, flags: TryFlags) => tryFile(file, flags, terminal, exit));
}

async function compile({ filter, variants, adapter, json }: CompileFlags, terminal: Terminal): Promise<void> {
  const { benchKernels, selectCases } = await import('../../bench/shapes.ts');
  const { compareCompile, compileText } = await import('../../bench/compile.node.ts');
  const kernels = new Set(selectCases({ filter }, benchKernels).map(({ kernel }) => kernel.name));
  const report = await compareCompile({ kernels: [...kernels], variants, adapter });
  if (json) sayJson(terminal, report);
  else say(terminal, compileText(report).join('\n'));
}

async function start({ model, adapter, json }: StartFlags, terminal: Terminal): Promise<void> {
  const { measureStart, startText } = await import('../../bench/start.node.ts');
  const { presetConfig } = await import('../mlm/index.ts');
  presetConfig(model);
  const report = await measureStart({ model, seqLen: 128, batch: 8, vocab: 4096, maskRate: 0.15, adapter });
  if (json) sayJson(terminal, report);
  else say(terminal, startText(report).join('\n'));
}

async function overhead(flags: OverheadFlags, terminal: Terminal): Promise<void> {
  const { measureOverhead, overheadText } = await import('../../bench/overhead.ts');
  const { benchmarkSampling } = await import('../../bench/stopwatch.node.ts');
  const { Device } = await import('../gpu/index.ts');
  using device = await Device.open({ adapter: flags.adapter });
  const report = await measureOverhead(device, await benchmarkSampling(flags.quick));
  if (flags.json) sayJson(terminal, report);
  else say(terminal, overheadText(report).join('\n'));
}

async function tryFile(
  file: string,
  flags: TryFlags,
  terminal: Terminal,
  exit: (code: number) => void,
): Promise<void> {
  const { tryVariant } = await import('../../bench/try.node.ts');
  const { trialReport } = await import('../../bench/trialReport.ts');
  const report = trialReport((line) => say(terminal, line));
  let wrong = false;
  await tryVariant(
    { ...flags, path: file, kernel: flags.as, shapes: listed(flags.shapes) },
    (event: TryEvent) => {
      wrong ||= event.event === 'hung' || event.event === 'faults';
      wrong ||= event.event === 'checked' && event.mismatches.length > 0;
      if (flags.json) sayJson(terminal, event);
      else report(event);
    },
  );
  if (wrong) exit(1);
}
