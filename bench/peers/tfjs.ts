/** TensorFlow.js on its WebGPU backend. What it has no operation for is composed of those it has. */
import type * as TF from '@tensorflow/tfjs';
import type { Tensor } from '@tensorflow/tfjs';
import { type Competitor, entryOf, type OperationTable, upload, watchFaults } from './competitor.ts';
import { adamwStep, layerNormEps } from './operations.ts';

/** What of the WebGPU backend is needed to wait: it has no public call for that. */
interface Backend {
  device: GPUDevice;
  queue: GPUQueue;
  submitQueue(): void;
  ensureCommandEncoderReady(): void;
  endComputePassEncoder(): void;
}

export type TfjsBackend = 'webgpu' | 'wasm';

export interface TfjsLibrary {
  tf: typeof TF;
  /** Resolves when all that was recorded has been done. */
  finish(): Promise<void>;
}

/** Loads the library and its backend; WebGPU is where a browser has it, at `navigator.gpu`. */
export async function loadTfjs(name: TfjsBackend): Promise<TfjsLibrary> {
  const tf = await import('@tensorflow/tfjs');
  tf.enableProdMode();
  if (name === 'webgpu') await import('@tensorflow/tfjs-backend-webgpu');
  else await import('@tensorflow/tfjs-backend-wasm');
  if (!(await tf.setBackend(name))) throw new Error(`its ${name} backend does not start`);
  // WebAssembly computes at the call.
  if (name === 'wasm') return { tf, finish: async () => {} };
  const backend = tf.backend() as unknown as Backend;
  const throwFaults = watchFaults(backend.device);
  return {
    tf,
    finish: async () => {
      backend.endComputePassEncoder();
      backend.ensureCommandEncoderReady();
      backend.submitQueue();
      await backend.queue.onSubmittedWorkDone();
      throwFaults();
    },
  };
}

/** 0.5 x (1 + erf(x / √2)) */
export function gelu(tf: typeof TF, x: Tensor): Tensor {
  return tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1));
}

export function layerNorm(tf: typeof TF, x: Tensor, weight: Tensor, bias: Tensor, eps: number): Tensor {
  const { mean, variance } = tf.moments(x, -1, true);
  return tf.add(tf.mul(tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, eps))), weight), bias);
}

function tableOf(tf: typeof TF): OperationTable<Tensor, Tensor[]> {
  const product = ({ a, b }: Record<string, Tensor>) => {
    return () => [tf.matMul(a, b)];
  };
  return {
    matmul: product,
    matmulBatched: product,
    softmax:
      ({ x }) =>
      () => [tf.softmax(x)],
    layerNorm:
      ({ x, weight, bias }) =>
      () => [layerNorm(tf, x, weight, bias, layerNormEps)],
    'layerNorm+backward': ({ x, weight, bias, dy }) => {
      const gradients = tf.grads((x, weight, bias) => layerNorm(tf, x, weight, bias, layerNormEps));
      return () => gradients([x, weight, bias], dy);
    },
    gelu:
      ({ x }) =>
      () => [gelu(tf, x)],
    attention: ({ q, k, v }) => {
      const scale = 1 / Math.sqrt(q.shape[3]!);
      return () => [tf.matMul(tf.softmax(tf.mul(tf.matMul(q, k, false, true), scale)), v)];
    },
    embedding:
      ({ table, ids }) =>
      () => [tf.gather(table, ids as TF.Tensor1D)],
    crossEntropy: ({ logits, labels }) => {
      const rows = tf.range(0, logits.shape[0], 1, 'int32');
      return () => {
        const chosen = tf.gatherND(logits, tf.stack([rows, labels], 1));
        return [tf.mean(tf.sub(tf.logSumExp(logits, 1), chosen))];
      };
    },
    'crossEntropy+backward': ({ logits, labels }) => {
      // gatherND has no gradient, hence the one-hot labels.
      const valueAndGradient = tf.valueAndGrad((x) =>
        tf.losses.softmaxCrossEntropy(tf.oneHot(labels as TF.Tensor1D, logits.shape[1]!), x),
      );
      return () => {
        const { value, grad } = valueAndGradient(logits);
        return [value, grad];
      };
    },
    adamw: ({ value, gradient }) => {
      const { lr, beta1, beta2, eps, weightDecay } = adamwStep;
      const variable = tf.variable(value);
      const adam = tf.train.adam(lr, beta1, beta2, eps);
      return () => {
        variable.assign(tf.mul(variable, 1 - lr * weightDecay)); // its Adam has no decay of its own
        adam.applyGradients([{ name: variable.name, tensor: gradient }]);
        return [tf.clone(variable)];
      };
    },
  };
}

export async function tfjsCompetitor(backend: TfjsBackend): Promise<Competitor> {
  const { tf, finish } = await loadTfjs(backend);
  const table = tableOf(tf);
  return {
    name: backend === 'webgpu' ? 'tfjs' : `tfjs ${backend}`,
    prepare: async (operation, operands) => {
      await tf.setBackend(backend);
      const tensors = upload(operands, ({ data, shape }) =>
        tf.tensor(data, [...shape], data instanceof Int32Array ? 'int32' : 'float32'),
      );
      const call = entryOf(table, operation)(tensors);
      return {
        results: async () => {
          const results = tf.tidy(call);
          const values = await Promise.all(results.map((tensor) => tensor.data()));
          await finish();
          tf.dispose(results);
          return values as Float32Array[];
        },
        call: () => {
          tf.setBackend(backend); // Takes effect at once, since it was initialised; the library has one for all.
          tf.dispose(tf.tidy(call));
        },
        dispose: () => {
          tf.dispose(tensors);
          tf.disposeVariables();
        },
      };
    },
    finish,
    close: () => tf.removeBackend(backend),
  };
}
