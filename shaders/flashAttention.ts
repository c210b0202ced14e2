/** Flash attention: what its kernels share, and the forward variant that needs no explanation. */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { flatWorkgroup } from './common.ts';
import { pcg4d } from './random.ts';
import { stored } from './stored.ts';

/** What the text depends on. Shapes and strides are in `Params`. */
export interface FlashText {
  depth: number;
  /** Whether some queries do not see some keys. */
  masked: boolean;
  /** Whether a query may not see some keys between the first and the last that it sees. */
  holes: boolean;
  dropout: boolean;
  /** Whether the keys are a multiple of four, so that four neighbouring probabilities share one draw of dropout. */
  fours: boolean;
  f16?: readonly string[];
}

/** Bindings by name, with their access, in order; parameters; and who sees what. */
export const flashHead = (text: FlashText, bindings: Readonly<Record<string, 'read' | 'read_write'>>) => {
  const { depth, masked, holes, dropout, fours } = text;
  const present = Object.entries(bindings).filter(([name]) => name !== 'visibility' || masked || dropout);
  const declared = present.map(([name, access], i) => {
    const element = ofDepth.has(name) ? elementOf(text, name) : 'f32';
    return `@group(0) @binding(${i}) var<storage, ${access}> ${name}: array<${name === 'visibility' ? 'vec4u' : element}>;`;
  });
  return wgsl`
#if ${depth % 4 === 0}
alias Element = vec4f;
const width = 4u;
fn sumOf(x: Element) -> f32 { return (x.x + x.y) + (x.z + x.w); }
#else
alias Element = f32;
const width = 1u;
fn sumOf(x: Element) -> f32 { return x; }
#endif

${declared.join('\n')}

struct Params {
  // Heads of all items together, and of one.
  count: u32, heads: u32,
  queries: u32, keys: u32, depth: u32,
  // Elements from one token to the next, and from one head to the next.
  row: u32, headQ: u32, headK: u32,
  scale: f32,
  layer: u32, threshold: u32, keep: f32,
}
@group(0) @binding(${present.length}) var<uniform> params: Params;

/** The least finite float: smaller than any score, and safe to subtract from. */
const lowest = -3.4028234e38;

${flatWorkgroup}

/** Where the queries (x) and the keys (y) of a head begin. */
fn headOffsets(head: u32) -> vec2u {
  let item = head / params.heads * params.heads * params.depth;
  let inside = head % params.heads;
  return item * vec2u(params.queries, params.keys) + inside * vec2u(params.headQ, params.headK);
}

/** First key, end of the keys, label, and whether the query is blind. */
fn sightOf(head: u32, query: u32) -> vec4u {
#if ${masked}
  return visibility[1 + head / params.heads * params.queries + query];
#else
  return vec4u(0, params.keys, 0, 0);
#endif
}

/** Labels of keys 4·four … 4·four + 3. */
fn labelsOf(head: u32, four: u32) -> vec4u {
#if ${holes}
  let fours = (params.keys + 3) / 4;
  let at = params.count / params.heads * params.queries + head / params.heads * fours;
  return visibility[1 + at + min(four, fours - 1)];
#else
  return vec4u();
#endif
}

/** Which of keys 4·four … 4·four + 3 a query sees. */
fn seen(sight: vec4u, four: u32, labels: vec4u) -> vec4<bool> {
  let key = 4 * four + vec4u(0, 1, 2, 3);
  let within = (key >= vec4u(sight.x)) & (key < vec4u(sight.y));
#if ${holes}
  return within & ((labels == vec4u(sight.z)) | vec4<bool>(sight.w != 0));
#else
  return within;
#endif
}

/** What q · k is multiplied with. All scores of a blind query are 0, so that it attends evenly. */
fn scaleOf(sight: vec4u) -> f32 {
#if ${masked}
  return select(params.scale, 0.0, sight.w != 0);
#else
  return params.scale;
#endif
}

#if ${dropout}
${pcg4d}

/** What dropout multiplies a query's probabilities of keys 4·four … 4·four + 3 with; \`row\` counts queries of all heads. */
fn kept(row: u32, four: u32) -> vec4f {
  let state = visibility[0];
  let at = row * params.keys + 4 * four;
#if ${fours}
  let words = pcg4d(vec4u(state.x, state.y, params.layer, at / 4));
#else
  // The four lie in two draws that follow one another.
  let drawn = array(
    pcg4d(vec4u(state.x, state.y, params.layer, at / 4)),
    pcg4d(vec4u(state.x, state.y, params.layer, at / 4 + 1)),
  );
  let i = at % 4 + vec4u(0, 1, 2, 3);
  let words = vec4u(
    drawn[i.x / 4][i.x % 4], drawn[i.y / 4][i.y % 4], drawn[i.z / 4][i.z % 4], drawn[i.w / 4][i.w % 4],
  );
#endif
  return select(vec4f(), vec4f(params.keep), (words >> vec4u(8)) >= vec4u(params.threshold));
}
#else
fn kept(row: u32, four: u32) -> vec4f { return vec4f(1); }
#endif
`;
};

/** How an element of the depth is stored in a binding. */
export const elementOf = ({ depth, f16 }: Pick<FlashText, 'depth' | 'f16'>, name: string) =>
  stored(f16, depth % 4 === 0 ? 4 : 1).type(name);

/** Bindings that are read in elements of the depth. */
const ofDepth = new Set(['q', 'k', 'v', 'gradient', 'context', 'dq', 'dk', 'dv']);

export const forwardBindings = {
  q: 'read',
  k: 'read',
  v: 'read',
  visibility: 'read',
  context: 'read_write',
  logSum: 'read_write',
} as const;

/**
 * One query an invocation, which holds the query and its context, and walks the keys four at a time. The context is kept
 * relative to the highest score so far, and shrinks when a higher one comes (Milakov and Gimelshein, 2018).
 */
export const flashAttentionRow = (text: FlashText) => wgsl`
${stored(text.f16).enable}
${flashHead(text, forwardBindings)}

const elements = ${Math.ceil(text.depth / (text.depth % 4 === 0 ? 4 : 1))};

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = flatWorkgroup(workgroup, workgroups) * 64 + lane;
  if (row >= params.count * params.queries) {
    return;
  }
  let head = row / params.queries;
  let query = row % params.queries;
  let offset = headOffsets(head);
  let line = (offset.x + query * params.row) / width;
  let sight = sightOf(head, query);
  let scale = scaleOf(sight);
  let length = params.depth / width;

  var mine: array<Element, elements>;
  for (var n = 0u; n < length; n++) { mine[n] = Element(q[line + n]); }
  var sums: array<Element, elements>;
  var highest = lowest;
  var total = 0.0;
  for (var four = sight.x / 4; 4 * four < sight.y; four++) {
    let sees = seen(sight, four, labelsOf(head, four));
    if (!any(sees)) {
      continue;
    }
    // Keys past the last repeat it; they are not seen.
    let key = (offset.y + min(4 * four + vec4u(0, 1, 2, 3), vec4u(params.keys - 1)) * params.row) / width;
    var products = array<Element, 4>();
    for (var n = 0u; n < length; n++) {
      for (var j = 0u; j < 4; j++) { products[j] += mine[n] * Element(k[key[j] + n]); }
    }
    let dots = vec4f(sumOf(products[0]), sumOf(products[1]), sumOf(products[2]), sumOf(products[3]));
    let scores = select(vec4f(lowest), scale * dots, sees);
    let top = max(highest, max(max(scores.x, scores.y), max(scores.z, scores.w)));
    let weights = select(vec4f(), exp(scores - top), sees);
    let shrink = exp(highest - top);
    highest = top;
    total = total * shrink + dot(weights, vec4f(1));
    let shares = weights * kept(row, four);
    for (var n = 0u; n < length; n++) {
      var sum = sums[n] * shrink;
      for (var j = 0u; j < 4; j++) { sum += shares[j] * Element(v[key[j] + n]); }
      sums[n] = sum;
    }
  }
  for (var n = 0u; n < length; n++) { context[line + n] = ${elementOf(text, 'context')}(sums[n] / total); }
  logSum[row] = highest + log(total);
}
`;

/**
 * logSum and Σ gradient · context of every query, side by side: what the probabilities and the gradient of the scores are
 * recomputed from.
 */
export const flashStatistics = (text: Pick<FlashText, 'depth' | 'f16'>) => wgsl`
${stored(text.f16).enable}
${flashHead(
  { ...text, masked: false, holes: false, dropout: false, fours: false },
  { gradient: 'read', context: 'read', logSum: 'read', statistics: 'read_write' },
)}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = flatWorkgroup(workgroup, workgroups) * 64 + lane;
  if (row >= params.count * params.queries) {
    return;
  }
  let line = (headOffsets(row / params.queries).x + row % params.queries * params.row) / width;
  var sum = Element(0);
  for (var n = 0u; n < params.depth / width; n++) { sum += Element(gradient[line + n]) * Element(context[line + n]); }
  statistics[2 * row] = logSum[row];
  statistics[2 * row + 1] = sumOf(sum);
}
`;
