import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { rowTeams, type Team } from './rows.ts';
import { stored } from './stored.ts';

export interface MaskText {
  padding: boolean;
  order: 'any' | 'causal' | 'prefix';
  segments: boolean;
  windowed: boolean;
  f16?: readonly string[];
}

/** Softmax of attention scores, in place, over the keys that each query can see; the others get exactly 0. */
export const maskedSoftmax = (team: Team, { padding, order, segments, windowed, f16 }: MaskText) => {
  const { enable, type } = stored(f16, team.width);
  return wgsl`
${enable}
${rowTeams(team)}

@group(0) @binding(0) var<storage, read_write> scores: array<${type('scores')}>;
#if ${padding}
@group(0) @binding(1) var<storage, read> mask: array<Index>;
#endif
#if ${order === 'prefix'}
@group(0) @binding(${padding ? 2 : 1}) var<storage, read> prefix: array<u32>;
#endif
#if ${segments}
@group(0) @binding(${1 + Number(padding) + Number(order === 'prefix')}) var<storage, read> segments: array<u32>;
#endif

struct Params { rows: u32, heads: u32, queries: u32, keys: u32, window: u32 }
@group(0) @binding(${1 + Number(padding) + Number(order === 'prefix') + Number(segments)}) var<uniform> params: Params;

#if ${team.width === 4}
alias Choice = vec4<bool>;
#else
alias Choice = bool;
#endif

/** Which keys of element c a query sees: those from reach.x up to reach.y that neither padding nor segments hide. */
fn seen(item: u32, query: u32, c: u32, reach: vec2u) -> Choice {
  let key = c * ${team.width} + offsets;
  var sees = (key >= Index(reach.x)) & (key < Index(reach.y));
#if ${padding}
  sees = sees & (mask[item * (params.keys / ${team.width}) + c] != Index(0));
#endif
#if ${segments}
  let own = segments[item * params.queries + query];
#if ${team.width === 4}
  let at = item * params.keys + 4 * c;
  let others = vec4u(segments[at], segments[at + 1], segments[at + 2], segments[at + 3]);
#else
  let others = segments[item * params.keys + c];
#endif
  sees = sees & (others == Index(own)) & (Index(own) != Index(0xffffffff));
#endif
  return sees;
}

fn processRow(row: u32, member: u32, team: u32) {
  let columns = params.keys / ${team.width};
  let start = row * columns;
  let query = row % params.queries;
  let item = row / (params.heads * params.queries);

  var reach = vec2u(0, params.keys);
#if ${order === 'causal'}
  reach.y = min(params.keys, query + 1);
#elif ${order === 'prefix'}
  reach.y = min(params.keys, max(query + 1, prefix[item]));
#endif
#if ${windowed}
  reach = vec2u(
    max(query, params.window) - params.window,
    min(reach.y, query + min(params.window, params.keys) + 1),
  );
#endif
  let near = (reach.y + ${team.width - 1}) / ${team.width};

  var highest = Element(lowest);
  for (var c = member; c < near; c += team) {
    highest = max(highest, select(Element(lowest), Element(scores[start + c]), seen(item, query, c, reach)));
  }
  let top = teamMax(maxOf(highest));

  var sums = Element(0);
  for (var c = member; c < near; c += team) {
    sums += select(Element(0), exp(Element(scores[start + c]) - top), seen(item, query, c, reach));
  }
  let total = teamSum(sumOf(sums));

  var c = member;
  if (total == 0) {
    // A query that sees nothing: all its scores count as equally low.
    for (; c < columns; c += team) { scores[start + c] = ${type('scores')}(Element(1 / f32(params.keys))); }
    return;
  }
  let scale = 1 / total;
  for (; c < near; c += team) {
    let share = exp(Element(scores[start + c]) - top) * scale;
    scores[start + c] = ${type('scores')}(select(Element(0), share, seen(item, query, c, reach)));
  }
  for (; c < columns; c += team) { scores[start + c] = ${type('scores')}(); }
}
`;
};
