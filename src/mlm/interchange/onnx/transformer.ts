/**
 * The transformer as ONNX operators: what `BertModel` computes, from token ids to hidden states, for every option of the
 * config. Weights keep their names and layout; batch and length are free.
 */
import { rotaryTable } from '../../../kernels/index.ts';
import type { BertConfig } from '../../bert/config.ts';
import { geluForm, sinusoids } from '../../bert/model.ts';
import type { Graph, Value } from './graph.ts';

/** A parameter's values and shape. */
export interface Weight {
  values: Float32Array;
  shape: readonly number[];
}

/** What hidden keys score: the least float. */
const least = -3.4028234663852886e38;

export class OnnxTransformer {
  readonly graph: Graph;
  readonly config: BertConfig;
  /** 1 for tokens, 0 for padding: [B, T], int64. */
  readonly mask: Value;
  private readonly weights: ReadonlyMap<string, Weight>;
  private readonly ids: Value;
  private readonly types: Value | undefined;
  /** T as a list of one number, and 0 … T − 1. */
  private readonly length: Value;
  private readonly places: Value;

  constructor(graph: Graph, config: BertConfig, weights: ReadonlyMap<string, Weight>) {
    this.graph = graph;
    this.config = config;
    this.weights = weights;
    const shape = ['batch', 'sequence'];
    this.ids = graph.input('input_ids', 'int64', shape);
    this.mask = graph.input('attention_mask', 'int64', shape);
    if (config.type_vocab_size > 0) this.types = graph.input('token_type_ids', 'int64', shape);
    this.length = graph.op('Shape', [this.ids], { start: 1, end: 2 });
    const count = graph.op('Squeeze', [this.length, graph.integers(0)]);
    this.places = graph.op('Range', [graph.integer(0), count, graph.integer(1)]);
  }

  /** A parameter by its name. */
  weight(name: string): Value {
    const { values, shape } = this.weights.get(name)!;
    return this.graph.weight(name, values, shape);
  }

  /** x Wᵀ + b; without b where the model has none. */
  linear(x: Value, name: string): Value {
    const y = this.product(x, `${name}.weight`);
    return this.weights.has(`${name}.bias`) ? this.graph.op('Add', [y, this.weight(`${name}.bias`)]) : y;
  }

  /** x Wᵀ. */
  product(x: Value, weight: string): Value {
    return this.graph.op('MatMul', [x, this.graph.op('Transpose', [this.weight(weight)], { perm: [1, 0] })]);
  }

  gelu(x: Value): Value {
    return this.graph.op('Gelu', [x], { approximate: geluForm(this.config) });
  }

  layerNorm(x: Value, name: string): Value {
    const bias = this.weights.has(`${name}.bias`) ? [this.weight(`${name}.bias`)] : [];
    const attributes = { axis: -1, epsilon: { float: this.config.layer_norm_eps } };
    return this.graph.op('LayerNormalization', [x, this.weight(`${name}.weight`), ...bias], attributes);
  }

  /** The last hidden states, [B, T, C]. */
  encode(): Value {
    const { norm_position, num_hidden_layers: layers } = this.config;
    const angles = this.angles();
    let hidden = this.embed();
    for (let i = 0; i < layers; i++) hidden = this.layer(hidden, `bert.encoder.layer.${i}`, angles(i));
    return norm_position === 'pre' ? this.norm(hidden, 'bert.LayerNorm') : hidden;
  }

  private norm(x: Value, name: string): Value {
    const { graph, config } = this;
    if (config.norm_type === 'layer') return this.layerNorm(x, name);
    const square = graph.op('ReduceMean', [graph.op('Mul', [x, x]), graph.integers(-1)], { keepdims: 1 });
    const deviation = graph.op('Sqrt', [graph.op('Add', [square, graph.number(config.layer_norm_eps)])]);
    return graph.op('Mul', [graph.op('Div', [x, deviation]), this.weight(`${name}.weight`)]);
  }

  private embed(): Value {
    const { graph, config } = this;
    const look = (table: string, ids: Value) =>
      graph.op('Gather', [this.weight(`bert.embeddings.${table}.weight`), ids]);
    let sum = look('word_embeddings', this.ids);
    if (this.types) sum = graph.op('Add', [sum, look('token_type_embeddings', this.types)]);
    const { position_embedding_type: kind, max_position_embeddings: rows, hidden_size: width } = config;
    if (kind === 'absolute') sum = graph.op('Add', [sum, look('position_embeddings', this.places)]);
    if (kind === 'sinusoidal') {
      const table = graph.weight('sinusoids', sinusoids(config), [rows, width]);
      sum = graph.op('Add', [sum, graph.op('Gather', [table, this.places])]);
    }
    return this.norm(sum, 'bert.embeddings.LayerNorm');
  }

  /** What each layer, by its number, has of its own: who sees whom, [B, 1, T or 1, T], and how queries and keys are turned. */
  private angles(): (layer: number) => LayerContext {
    const { graph, config } = this;
    const { global_attn_every_n_layers: every, local_attention } = config;
    const tokens = graph.op('Cast', [graph.op('Unsqueeze', [this.mask, graph.integers(1, 2)])], { to: 9 });
    const global = { visible: tokens, rotate: this.rotation(config.rope_theta) };
    if (every === 1) return () => global;
    const column = graph.op('Unsqueeze', [this.places, graph.integers(1)]);
    const distance = graph.op('Abs', [graph.op('Sub', [column, this.places])]);
    const near = graph.op('LessOrEqual', [distance, graph.integer(Math.floor(local_attention / 2))]);
    const local = {
      visible: graph.op('And', [tokens, near]),
      rotate: this.rotation(config.local_rope_theta),
    };
    return (layer) => (layer % every === 0 ? global : local);
  }

  /** Turns the halves of heads [B, H, T, D] by their positions' angles; nothing where positions are not rotary. */
  private rotation(theta: number): (x: Value) => Value {
    const { graph, config } = this;
    if (config.position_embedding_type !== 'rotary') return (x) => x;
    const { max_position_embeddings: rows, hidden_size, num_attention_heads } = config;
    const depth = hidden_size / num_attention_heads;
    const table = graph.weight(`angles ${theta}`, rotaryTable(rows, depth, theta), [rows, depth]);
    const halves = (x: Value) => graph.ops('Split', [x], 2, { axis: -1, num_outputs: 2 });
    const [cosine, sine] = halves(graph.op('Gather', [table, this.places]));
    return (x) => {
      const [a, b] = halves(x);
      const times = (value: Value, factor: Value) => graph.op('Mul', [value, factor]);
      const first = graph.op('Sub', [times(a, cosine), times(b, sine)]);
      const second = graph.op('Add', [times(b, cosine), times(a, sine)]);
      return graph.op('Concat', [first, second], { axis: -1 });
    };
  }

  private layer(x: Value, name: string, context: LayerContext): Value {
    const { graph, config } = this;
    const [first, second] = [`${name}.attention.output`, `${name}.output`];
    const add = (a: Value, b: Value) => graph.op('Add', [a, b]);
    const attend = (x: Value) =>
      this.linear(this.attention(x, `${name}.attention.self`, context), `${first}.dense`);
    const feed = (x: Value) =>
      this.linear(this.intermediate(x, `${name}.intermediate.dense`), `${second}.dense`);
    if (config.norm_position === 'post') {
      const attended = this.norm(add(x, attend(x)), `${first}.LayerNorm`);
      return this.norm(add(attended, feed(attended)), `${second}.LayerNorm`);
    }
    const normed = this.weights.has(`${first}.LayerNorm.weight`) ? this.norm(x, `${first}.LayerNorm`) : x;
    const sum = add(x, attend(normed));
    return add(sum, feed(this.norm(sum, `${second}.LayerNorm`)));
  }

  private intermediate(x: Value, name: string): Value {
    const { graph, config } = this;
    const wide = this.linear(x, name);
    if (config.feed_forward === 'gelu') return this.gelu(wide);
    const [gate, value] = graph.ops('Split', [wide], 2, { axis: -1, num_outputs: 2 });
    return graph.op('Mul', [this.gelu(gate), value]);
  }

  private attention(x: Value, name: string, { visible, rotate }: LayerContext): Value {
    const { graph, config } = this;
    const { num_attention_heads: heads, hidden_size: width } = config;
    const apart = (projection: string) => {
      const split = graph.integers(0, 0, heads, width / heads);
      const rows = graph.op('Reshape', [this.linear(x, `${name}.${projection}`), split]);
      return graph.op('Transpose', [rows], { perm: [0, 2, 1, 3] });
    };
    const [query, key, value] = [rotate(apart('query')), rotate(apart('key')), apart('value')];
    const scaled = graph.op('Mul', [query, graph.number(1 / Math.sqrt(width / heads))]);
    const scores = graph.op('MatMul', [scaled, graph.op('Transpose', [key], { perm: [0, 1, 3, 2] })]);
    const seen = graph.op('Where', [visible, scores, graph.number(least)]);
    const context = graph.op('MatMul', [graph.op('Softmax', [seen], { axis: -1 }), value]);
    const together = graph.op('Transpose', [context], { perm: [0, 2, 1, 3] });
    return graph.op('Reshape', [together, graph.integers(0, 0, width)]);
  }
}

interface LayerContext {
  visible: Value;
  rotate: (x: Value) => Value;
}
