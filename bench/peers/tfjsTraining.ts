/** The training step in TensorFlow.js. Its Adam has no decay of its own, so weights decay before it. */
import type * as TF from '@tensorflow/tfjs';
import type { Tensor } from '@tensorflow/tfjs';
import { gelu, layerNorm, loadTfjs, type TfjsBackend } from './tfjs.ts';
import { layerName, optimizer, type Training, type TrainingTask } from './training.ts';

export async function tfjsTraining(task: TrainingTask, backend: TfjsBackend): Promise<Training> {
  const { tf } = await loadTfjs(backend);
  const variables = new Map(
    [...task.weights].map(([name, { data, shape }]) => [name, tf.variable(tf.tensor(data, [...shape]))]),
  );
  const { lr, beta1, beta2, eps, weightDecay } = optimizer;
  const adam = tf.train.adam(lr, beta1, beta2, eps);
  const loss = lossOf(tf, task, (name) => variables.get(name)!);
  const decaying = [...variables].filter(([name]) => task.weights.get(name)!.decays);
  const update = () => {
    const { value, grads } = tf.variableGrads(loss);
    for (const [, variable] of decaying) variable.assign(tf.mul(variable, 1 - lr * weightDecay));
    adam.applyGradients(Object.entries(grads).map(([name, tensor]) => ({ name, tensor })));
    return value;
  };
  return {
    step: async () => {
      await tf.setBackend(backend);
      const value = tf.tidy(update);
      const [number] = await value.data();
      value.dispose();
      return number;
    },
    close: () => {
      adam.dispose();
      for (const variable of variables.values()) variable.dispose();
    },
  };
}

/** Forward pass and loss. Rows of hidden states are kept as a matrix [B·T, C]. */
function lossOf(tf: typeof TF, task: TrainingTask, weight: (name: string) => Tensor): () => TF.Scalar {
  const { B, T, config } = task;
  const { hidden_size: C, num_attention_heads: H, layer_norm_eps: eps, vocab_size: V } = config;
  const D = C / H;
  const ids = tf.tensor1d(task.ids, 'int32');
  const positions = tf.tensor1d(task.positions, 'int32');
  const labels = tf.tensor1d(task.labels, 'int32');
  const everywhere = task.positions.length === B * T;

  const norm = (x: Tensor, name: string) =>
    layerNorm(tf, x, weight(`${name}.weight`), weight(`${name}.bias`), eps);
  const linear = (x: Tensor, name: string) =>
    tf.add(tf.matMul(x, weight(`${name}.weight`), false, true), weight(`${name}.bias`));
  const heads = (x: Tensor) => tf.transpose(tf.reshape(x, [B, T, H, D]), [0, 2, 1, 3]);

  const attention = (x: Tensor, name: string) => {
    const [q, k, v] = ['query', 'key', 'value'].map((part) => heads(linear(x, `${name}.${part}`)));
    const probabilities = tf.softmax(tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(D)));
    return tf.reshape(tf.transpose(tf.matMul(probabilities, v), [0, 2, 1, 3]), [B * T, C]);
  };
  const layer = (x: Tensor, name: string) => {
    const context = attention(x, `${name}.attention.self`);
    const projected = linear(context, `${name}.attention.output.dense`);
    const attended = norm(tf.add(x, projected), `${name}.attention.output.LayerNorm`);
    const wide = gelu(tf, linear(attended, `${name}.intermediate.dense`));
    return norm(tf.add(attended, linear(wide, `${name}.output.dense`)), `${name}.output.LayerNorm`);
  };

  return () => {
    const names = 'bert.embeddings';
    const words = weight(`${names}.word_embeddings.weight`);
    const rows = tf.reshape(tf.gather(words, ids), [B, T, C]);
    const types = tf.slice(weight(`${names}.token_type_embeddings.weight`), [0, 0], [1, C]);
    const placed = tf.add(tf.add(rows, types), weight(`${names}.position_embeddings.weight`));
    let x = norm(tf.reshape(placed, [B * T, C]), `${names}.LayerNorm`);
    for (let i = 0; i < config.num_hidden_layers; i++) x = layer(x, layerName(i));
    if (!everywhere) x = tf.gather(x, positions);
    const head = 'cls.predictions';
    const hidden = norm(gelu(tf, linear(x, `${head}.transform.dense`)), `${head}.transform.LayerNorm`);
    const logits = tf.add(tf.matMul(hidden, words, false, true), weight(`${head}.bias`));
    return tf.losses.softmaxCrossEntropy(tf.oneHot(labels, V), logits).asScalar();
  };
}
