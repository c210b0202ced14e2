import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { rowTeams, type Team } from './rows.ts';

export interface MaskText {
  padding: boolean;
  order: 'any' | 'causal' | 'prefix';
}

/** Softmax of attention scores, in place, over the keys that each query can see; the others get exactly 0. */
export const maskedSoftmax = (team: Team, { padding, order }: MaskText) => wgsl`
${rowTeams(team)}

@group(0) @binding(0) var<storage, read_write> scores: array<Element>;
#if ${padding}
@group(0) @binding(1) var<storage, read> mask: array<Index>;
#endif
#if ${order === 'prefix'}
@group(0) @binding(${padding ? 2 : 1}) var<storage, read> prefix: array<u32>;
#endif

struct Params { rows: u32, heads: u32, queries: u32, keys: u32 }
@group(0) @binding(${1 + Number(padding) + Number(order === 'prefix')}) var<uniform> params: Params;

#if ${team.width === 4}
alias Choice = vec4<bool>;
#else
alias Choice = bool;
#endif

/** Which keys of element c can be seen: those before reach that the padding mask of the batch item keeps. */
fn seen(item: u32, c: u32, reach: u32) -> Choice {
  let near = c * ${team.width} + offsets < Index(reach);
#if ${padding}
  return near & (mask[item * (params.keys / ${team.width}) + c] != Index(0));
#else
  return near;
#endif
}

fn processRow(row: u32, member: u32, team: u32) {
  let columns = params.keys / ${team.width};
  let start = row * columns;
  let query = row % params.queries;
  let item = row / (params.heads * params.queries);

#if ${order === 'causal'}
  let reach = min(params.keys, query + 1);
#elif ${order === 'prefix'}
  let reach = min(params.keys, max(query + 1, prefix[item]));
#else
  let reach = params.keys;
#endif
  let near = (reach + ${team.width - 1}) / ${team.width};

  var highest = Element(lowest);
  for (var c = member; c < near; c += team) {
    highest = max(highest, select(Element(lowest), scores[start + c], seen(item, c, reach)));
  }
  let top = teamMax(maxOf(highest));

  var sums = Element(0);
  for (var c = member; c < near; c += team) {
    sums += select(Element(0), exp(scores[start + c] - top), seen(item, c, reach));
  }
  let total = teamSum(sumOf(sums));

  var c = member;
  if (total == 0) {
    // A query that sees nothing: all its scores count as equally low.
    for (; c < columns; c += team) { scores[start + c] = Element(1 / f32(params.keys)); }
    return;
  }
  let scale = 1 / total;
  for (; c < near; c += team) {
    scores[start + c] = select(Element(0), exp(scores[start + c] - top) * scale, seen(item, c, reach));
  }
  for (; c < columns; c += team) { scores[start + c] = Element(0); }
}
`;
