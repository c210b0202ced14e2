/** The libraries that are measured in Node. */
import type { Competitor } from './competitor.ts';
import { peers } from './index.ts';
import { jaxWasmCompetitor } from './jax.ts';
import { jaxTraining } from './jaxTraining.ts';
import { onnxruntimeCpu, onnxruntimeWasm, onnxruntimeWebInNode } from './onnxruntime.node.ts';
import { pytorchCompetitor, pytorchTraining } from './pytorch.node.ts';
import { tfjsCompetitor } from './tfjs.ts';
import { tfjsTraining } from './tfjsTraining.ts';
import type { OpenTraining } from './trainings.ts';

/** All that computes on WebGPU, in Node. */
export const peersInNode: Readonly<Record<string, () => Promise<Competitor>>> = {
  ...peers,
  'onnxruntime-web': onnxruntimeWebInNode,
};

/**
 * What computes the same without WebGPU, as context for the figures: other JavaScript engines on WebAssembly, ONNX Runtime and
 * PyTorch on the CPU. None of them is a peer on the same adapter.
 */
export const context: Readonly<Record<string, () => Promise<Competitor>>> = {
  'tfjs wasm': () => tfjsCompetitor('wasm'),
  'jax-js wasm': jaxWasmCompetitor,
  'onnxruntime wasm': onnxruntimeWasm,
  'onnxruntime cpu': onnxruntimeCpu,
  pytorch: pytorchCompetitor,
};

/** The same of those that train. */
export const contextTrainings: Readonly<Record<string, OpenTraining>> = {
  'tfjs wasm': (task) => tfjsTraining(task, 'wasm'),
  'jax-js wasm': (task) => jaxTraining(task, 'wasm'),
  pytorch: pytorchTraining,
};
