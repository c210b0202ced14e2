/** Operations as ONNX models, for ONNX Runtime: forward passes alone, since it has no gradients. */
import { version } from '../../src/gpu/version.ts';
import { Graph, opset, type Value } from '../../src/mlm/interchange/onnx/graph.ts';
import { modelProto } from '../../src/mlm/interchange/onnx/proto.ts';
import { layerNormEps, type Operands, type OperationName } from './operations.ts';

type Build = (
  graph: Graph,
  operands: Record<string, Value>,
  shapes: Record<string, readonly number[]>,
) => Value;

const product: Build = (graph, { a, b }) => graph.op('MatMul', [a, b]);

const builders: Partial<Record<OperationName, Build>> = {
  matmul: product,
  matmulBatched: product,
  softmax: (graph, { x }) => graph.op('Softmax', [x], { axis: -1 }),
  layerNorm: (graph, { x, weight, bias }) =>
    graph.op('LayerNormalization', [x, weight, bias], { axis: -1, epsilon: { float: layerNormEps } }),
  gelu: (graph, { x }) => graph.op('Gelu', [x]),
  attention: (graph, { q, k, v }, shapes) => {
    const scale = graph.weight('scale', Float32Array.of(1 / Math.sqrt(shapes.q[3])), [1]);
    const keys = graph.op('Transpose', [k], { perm: [0, 1, 3, 2] });
    const scores = graph.op('Mul', [graph.op('MatMul', [q, keys]), scale]);
    return graph.op('MatMul', [graph.op('Softmax', [scores], { axis: -1 }), v]);
  },
  embedding: (graph, { table, ids }) => graph.op('Gather', [table, ids], { axis: 0 }),
  crossEntropy: (graph, { logits, labels }) =>
    graph.op('SoftmaxCrossEntropyLoss', [logits, labels], { reduction: 'mean' }),
};

/** The file of an operation. Throws, in words, for one that ONNX has no operators for. */
export function onnxModel(name: OperationName, operands: Operands): Uint8Array {
  const build = builders[name];
  if (!build) throw new Error('has no gradients');
  const graph = new Graph();
  const values: Record<string, Value> = {};
  const shapes: Record<string, readonly number[]> = {};
  for (const [key, { data, shape }] of Object.entries(operands)) {
    values[key] = graph.input(key, data instanceof Int32Array ? 'int64' : 'float', shape);
    shapes[key] = shape;
  }
  // Only the number of axes has to be said.
  const axes = name === 'crossEntropy' ? 0 : name === 'embedding' ? 2 : Object.values(shapes)[0].length;
  const free = Array.from({ length: axes }, (_, i) => `axis${i}`);
  graph.output('result', build(graph, values, shapes), free);
  return modelProto({
    opset,
    producer: { name: 'cloze', version },
    graph: { ...graph, name },
    metadata: {},
  });
}
