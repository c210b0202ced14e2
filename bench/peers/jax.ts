/** jax-js on WebGPU, compiled by its `jit`. Functions use up their arguments there: `ref` keeps one for later. */
import type * as JAX from '@jax-js/jax';
import type { numpy } from '@jax-js/jax';
import { type Competitor, entryOf, type OperationTable, upload, watchFaults } from './competitor.ts';
import { adamwStep, layerNormEps } from './operations.ts';

type Jax = typeof JAX;
type NDArray = numpy.Array;

export type JaxBackend = 'webgpu' | 'wasm';

/** Loads the library and its backend; WebGPU is where a browser has it, at `navigator.gpu`. */
export async function loadJax(backend: JaxBackend): Promise<Jax> {
  const jax = await import('@jax-js/jax');
  const devices = await jax.init(backend);
  if (!devices.includes(backend)) throw new Error(`its ${backend} backend does not start`);
  jax.defaultDevice(backend);
  return jax;
}

/** 0.5 x (1 + erf(x / √2)) */
export function gelu({ numpy: np, scipySpecial }: Jax, x: NDArray): NDArray {
  return np.multiply(x.ref.mul(0.5), scipySpecial.erf(x.mul(Math.SQRT1_2)).add(1));
}

export function layerNorm({ nn }: Jax, x: NDArray, weight: NDArray, bias: NDArray, epsilon: number): NDArray {
  return nn.standardize(x, -1, { epsilon }).mul(weight).add(bias);
}

function tableOf(jax: Jax): OperationTable<NDArray, NDArray[]> {
  const { numpy: np, nn, jit, grad, valueAndGrad } = jax;
  type Function = (...operands: NDArray[]) => NDArray | NDArray[];
  /** Calls a function and keeps its arguments. */
  const eager = (run: Function) => (operands: Record<string, NDArray>) => () => {
    return [run(...Object.values(operands).map((operand) => operand.ref))].flat();
  };
  const compiled = (f: Function) => eager(jit(f as (...operands: NDArray[]) => NDArray[]));
  const norm = (x: NDArray, weight: NDArray, bias: NDArray) => layerNorm(jax, x, weight, bias, layerNormEps);
  const meanLoss = (logits: NDArray, labels: NDArray) => {
    const [rows] = logits.shape;
    const chosen = np.takeAlongAxis(logits.ref, labels.reshape([rows, 1]), 1).reshape([rows]);
    return np.mean(nn.logsumexp(logits, 1).sub(chosen));
  };
  const product = compiled((a, b) => np.matmul(a, b));
  return {
    matmul: product,
    matmulBatched: product,
    softmax: compiled((x) => nn.softmax(x)),
    layerNorm: compiled(norm),
    'layerNorm+backward': compiled((x, weight, bias, dy) => {
      const weighted = (x: NDArray, weight: NDArray, bias: NDArray) => np.sum(norm(x, weight, bias).mul(dy));
      return grad(weighted, { argnums: [0, 1, 2] })(x, weight, bias) as NDArray[];
    }),
    gelu: compiled((x) => gelu(jax, x)),
    attention: compiled((q, k, v) => {
      const scale = 1 / Math.sqrt(q.shape[3]);
      return np.matmul(nn.softmax(np.matmul(q, np.matrixTranspose(k)).mul(scale)), v);
    }),
    embedding: compiled((table, ids) => np.take(table, ids, 0)),
    crossEntropy: compiled(meanLoss),
    // Within `jit` takeAlongAxis has no gradient, and one-hot labels need more memory than a binding may have.
    'crossEntropy+backward': eager((logits, labels) => {
      const [loss, gradient] = valueAndGrad((x: NDArray) => meanLoss(x, labels))(logits);
      return [loss, gradient as NDArray];
    }),
    adamw: (arrays) => {
      const { lr, beta1, beta2, eps, weightDecay } = adamwStep;
      const step = jit((p: NDArray, m: NDArray, v: NDArray, g: NDArray) => {
        const expAvg = m.mul(beta1).add(g.ref.mul(1 - beta1));
        const expAvgSq = v.mul(beta2).add(np.square(g).mul(1 - beta2));
        const denominator = np.sqrt(expAvgSq.ref.mul(1 / (1 - beta2))).add(eps);
        const change = expAvg.ref.mul(lr / (1 - beta1)).div(denominator);
        return [p.mul(1 - lr * weightDecay).sub(change), expAvg, expAvgSq];
      });
      // What is among the arrays when it is over is disposed with them.
      arrays.expAvg = np.zeros(arrays.value.shape);
      arrays.expAvgSq = np.zeros(arrays.value.shape);
      return () => {
        const { value, expAvg, expAvgSq, gradient } = arrays;
        [arrays.value, arrays.expAvg, arrays.expAvgSq] = step(value, expAvg, expAvgSq, gradient.ref);
        return [arrays.value.ref];
      };
    },
  };
}

/** On WebGPU. */
export async function jaxCompetitor(): Promise<Competitor> {
  const jax = await loadJax('webgpu');
  const { numpy: np } = jax;
  const table = tableOf(jax);
  const device = jax.getWebGPUDevice();
  const throwFaults = watchFaults(device);
  return {
    name: 'jax-js',
    prepare: async (operation, operands) => {
      jax.defaultDevice('webgpu');
      const arrays = upload(operands, ({ data, shape }) => np.array(data).reshape([...shape]));
      const call = entryOf(table, operation)(arrays);
      return {
        results: async () => {
          const values = await Promise.all(call().map((array) => array.data()));
          throwFaults();
          return values as Float32Array[];
        },
        call: () => {
          for (const array of call()) array.gpuBufferSync(); // arrays are lazy: this has one computed, and lets go of it
        },
        dispose: () => {
          for (const array of Object.values(arrays)) array.dispose();
        },
      };
    },
    finish: async () => {
      await device.queue.onSubmittedWorkDone();
      throwFaults();
    },
    close: () => {},
  };
}

/** On WebAssembly, in the thread that calls it and its workers. */
export async function jaxWasmCompetitor(): Promise<Competitor> {
  const jax = await loadJax('wasm');
  const { numpy: np } = jax;
  const table = tableOf(jax);
  const called: NDArray[] = [];
  return {
    name: 'jax-js wasm',
    prepare: async (operation, operands) => {
      jax.defaultDevice('wasm');
      const arrays = upload(operands, ({ data, shape }) => np.array(data).reshape([...shape]));
      const call = entryOf(table, operation)(arrays);
      return {
        results: async () => (await Promise.all(call().map((array) => array.data()))) as Float32Array[],
        call: () => {
          called.push(...call());
        },
        dispose: () => {
          for (const array of Object.values(arrays)) array.dispose();
        },
      };
    },
    finish: async () => {
      const results = called.splice(0);
      await jax.blockUntilReady(results);
      for (const result of results) result.dispose();
    },
    close: () => {},
  };
}
