import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { flatWorkgroup } from './common.ts';
import { pcg4d } from './random.ts';
import { rowTeams, type Team } from './rows.ts';

/** The largest of logits + Gumbel noise in each row: its column, and a row of zeros with a one there. */
export const sampleRows = (team: Team) => wgsl`
${rowTeams(team)}
${pcg4d}

@group(0) @binding(0) var<storage, read> logits: array<Element>;
// Seed and step.
@group(0) @binding(1) var<storage, read> state: array<u32>;
@group(0) @binding(2) var<storage, read_write> chosen: array<u32>;
@group(0) @binding(3) var<storage, read_write> oneHot: array<Element>;

struct Params { rows: u32, columns: u32, layer: u32 }
@group(0) @binding(4) var<uniform> params: Params;

/** −log(1 − u) of uniform numbers: the logarithm is inexact near 1, where the series is not. */
fn exponential(word: Index) -> Element {
  let u = (Element(word >> Index(9)) + 0.5) / 8388608.0;
  return select(-log(1 - u), u * (1 + u * (0.5 + u / 3)), u < Element(0.01));
}

fn noisy(i: u32) -> Element {
#if ${team.width === 4}
  let words = pcg4d(vec4u(state[0], state[1], params.layer, i));
#else
  let words = pcg4d(vec4u(state[0], state[1], params.layer, i / 4))[i % 4];
#endif
  return logits[i] - log(exponential(words));
}

fn processRow(row: u32, member: u32, team: u32) {
  let width = params.columns / ${team.width};
  let start = row * width;
  var best = Element(lowest);
  var places = Index(0);
  for (var c = member; c < width; c += team) {
    let score = noisy(start + c);
    places = select(places, Index(c), score > best);
    best = max(best, score);
  }
  // A column is exact as a float; of equal scores the first column wins.
  let top = teamMax(maxOf(best));
  let columns = Element(places * ${team.width} + offsets);
  let first = -teamMax(maxOf(select(Element(lowest), -columns, best == Element(top))));
  let column = u32(first);
  if (member == 0) { chosen[row] = column; }
  for (var c = member; c < width; c += team) {
    oneHot[start + c] = select(Element(0), Element(1), c * ${team.width} + offsets == Index(column));
  }
}
`;

/** Labels become 1 where the chosen token is another than the true one. */
export const markReplaced = () => wgsl`
${flatWorkgroup}

@group(0) @binding(0) var<storage, read> chosen: array<u32>;
@group(0) @binding(1) var<storage, read> truth: array<i32>;
@group(0) @binding(2) var<storage, read> positions: array<u32>;
@group(0) @binding(3) var<storage, read_write> labels: array<i32>;

struct Params { count: u32 }
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flatWorkgroup(workgroup, workgroups) * 64 + lane;
  if (i >= params.count || truth[i] < 0) { return; }
  if (i32(chosen[i]) != truth[i]) { labels[positions[i]] = 1; }
}
`;
