/**
 * What Hugging Face's files call the parts of a ModernBERT (Warner et al., "Smarter, Better, Faster, Longer", 2024): a BERT without biases and
 * segments, with norms before the blocks, gated feed-forward layers, rotary positions, and windows in most layers.
 */
import { ClozeError } from '../../gpu/errors.ts';
import type { StoredPlace } from '../../nn/index.ts';
import type { BertConfig } from '../bert/config.ts';

type Fields = Record<string, unknown>;

/** Fields of the same meaning: ours, theirs, and their default. */
const renamed = [
  ['layer_norm_eps', 'norm_eps', 1e-5],
  ['hidden_act', 'hidden_activation', 'gelu'],
  ['hidden_dropout_prob', 'mlp_dropout', 0],
  ['attention_probs_dropout_prob', 'attention_dropout', 0],
  ['rope_theta', 'global_rope_theta', 160_000],
] as const;

/** Fields of the same name, where their default is another. */
const defaults: Fields = {
  vocab_size: 50_368,
  num_hidden_layers: 22,
  intermediate_size: 1152,
  max_position_embeddings: 8192,
  pad_token_id: 50_283,
  global_attn_every_n_layers: 3,
};

/** What a model must be to be a ModernBERT. */
const fixed = {
  norm_position: 'pre',
  norm_type: 'layer',
  feed_forward: 'geglu',
  position_embedding_type: 'rotary',
  type_vocab_size: 0,
  use_bias: false,
  first_attention_norm: false,
  classifier_head: 'transform',
} as const satisfies Partial<BertConfig>;

/** Fields of theirs that have one value here. */
const only: Fields = {
  attention_bias: false,
  mlp_bias: false,
  norm_bias: false,
  classifier_bias: false,
  decoder_bias: true,
};

/** Their name of one of our fields, where it is another. */
export function modernBertName(field: string): string | undefined {
  return renamed.find(([ours]) => ours === field)?.[1];
}

/** The fields of {@link BertConfig} that a config.json asks for. Throws `format` naming what is not known here. */
export function fromModernBert(json: Fields, source: string): Fields {
  const { rope_parameters, layer_types, rope_scaling, classifier_activation, ...rest } = json;
  for (const [name, value] of Object.entries(only)) {
    if ((json[name] ?? value) !== value) refuse(source, name, json[name], [value]);
    delete rest[name];
  }
  if (rope_scaling) refuse(source, 'rope_scaling', rope_scaling, [null]);
  const fields: Fields = { ...defaults, ...rest, ...thetas(rope_parameters, source), ...fixed };
  for (const [ours, theirs, otherwise] of renamed) {
    fields[ours] = fields[theirs] ?? otherwise;
    delete fields[theirs];
  }
  if (fields.local_rope_theta === null) fields.local_rope_theta = fields.rope_theta;
  const activation = classifier_activation ?? 'gelu';
  if (activation !== fields.hidden_act && /^gelu/.test(String(fields.hidden_act))) {
    refuse(source, 'classifier_activation', activation, [fields.hidden_act]);
  }
  if (Array.isArray(layer_types)) fields.global_attn_every_n_layers = everyOf(layer_types, source);
  fields.architectures = renameAll(json.architectures, /^ModernBert/, 'Bert');
  return fields;
}

/** config.json in their words. */
export function toModernBert(config: BertConfig): Fields {
  const fields: Fields = { ...config };
  for (const name of Object.keys(fixed)) delete fields[name];
  for (const [ours, theirs] of renamed) {
    fields[theirs] = fields[ours];
    delete fields[ours];
  }
  delete fields.objective;
  const architectures = renameAll(config.architectures, /^Bert/, 'ModernBert');
  return { ...fields, ...only, classifier_activation: config.hidden_act, architectures };
}

function renameAll(architectures: unknown, from: RegExp, to: string): unknown {
  return Array.isArray(architectures)
    ? architectures.map((name) => String(name).replace(from, to))
    : architectures;
}

/** Bases of angles, as newer config files write them. */
function thetas(parameters: unknown, source: string): Fields {
  if (!parameters) return {};
  const theta = (layers: string) => {
    const { rope_type = 'default', rope_theta } = (parameters as Record<string, Fields>)[layers] ?? {};
    if (rope_type !== 'default')
      refuse(source, `rope_parameters.${layers}.rope_type`, rope_type, ['default']);
    return rope_theta;
  };
  const [global, local] = [theta('full_attention'), theta('sliding_attention')];
  return {
    ...(global !== undefined && { global_rope_theta: global }),
    ...(local !== undefined && { local_rope_theta: local }),
  };
}

/** How many layers it is from one that sees all to the next, of a list that names each layer's attention. */
function everyOf(layers: readonly unknown[], source: string): number {
  const next = layers.indexOf('full_attention', 1);
  const every = next < 0 ? Math.max(layers.length, 1) : next;
  const regular = layers.every(
    (type, i) => type === (i % every === 0 ? 'full_attention' : 'sliding_attention'),
  );
  if (regular) return every;
  throw new ClozeError(
    'format',
    `${source}: layer_types is not valid: every n-th layer from the first on must have full_attention, the others sliding_attention`,
  );
}

function refuse(source: string, name: string, value: unknown, known: readonly unknown[]): never {
  throw new ClozeError(
    'format',
    `${source}: ${name} is not valid: ${JSON.stringify(value)} is not known here`,
    `Known: ${known.map((one) => (typeof one === 'string' ? one : JSON.stringify(one))).join(', ')}`,
  );
}

const layer = 'bert\\.encoder\\.layer\\.(\\d+)';

/** The beginning of our names, and of theirs. */
const names = (
  [
    ['bert\\.embeddings\\.word_embeddings', 'model.embeddings.tok_embeddings'],
    ['bert\\.embeddings\\.LayerNorm', 'model.embeddings.norm'],
    [`${layer}\\.attention\\.output\\.LayerNorm`, 'model.layers.$1.attn_norm'],
    [`${layer}\\.attention\\.self\\.(?:query|key|value)`, 'model.layers.$1.attn.Wqkv'],
    [`${layer}\\.attention\\.output\\.dense`, 'model.layers.$1.attn.Wo'],
    [`${layer}\\.output\\.LayerNorm`, 'model.layers.$1.mlp_norm'],
    [`${layer}\\.intermediate\\.dense`, 'model.layers.$1.mlp.Wi'],
    [`${layer}\\.output\\.dense`, 'model.layers.$1.mlp.Wo'],
    ['bert\\.LayerNorm', 'model.final_norm'],
    ['(?:cls\\.predictions\\.transform|head)\\.dense', 'head.dense'],
    ['(?:cls\\.predictions\\.transform|head)\\.LayerNorm', 'head.norm'],
    ['cls\\.predictions(?:\\.decoder)?', 'decoder'],
    ['qa_outputs', 'classifier'],
  ] as const
).map(([ours, theirs]) => [new RegExp(`^${ours}\\.(?=weight$|bias$)`), `${theirs}.`] as const);

const projections = ['query', 'key', 'value'];

/** Where a file holds one of our parameters: queries, keys and values share a tensor. */
export function placeInModernBert(name: string): StoredPlace {
  const found = names.find(([ours]) => ours.test(name));
  if (!found) return { name };
  const place = name.replace(...found);
  const projection = /\.self\.(\w+)\./.exec(name)?.[1];
  if (projection === undefined) return { name: place };
  return { name: place, part: [projections.indexOf(projection), projections.length] };
}
