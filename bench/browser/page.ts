/** What runs in the browser: the same measurements, asked for and told through two functions of the page. */
import { Device } from '../../src/gpu/index.ts';
import { measureCeiling } from '../kernels.ts';
import { measurePeers, peers } from '../peers/index.ts';
import { onnxruntimeWeb } from '../peers/onnxruntime.ts';
import { operations } from '../peers/operations.ts';
import { trainings } from '../peers/trainings.ts';
import type { KernelReport } from '../report.ts';
import type { Sampling } from '../sampling.ts';
import { selectCases } from '../shapes.ts';
import { measureStep, type StepRow, type StepSizes } from '../step.ts';

/** Which measurement, and what of. */
export type PageRequest =
  | { bench: 'operations'; sampling: Sampling; filter?: string; shapes?: readonly string[] }
  | { bench: 'step'; sampling: Sampling; sizes: StepSizes; peers: boolean };

/** What the page tells meanwhile. */
export type PageEvent =
  | { event: 'start'; start: Parameters<NonNullable<Parameters<typeof measurePeers>[1]['onStart']>>[0] }
  | { event: 'rows'; rows: KernelReport['rows'] };

/** The last word: what was measured, or why it was not. */
export type PageAnswer = { report: KernelReport } | { row: StepRow; adapter: string } | { error: string };

declare global {
  /** Given to the page by whoever opened it. */
  var tell: (event: PageEvent) => Promise<void>;
  var measure: (request: PageRequest) => Promise<PageAnswer>;
}

globalThis.measure = (request) =>
  serve(request).catch((error: Error) => ({ error: error.message.split('\n')[0] }));

async function serve(request: PageRequest): Promise<PageAnswer> {
  const device = await Device.open();
  const { sampling } = request;
  if (request.bench === 'step') {
    const { gflops: ceiling } = await measureCeiling(device, sampling);
    const peers = request.peers ? trainings(false) : {};
    const row = await measureStep(device, request.sizes, { sampling, ceiling, peers });
    return { row, adapter: device.capabilities.name };
  }
  const { filter, shapes } = request;
  const report = await measurePeers(device, {
    cases: selectCases({ filter, shapes }, operations),
    peers: { ...peers, 'onnxruntime-web': async () => onnxruntimeWeb(await onnxWasm()) },
    sampling,
    onStart: (start) => void globalThis.tell({ event: 'start', start }),
    onRows: (rows) => void globalThis.tell({ event: 'rows', rows: [...rows] }),
  });
  return { report };
}

async function onnxWasm(): Promise<ArrayBuffer> {
  return (await fetch('/onnxruntime.wasm')).arrayBuffer();
}
