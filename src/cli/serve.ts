/** `cloze serve`: a model behind HTTP, for as long as the process lives. */
import type { Command } from 'commander';
import { ClozeError } from '../gpu/errors.ts';
import type { AnyModel } from '../mlm/anyModel.ts';
import type { Route } from '../serve/routes.ts';
import { sayJson } from './json.ts';
import { withAny } from './model.ts';
import { atLeast1, number, wholeNumber } from './options.ts';
import { say, type Terminal } from './terminal.ts';

interface ServeFlags {
  model: string;
  host: string;
  port: number;
  maxBatch: number;
  maxWaiting: number;
  maxBody: number;
  timeout: number;
  sending: number;
  adapter?: string;
  json?: boolean;
}

export function addServe(program: Command, terminal: Terminal): void {
  program
    .command('serve')
    .description(
      'Answer HTTP requests with a model: POST /v1/fill-mask, /v1/classify and /v1/embed, as far as it can, and GET /health\n' +
        'and /metrics. Texts that arrive while the GPU works share its next pass.',
    )
    .requiredOption(
      '--model <folder>',
      'what train or finetune wrote, or a BERT of Hugging Face; or a zip of one',
    )
    .option('--host <address>', 'where to listen; others than loopback let everyone in', '127.0.0.1')
    .option('--port <number>', '0 takes one that is free', wholeNumber, 8080)
    .option('--max-batch <texts>', 'most texts of a pass through the model', atLeast1, 32)
    .option('--max-waiting <texts>', 'most texts that wait; others are turned away with 503', atLeast1, 256)
    .option('--max-body <bytes>', 'most bytes of a request; a larger one gets 413', atLeast1, 1 << 20)
    .option('--timeout <seconds>', 'in which a request is answered, or gets 503', number, 30)
    .option('--sending <seconds>', 'in which a client must have sent its request, or gets 408', number, 10)
    .option('--adapter <name>', 'part of the name of the adapter to use, see cloze info')
    .option('--json', 'print events as JSON, one a line')
    .addHelpText(
      'after',
      `
Examples:
  $ cloze serve --model runs/stories
  $ cloze serve --model runs/trec --port 9000 --max-batch 64
  $ curl localhost:8080/v1/fill-mask --json '{"texts": ["Otto gave the rabbit a [MASK]."], "top_k": 3}'

SIGTERM or Ctrl-C: no new requests, answers to those that are there, and the end. A second one ends it at once.`,
    )
    .action((flags: ServeFlags) => serve(flags, terminal));
}

async function serve(flags: ServeFlags, terminal: Terminal): Promise<void> {
  for (const name of ['timeout', 'sending'] as const) {
    if (flags[name] > 0) continue;
    throw new ClozeError('option', `--${name} is ${flags[name]}`, 'Give seconds, more than 0');
  }
  const { openServer } = await import('../serve/server.node.ts');
  await withAny(flags, async (model) => {
    const routes = await routesOf(model);
    for (const route of routes) await route.warmUp();
    const ending = waitForEnd(terminal);
    const server = await openServer({ ...flags, routes, onFault: ending.onFault });
    const paths = routes.map(({ name }) => `/v1/${name}`);
    if (flags.json) sayJson(terminal, { event: 'listening', url: server.url, paths });
    else say(terminal, `${flags.model} answers at ${server.url}: ${paths.join(', ')}, /health, /metrics`);
    const fault = await ending.reached;
    if (flags.json) sayJson(terminal, { event: 'stopping' });
    else say(terminal, 'Stopping: no new requests; those that are there are answered.');
    await server.stop();
    if (fault) throw fault;
  });
}

async function routesOf({ language, task, ...embedder }: AnyModel): Promise<Route[]> {
  const { embedRoute, fillMaskRoute, taskRoute } = await import('../serve/routes.ts');
  const { wayOfWriting } = await import('../mlm/generate/way.ts');
  const fills = language && wayOfWriting(language.config.objective) === 'unmask';
  return [
    ...(fills ? [fillMaskRoute(language)] : []),
    ...(task ? [taskRoute(embedder.engine, task)] : []),
    embedRoute(embedder),
  ];
}

/** Resolves at the first signal that ends the process, or with the fault that leaves no GPU to work with. */
function waitForEnd({ stderr }: Terminal) {
  let end: (fault?: unknown) => void = () => {};
  const reached = new Promise<unknown>((resolve) => {
    end = resolve;
  });
  const stop = () => end();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  return {
    reached: reached.finally(() => process.off('SIGINT', stop).off('SIGTERM', stop)),
    onFault(error: unknown) {
      if (error instanceof ClozeError && error.code === 'device-lost') end(error);
      else stderr.write(`cloze serve: ${error instanceof Error ? error.message : error}\n`);
    },
  };
}
