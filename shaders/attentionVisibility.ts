import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { flatWorkgroup } from './common.ts';

export interface VisibilityText {
  padding: boolean;
  order: 'any' | 'causal' | 'prefix';
  segments: boolean;
  windowed: boolean;
  dropout: boolean;
}

/** Which keys each query sees, four words an invocation; the layout stands in `src/kernels/attentionVisibility.ts`. */
export const attentionVisibility = (text: VisibilityText) => {
  const { padding, order, segments, dropout } = text;
  const names = [
    padding && 'mask',
    order === 'prefix' && 'prefix',
    segments && 'segments',
    dropout && 'state',
    'visibility',
    'params',
  ].filter((name) => name !== false);
  const binding = (name: string) => `@group(0) @binding(${names.indexOf(name)})`;
  return wgsl`
#if ${padding}
${binding('mask')} var<storage, read> mask: array<u32>;
#endif
#if ${order === 'prefix'}
${binding('prefix')} var<storage, read> prefix: array<u32>;
#endif
#if ${segments}
${binding('segments')} var<storage, read> segments: array<u32>;
#endif
#if ${dropout}
// Seed and step.
${binding('state')} var<storage, read> state: array<u32>;
#endif
${binding('visibility')} var<storage, read_write> visibility: array<vec4u>;

struct Params { batch: u32, queries: u32, keys: u32, window: u32 }
${binding('params')} var<uniform> params: Params;

${flatWorkgroup}

/** The label that a query must share with a key to see it; 0 sees nothing. */
fn queryLabel(item: u32, query: u32) -> u32 {
#if ${segments}
  return segments[item * params.queries + query] + 1;
#else
  return 1;
#endif
}

/** The label of a key; 0 where nobody sees it. */
fn keyLabel(item: u32, key: u32) -> u32 {
  if (key >= params.keys) { return 0; }
#if ${padding}
  if (mask[item * params.keys + key] == 0) { return 0; }
#endif
#if ${segments}
  return segments[item * params.keys + key] + 1;
#else
  return 1;
#endif
}

/** First key, end of the keys, label, and whether the query sees no key at all, which then counts as seeing every one. */
fn sightOf(item: u32, query: u32) -> vec4u {
  let label = queryLabel(item, query);
  var first = 0u;
  var end = params.keys;
#if ${order === 'causal'}
  end = min(end, query + 1);
#elif ${order === 'prefix'}
  end = min(end, max(query + 1, prefix[item]));
#endif
#if ${text.windowed}
  first = max(query, params.window) - params.window;
  end = min(end, query + min(params.window, params.keys) + 1);
#endif
  while (first < end && (label == 0 || keyLabel(item, first) != label)) { first++; }
  while (first < end && keyLabel(item, end - 1) != label) { end--; }
  if (first >= end) {
    return vec4u(0, params.keys, label, 1);
  }
  return vec4u(first, end, label, 0);
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let at = flatWorkgroup(workgroup, workgroups) * 64 + lane;
  let queries = params.batch * params.queries;
  let fours = (params.keys + 3) / 4;
  if (at == 0) {
#if ${dropout}
    visibility[0] = vec4u(state[0], state[1], 0, 0);
#else
    visibility[0] = vec4u();
#endif
  } else if (at <= queries) {
    visibility[at] = sightOf((at - 1) / params.queries, (at - 1) % params.queries);
  } else if (at <= queries + params.batch * fours) {
    let i = at - 1 - queries;
    let item = i / fours;
    let key = i % fours * 4;
    visibility[at] = vec4u(
      keyLabel(item, key), keyLabel(item, key + 1), keyLabel(item, key + 2), keyLabel(item, key + 3),
    );
  }
}
`;
};
