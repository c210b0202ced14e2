/** The layer y = x Wᵀ + b over the last axis, alone or with GELU computed in the same kernel. */
import { ClozeError } from '../../gpu/index.ts';
import { type MatmulProblem, matmul, matmulProblem } from '../../kernels/matmul.ts';
import { unaryBackward } from '../../kernels/unary.ts';
import { checkFloat, commonType } from '../shape.ts';
import { record } from '../tape.ts';
import type { FloatType, Shape, Tensor } from '../tensor.ts';
import { sumOver } from './sumOver.ts';

/**
 * y = x Wᵀ + b: x [..., in], weight [out, in], bias [out] → [..., out]. Throws `shape` when they do not fit.
 * Gradients: dx = dy W, dW = dyᵀ x, db = the sum of dy's rows.
 */
export function linear(x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  const { engine } = x;
  const layer = layerOf('linear', x, weight, bias);
  const [a, b] = [engine.operand(x), engine.operand(weight)];
  const y = engine.empty(layer.output, commonType(a, b));
  engine.run(matmul, forward(layer, { bias: bias !== undefined }), { a, b, bias, c: y });
  return record('linear', bias ? [x, weight, bias] : [x, weight], y, {
    save: [a, b],
    vjp: (grad, [x, weight], needs, totals) => gradients(layer, grad, x, weight, needs, totals),
  });
}

/**
 * gelu(x Wᵀ + b), shapes as {@link linear}. `approximate` as in PyTorch: `none` is x Φ(x), `tanh` its approximation.
 * What goes into the activation is stored only when a gradient will want it.
 */
export function linearGelu(
  x: Tensor,
  weight: Tensor,
  bias?: Tensor,
  approximate: 'none' | 'tanh' = 'none',
): Tensor {
  const { engine } = x;
  const layer = layerOf('linearGelu', x, weight, bias);
  const inputs = bias ? [x, weight, bias] : [x, weight];
  const activation = approximate === 'tanh' ? 'gelu_tanh' : 'gelu';
  const [a, b] = [engine.operand(x), engine.operand(weight)];
  const y = engine.empty(layer.output, commonType(a, b));
  const saves = engine.tape.recording && inputs.some((input) => input.requiresGrad);
  const pre = saves ? engine.empty(layer.output, y.dtype) : undefined;
  const problem = forward(layer, { bias: bias !== undefined, activation, pre: saves });
  engine.run(matmul, problem, { a, b, bias, pre, c: y });
  return record('linearGelu', inputs, y, {
    save: pre ? [a, b, pre] : [],
    vjp: (grad, [x, weight, pre], needs, totals) => {
      const inner = engine.empty(layer.output, pre.dtype);
      engine.run(unaryBackward, { count: pre.size, op: activation }, { saved: pre, dy: grad, dx: inner });
      return gradients(layer, inner, x, weight, needs, totals);
    },
  });
}

export interface Layer {
  rows: number;
  from: number;
  to: number;
  output: Shape;
  /** Of x and the weight, as their gradients are. */
  types: readonly [FloatType, FloatType];
}

/** The sizes of a layer. Throws `shape` when they do not fit. */
export function layerOf(op: string, x: Tensor, weight: Tensor, bias: Tensor | undefined): Layer {
  const from = x.shape.at(-1);
  const [to] = weight.shape;
  if (weight.shape.length !== 2 || from === undefined || weight.shape[1] !== from) {
    throw new ClozeError(
      'shape',
      `${op} of [${x.shape}] with a weight of [${weight.shape}]: the weight must be [out, ${from ?? 'in'}]`,
    );
  }
  if (bias && bias.shape.join() !== `${to}`) {
    throw new ClozeError(
      'shape',
      `${op} to ${to} features with a bias of [${bias.shape}]: it must be [${to}]`,
    );
  }
  checkFloat(op, x, weight);
  const types = [commonType(x), commonType(weight)] as const;
  return { rows: x.size / from, from, to, output: [...x.shape.slice(0, -1), to], types };
}

function forward({ rows, from, to }: Layer, options: Partial<MatmulProblem>): MatmulProblem {
  return matmulProblem({ m: rows, n: to, k: from }, { transposeB: true, ...options });
}

/** Of x, the weight and the bias. Those of parameters that have a gradient already are added to it. */
function gradients(
  layer: Layer,
  dy: Tensor,
  x: Tensor,
  weight: Tensor,
  needs: readonly boolean[],
  totals: readonly (Tensor | undefined)[],
) {
  const { engine } = dy;
  const { rows, from, to, types } = layer;
  const product = (
    options: Partial<MatmulProblem>,
    sizes: { m: number; n: number; k: number },
    b: Tensor,
    c: Tensor,
  ) => {
    engine.run(matmul, matmulProblem(sizes, options), { a: dy, b, c });
    return c;
  };
  const intoX = () => product({}, { m: rows, n: from, k: to }, weight, engine.empty(x.shape, types[0]));
  const intoWeight = () =>
    product(
      { transposeA: true, accumulate: totals[1] !== undefined },
      { m: to, n: from, k: rows },
      x,
      totals[1] ?? engine.empty(weight.shape, types[1]),
    );
  return [
    needs[0] ? intoX() : undefined,
    needs[1] ? intoWeight() : undefined,
    needs[2] ? sumOver(dy, { outer: 1, length: rows, inner: to }, [to], { total: totals[2] }) : undefined,
  ];
}
