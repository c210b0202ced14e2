/** ONNX Runtime in Node: its WebGPU build, which is made for browsers, and its own for the CPU. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Competitor } from './competitor.ts';
import { dataOf, onnxruntimeCompetitor, onnxruntimeWeb, typeOf } from './onnxruntime.ts';

/** Where its WebGPU build lies as WebAssembly. Throws where the package is missing. */
export function onnxWasm(): string {
  return createRequire(import.meta.url).resolve('onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm');
}

export async function onnxruntimeWebInNode(): Promise<Competitor> {
  const { buffer, byteOffset, byteLength } = readFileSync(onnxWasm());
  acceptSharedMemory(await (await navigator.gpu.requestAdapter())!.requestDevice());
  return onnxruntimeWeb(buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer);
}

/** On the CPU, as context. */
export async function onnxruntimeCpu(): Promise<Competitor> {
  const runtime = await import('onnxruntime-node');
  return onnxruntimeCompetitor({
    name: 'onnxruntime cpu',
    runtime,
    options: { executionProviders: ['cpu'] },
    place: async (operands) =>
      Object.fromEntries(
        Object.entries(operands).map(([key, operand]) => [
          key,
          new runtime.Tensor(typeOf(operand), dataOf(operand) as Float32Array, operand.shape),
        ]),
      ),
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
