/**
 * The training step in jax-js, compiled as a whole. Within `jit` a look-up has no gradient there, so rows are looked up
 * by products with one-hot matrices. Functions use up their arguments: `ref` keeps one for a second use.
 */
import type * as JAX from '@jax-js/jax';
import type { numpy } from '@jax-js/jax';
import { gelu, type JaxBackend, layerNorm, loadJax } from './jax.ts';
import { layerName, optimizer, type Training, type TrainingTask } from './training.ts';

type Jax = typeof JAX;
type NDArray = numpy.Array;
type Weights = Record<string, NDArray>;

export async function jaxTraining(task: TrainingTask, backend: JaxBackend): Promise<Training> {
  const jax = await loadJax(backend);
  const { numpy: np, tree, jit } = jax;
  const fill = (value: (weight: { data: Float32Array<ArrayBuffer>; shape: readonly number[] }) => NDArray) =>
    Object.fromEntries([...task.weights].map(([name, weight]) => [name, value(weight)]));
  let state: Weights[] = [
    fill(({ data, shape }) => np.array(data).reshape([...shape])),
    fill(({ shape }) => np.zeros([...shape])),
    fill(({ shape }) => np.zeros([...shape])),
  ];
  const inputs = [task.ids, task.positions, task.labels].map((data) => np.array(data));
  const step = jit(stepOf(jax, task));
  let steps = 0;
  return {
    step: async () => {
      jax.defaultDevice(backend);
      steps++;
      const { beta1, beta2 } = optimizer;
      const corrections = np.array(Float32Array.of(1 / (1 - beta1 ** steps), 1 / (1 - beta2 ** steps)));
      const [weights, expAvg, expAvgSq] = state;
      const [loss, ...next] = step(weights, expAvg, expAvgSq, corrections, tree.ref(inputs));
      state = next;
      const [value] = await loss.data();
      return value;
    },
    close: () => {
      tree.dispose(state);
      tree.dispose(inputs);
      step.dispose();
    },
  };
}

/** Loss, gradients and AdamW as one function. */
function stepOf(jax: Jax, task: TrainingTask) {
  const { numpy: np, valueAndGrad } = jax;
  const { lr, beta1, beta2, eps, weightDecay } = optimizer;
  return (
    weights: Weights,
    expAvg: Weights,
    expAvgSq: Weights,
    corrections: NDArray,
    [ids, positions, labels]: NDArray[],
  ): [NDArray, Weights, Weights, Weights] => {
    const kept = jax.tree.ref(weights);
    const loss = (weights: Weights) => lossOf(jax, task, weights, ids, positions, labels);
    const [value, gradient] = valueAndGrad(loss)(weights) as unknown as [NDArray, Weights];
    const [correction1, correction2] = np.split(corrections, 2);
    const next: [Weights, Weights, Weights] = [{}, {}, {}];
    for (const [name, { decays }] of task.weights) {
      const g = gradient[name];
      const m = expAvg[name].mul(beta1).add(g.ref.mul(1 - beta1));
      const v = expAvgSq[name].mul(beta2).add(np.square(g).mul(1 - beta2));
      const change = m.ref
        .mul(correction1.ref)
        .div(np.sqrt(v.ref.mul(correction2.ref)).add(eps))
        .mul(lr);
      const decayed = decays ? kept[name].mul(1 - lr * weightDecay) : kept[name];
      next[0][name] = decayed.sub(change);
      next[1][name] = m;
      next[2][name] = v;
    }
    correction1.dispose();
    correction2.dispose();
    return [value, ...next];
  };
}

/** Forward pass and loss. Rows of hidden states are kept as a matrix [B·T, C]. Uses up the weights. */
function lossOf(
  jax: Jax,
  task: TrainingTask,
  weights: Weights,
  ids: NDArray,
  positions: NDArray,
  labels: NDArray,
): NDArray {
  const { numpy: np, nn } = jax;
  const { B, T, config } = task;
  const { hidden_size: C, num_attention_heads: H, layer_norm_eps: eps, vocab_size: V } = config;
  const D = C / H;
  const everywhere = task.positions.length === B * T;

  const norm = (x: NDArray, name: string) =>
    layerNorm(jax, x, weights[`${name}.weight`], weights[`${name}.bias`], eps);
  const linear = (x: NDArray, name: string) =>
    np.matmul(x, weights[`${name}.weight`].transpose()).add(weights[`${name}.bias`]);
  const heads = (x: NDArray) => x.reshape([B, T, H, D]).transpose([0, 2, 1, 3]);

  const attention = (x: NDArray, name: string) => {
    const q = heads(linear(x.ref, `${name}.query`));
    const k = heads(linear(x.ref, `${name}.key`));
    const v = heads(linear(x, `${name}.value`));
    const probabilities = nn.softmax(np.matmul(q, np.matrixTranspose(k)).mul(1 / Math.sqrt(D)));
    return np
      .matmul(probabilities, v)
      .transpose([0, 2, 1, 3])
      .reshape([B * T, C]);
  };
  const layer = (x: NDArray, name: string) => {
    const context = attention(x.ref, `${name}.attention.self`);
    const projected = linear(context, `${name}.attention.output.dense`);
    const attended = norm(x.add(projected), `${name}.attention.output.LayerNorm`);
    const wide = gelu(jax, linear(attended.ref, `${name}.intermediate.dense`));
    return norm(attended.add(linear(wide, `${name}.output.dense`)), `${name}.output.LayerNorm`);
  };

  const names = 'bert.embeddings';
  const words = weights[`${names}.word_embeddings.weight`];
  const rows = np.matmul(nn.oneHot(ids, V), words.ref).reshape([B, T, C]);
  const types = np.matmul(np.array([[1, 0]]), weights[`${names}.token_type_embeddings.weight`]);
  const placed = rows.add(types).add(weights[`${names}.position_embeddings.weight`]);
  let x = norm(placed.reshape([B * T, C]), `${names}.LayerNorm`);
  for (let i = 0; i < config.num_hidden_layers; i++) x = layer(x, layerName(i));
  if (everywhere) positions.dispose();
  else x = np.matmul(nn.oneHot(positions, B * T), x);
  const head = 'cls.predictions';
  const hidden = norm(gelu(jax, linear(x, `${head}.transform.dense`)), `${head}.transform.LayerNorm`);
  const logits = np.matmul(hidden, words.transpose()).add(weights[`${head}.bias`]);
  const chosen = nn.logSoftmax(logits).mul(nn.oneHot(labels, V));
  return np.mean(np.sum(chosen, 1)).mul(-1);
}
