/** Ourselves, through the operations that users call. */
import {
  backward,
  crossEntropy,
  type Engine,
  embedding,
  gelu,
  indices,
  layerNorm,
  matmul,
  scaledDotProductAttention,
  softmax,
  type Tensor,
} from '../../src/autograd/index.ts';
import { adamw } from '../../src/kernels/index.ts';
import { type Competitor, entryOf, type OperationTable, upload } from './competitor.ts';
import { adamwHyper, layerNormEps } from './operations.ts';

/** Gradients that leaves hold after `work`; the leaves are ready for the next call. */
function gradients(leaves: readonly Tensor[], work: () => void): Tensor[] {
  work();
  return leaves.map((leaf) => {
    const grad = leaf.grad!;
    leaf.grad = undefined;
    return grad;
  });
}

function tableOf(engine: Engine): OperationTable<Tensor, Tensor[]> {
  return {
    matmul:
      ({ a, b }) =>
      () => [matmul(a, b)],
    matmulBatched:
      ({ a, b }) =>
      () => [matmul(a, b)],
    softmax:
      ({ x }) =>
      () => [softmax(x)],
    layerNorm:
      ({ x, weight, bias }) =>
      () => [layerNorm(x, weight, bias, layerNormEps)],
    'layerNorm+backward': ({ x, weight, bias, dy }) => {
      const leaves = [x, weight, bias];
      for (const leaf of leaves) leaf.requireGrad();
      return () => gradients(leaves, () => backward(layerNorm(x, weight, bias, layerNormEps), dy));
    },
    gelu:
      ({ x }) =>
      () => [gelu(x)],
    attention:
      ({ q, k, v }) =>
      () => [scaledDotProductAttention(q, k, v).context],
    crossEntropy:
      ({ logits, labels }) =>
      () => [crossEntropy(logits, labels).loss],
    'crossEntropy+backward': ({ logits, labels }) => {
      logits.requireGrad();
      return () => {
        const { loss } = crossEntropy(logits, labels);
        return [loss, ...gradients([logits], () => backward(loss))];
      };
    },
    adamw: ({ value, gradient }) => {
      const hyper = engine.tensor(adamwHyper());
      const factor = engine.full([1], 1);
      const [expAvg, expAvgSq] = [engine.zeros(value.shape), engine.zeros(value.shape)];
      return () => {
        const tensors = { gradient, hyper, factor, value, expAvg, expAvgSq };
        engine.run(adamw, { count: value.size }, tensors);
        return [value.alias()];
      };
    },
  };
}

export function clozeCompetitor(engine: Engine): Competitor {
  const table = tableOf(engine);
  return {
    name: 'cloze',
    prepare: async (operation, operands) => {
      const scope = engine.openScope(operation);
      const call = prepareCall();
      const free = (results: readonly Tensor[]) => {
        for (const tensor of results) tensor.dispose();
      };
      return {
        results: async () => {
          const results = engine.scope(call);
          const values = await Promise.all(results.map((tensor) => tensor.data()));
          free(results);
          return values;
        },
        call: () => free(engine.scope(call)),
        dispose: () => scope[Symbol.dispose](),
      };

      function prepareCall(): () => Tensor[] {
        if (operation === 'embedding') {
          const { table, ids } = operands;
          const rows = engine.tensor(table.data, table.shape);
          const wanted = indices(engine, Uint32Array.from(ids.data));
          return () => [embedding(rows, wanted)];
        }
        const tensors = upload(operands, ({ data, shape }) => engine.tensor(data, shape));
        return entryOf(table, operation)(tensors);
      }
    },
    finish: () => engine.device.synchronize(),
    close: () => {},
  };
}
