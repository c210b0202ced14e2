/**
 * Gradients of flash attention, an invocation a query or a key. Every probability is recomputed from q, k and the
 * query's statistics.
 */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { elementOf, type FlashText, flashHead } from './flashAttention.ts';
import { stored } from './stored.ts';

const operands = {
  q: 'read',
  k: 'read',
  v: 'read',
  gradient: 'read',
  statistics: 'read',
  visibility: 'read',
} as const;
export const queriesBindings = { ...operands, dq: 'read_write' } as const;
export const keysBindings = { ...operands, dk: 'read_write', dv: 'read_write' } as const;

const pairs = (text: FlashText) => wgsl`
const elements = ${Math.ceil(text.depth / (text.depth % 4 === 0 ? 4 : 1))};

struct Pair {
  /** What the key's value is worth to the context: the probability, after dropout. */
  share: f32,
  /** Gradient of q · k. */
  slope: f32,
}

/** What passes between a query and a key that it sees, from q · k and from the context's gradient times the value. */
fn pairOf(sight: vec4u, row: u32, score: f32, worth: f32, keep: f32) -> Pair {
  let probability = exp(scaleOf(sight) * score - statistics[2 * row]);
  let slope = probability * (worth * keep - statistics[2 * row + 1]);
  return Pair(probability * keep, params.scale * slope);
}
`;

const main = (count: 'queries' | 'keys', process: string) => wgsl`
@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let at = flatWorkgroup(workgroup, workgroups) * 64 + lane;
  if (at < params.count * params.${count}) { ${process}(at / params.${count}, at % params.${count}); }
}
`;

/** An invocation takes a query and walks the keys. */
export const flashQueriesRow = (text: FlashText) => wgsl`
${stored(text.f16).enable}
${flashHead(text, queriesBindings)}
${pairs(text)}

fn processQuery(head: u32, query: u32) {
  let offset = headOffsets(head);
  let line = (offset.x + query * params.row) / width;
  let sight = sightOf(head, query);
  let row = head * params.queries + query;
  let length = params.depth / width;
  var mine: array<Element, elements>;
  var wanted: array<Element, elements>;
  var sums: array<Element, elements>;
  for (var n = 0u; n < length; n++) {
    mine[n] = Element(q[line + n]);
    wanted[n] = Element(gradient[line + n]);
  }
  for (var key = sight.x; key < sight.y; key++) {
    if (!seen(sight, key / 4, labelsOf(head, key / 4))[key % 4]) {
      continue;
    }
    let other = (offset.y + key * params.row) / width;
    var score = Element(0);
    var worth = Element(0);
    for (var n = 0u; n < length; n++) {
      score += mine[n] * Element(k[other + n]);
      worth += wanted[n] * Element(v[other + n]);
    }
    let pair = pairOf(sight, row, sumOf(score), sumOf(worth), kept(row, key / 4)[key % 4]);
    for (var n = 0u; n < length; n++) { sums[n] += pair.slope * Element(k[other + n]); }
  }
  for (var n = 0u; n < length; n++) { dq[line + n] = ${elementOf(text, 'dq')}(sums[n]); }
}

${main('queries', 'processQuery')}
`;

/** An invocation takes a key and walks the queries. */
export const flashKeysRow = (text: FlashText) => wgsl`
${stored(text.f16).enable}
${flashHead(text, keysBindings)}
${pairs(text)}

fn processKey(head: u32, key: u32) {
  let offset = headOffsets(head);
  let line = (offset.y + key * params.row) / width;
  let labels = labelsOf(head, key / 4);
  let length = params.depth / width;
  var mine: array<Element, elements>;
  var value: array<Element, elements>;
  var sums: array<Element, elements>;
  var valueSums: array<Element, elements>;
  for (var n = 0u; n < length; n++) {
    mine[n] = Element(k[line + n]);
    value[n] = Element(v[line + n]);
  }
  for (var query = 0u; query < params.queries; query++) {
    let sight = sightOf(head, query);
    if (!seen(sight, key / 4, labels)[key % 4]) {
      continue;
    }
    let other = (offset.x + query * params.row) / width;
    let row = head * params.queries + query;
    var score = Element(0);
    var worth = Element(0);
    for (var n = 0u; n < length; n++) {
      score += mine[n] * Element(q[other + n]);
      worth += value[n] * Element(gradient[other + n]);
    }
    let pair = pairOf(sight, row, sumOf(score), sumOf(worth), kept(row, key / 4)[key % 4]);
    for (var n = 0u; n < length; n++) {
      sums[n] += pair.slope * Element(q[other + n]);
      valueSums[n] += pair.share * Element(gradient[other + n]);
    }
  }
  for (var n = 0u; n < length; n++) {
    dk[line + n] = ${elementOf(text, 'dk')}(sums[n]);
    dv[line + n] = ${elementOf(text, 'dv')}(valueSums[n]);
  }
}

${main('keys', 'processKey')}
`;
