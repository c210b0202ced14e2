/**
 * ONNX Runtime on WebGPU, with operands that lie on the GPU. It has no gradients, so `+backward` and `adamw` are not for it. A session takes
 * one call after the other.
 */
import type { InferenceSession, Tensor, TensorConstructor } from 'onnxruntime-common';
import type { Competitor } from './competitor.ts';
import { onnxModel } from './onnxModels.ts';
import type { Operand, Operands } from './operations.ts';

/** What one of its packages gives. */
export interface OnnxRuntime {
  InferenceSession: {
    create(model: Uint8Array, options: InferenceSession.SessionOptions): Promise<InferenceSession>;
  };
  Tensor: TensorConstructor;
}

export interface Provider {
  name: string;
  runtime: OnnxRuntime;
  options: InferenceSession.SessionOptions;
  /** Operands where the provider computes; asked once a session is there. */
  place(operands: Operands): Promise<Record<string, Tensor>>;
  /** Resolves when what was submitted has been done. */
  settled(): Promise<void>;
}

/** `wasm`: the bytes of its `ort-wasm-simd-threaded.asyncify.wasm`. WebGPU is where a browser has it, at `navigator.gpu`. */
export async function onnxruntimeWeb(wasm: ArrayBuffer): Promise<Competitor> {
  const runtime = await import('onnxruntime-web/webgpu');
  runtime.env.wasm.numThreads = 1;
  runtime.env.wasm.wasmBinary = wasm;
  return onnxruntimeCompetitor({
    name: 'onnxruntime-web',
    runtime,
    options: { executionProviders: ['webgpu'], preferredOutputLocation: 'gpu-buffer' },
    place: async (operands) => {
      const device = await runtime.env.webgpu.device;
      const tensors = Object.entries(operands).map(([key, operand]) => {
        const gpuBuffer = upload(device, dataOf(operand));
        const dataType = typeOf(operand);
        return [key, runtime.Tensor.fromGpuBuffer(gpuBuffer, { dataType, dims: operand.shape })] as const;
      });
      return Object.fromEntries(tensors);
    },
    settled: async () => {
      await (await runtime.env.webgpu.device).queue.onSubmittedWorkDone();
    },
  });
}

export function onnxruntimeCompetitor({ name, runtime, options, place, settled }: Provider): Competitor {
  let last: Promise<unknown> = Promise.resolve();
  return {
    name,
    prepare: async (operation, operands) => {
      const session = await runtime.InferenceSession.create(onnxModel(operation, operands), options);
      const feeds = await place(operands);
      return {
        results: async () => {
          const { result } = await session.run(feeds);
          return [(await result.getData(true)) as Float32Array];
        },
        call: () => {
          last = last.then(() => session.run(feeds)).then(({ result }) => result.dispose());
        },
        dispose: () => {
          for (const tensor of Object.values(feeds)) tensor.dispose();
          void session.release();
        },
      };
    },
    finish: async () => {
      await last;
      await settled();
    },
    close: () => {},
  };
}

/** ONNX counts rows with 64 bits. */
export const dataOf = ({ data }: Operand) =>
  data instanceof Float32Array ? data : BigInt64Array.from(data, BigInt);

export const typeOf = ({ data }: Operand) => (data instanceof Float32Array ? 'float32' : 'int64');

/** It wants buffers of whole vec4s. */
function upload(device: GPUDevice, data: Float32Array<ArrayBuffer> | BigInt64Array<ArrayBuffer>): GPUBuffer {
  const usage = 0x80 | 0x04 | 0x08; // STORAGE | COPY_SRC | COPY_DST
  const buffer = device.createBuffer({ size: Math.ceil(data.byteLength / 16) * 16, usage });
  device.queue.writeBuffer(buffer, 0, data);
  return buffer;
}
