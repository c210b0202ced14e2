/** ONNX Runtime in Node: its WebGPU build, which is made for browsers, and its own for the CPU. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Competitor } from './competitor.ts';
import { dataOf, type OnnxRuntime, onnxruntimeCompetitor, onnxruntimeWeb, typeOf } from './onnxruntime.ts';
import type { Operand } from './operations.ts';

/** Where its WebGPU build lies as WebAssembly. Throws where the package is missing. */
export function onnxWasm(): string {
  return createRequire(import.meta.url).resolve('onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm');
}

export async function onnxruntimeWebInNode(): Promise<Competitor> {
  const { buffer, byteOffset, byteLength } = readFileSync(onnxWasm());
  acceptSharedMemory(await (await navigator.gpu.requestAdapter())!.requestDevice());
  return onnxruntimeWeb(buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer);
}

/** Not among the packages of this repository: on Linux it downloads CUDA when it is installed, whoever needs that. */
const cpuPackage = 'onnxruntime-node';

/** On the CPU, as context. Throws where its package is not installed. */
export async function onnxruntimeCpu(): Promise<Competitor> {
  return onProcessor('onnxruntime cpu', await import(cpuPackage), 'cpu');
}

/** On WebAssembly, as context. */
export async function onnxruntimeWasm(): Promise<Competitor> {
  const runtime = await import('onnxruntime-web');
  runtime.env.wasm.numThreads = 1; // With more, its threads keep the process from ending.
  return onProcessor('onnxruntime wasm', runtime, 'wasm');
}

function onProcessor(name: string, runtime: OnnxRuntime, provider: 'cpu' | 'wasm'): Competitor {
  const tensor = (operand: Operand) =>
    new runtime.Tensor(typeOf(operand), dataOf(operand) as Float32Array, operand.shape);
  return onnxruntimeCompetitor({
    name,
    runtime,
    options: { executionProviders: [provider] },
    place: async (operands) =>
      Object.fromEntries(Object.entries(operands).map(([key, operand]) => [key, tensor(operand)])),
    settled: async () => {},
  });
}

/**
 * It writes buffers from memory that threads share, as browsers allow and Dawn's binding for Node does not: there such bytes are copied
 * first.
 */
function acceptSharedMemory(device: GPUDevice): void {
  const prototype = Object.getPrototypeOf(device.queue) as GPUQueue;
  const { writeBuffer } = prototype;
  prototype.writeBuffer = function (buffer, offset, data, ...range) {
    const shared = ArrayBuffer.isView(data) && !(data.buffer instanceof ArrayBuffer);
    const plain = shared ? new Uint8Array(data as Uint8Array) : data;
    writeBuffer.call(this, buffer, offset, plain as GPUAllowSharedBufferSource, ...range);
  };
  device.destroy();
}
