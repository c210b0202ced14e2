/**
 * What computes the same without WebGPU, as context for the figures: other JavaScript engines on WebAssembly, and PyTorch on the CPU.
 * None of them is a peer on the same adapter.
 */
import type { Competitor } from './competitor.ts';
import { jaxWasmCompetitor } from './jax.ts';
import { jaxTraining } from './jaxTraining.ts';
import { pytorchCompetitor, pytorchTraining } from './pytorch.node.ts';
import { tfjsCompetitor } from './tfjs.ts';
import { tfjsTraining } from './tfjsTraining.ts';
import type { OpenTraining } from './trainings.ts';

export const context: Readonly<Record<string, () => Promise<Competitor>>> = {
  'tfjs wasm': () => tfjsCompetitor('wasm'),
  'jax-js wasm': jaxWasmCompetitor,
  pytorch: pytorchCompetitor,
};

export const contextTrainings: Readonly<Record<string, OpenTraining>> = {
  'tfjs wasm': (task) => tfjsTraining(task, 'wasm'),
  'jax-js wasm': (task) => jaxTraining(task, 'wasm'),
  pytorch: pytorchTraining,
};
