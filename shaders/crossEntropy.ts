import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { rowTeams, type Team } from './rows.ts';

/**
 * loss = log Σ exp(x) − x[label] of each row, in one sweep: the sum is kept relative to the largest logit so far and
 * rescaled when a larger one comes (Milakov and Gimelshein, 2018).
 */
export const crossEntropy = (team: Team) => wgsl`
${rowTeams(team)}

@group(0) @binding(0) var<storage, read> logits: array<Element>;
@group(0) @binding(1) var<storage, read> labels: array<i32>;
@group(0) @binding(2) var<storage, read_write> loss: array<f32>;
@group(0) @binding(3) var<storage, read_write> logSumExp: array<vec2f>;
@group(0) @binding(4) var<storage, read_write> correct: array<u32>;

struct Params { rows: u32, columns: u32, ignoreIndex: i32 }
@group(0) @binding(5) var<uniform> params: Params;

fn processRow(row: u32, member: u32, team: u32) {
  let columns = params.columns / ${team.width};
  let start = row * columns;
  let label = u32(labels[row]);
  let valid = label < params.columns;
  var own = lowest;
  if (valid) {
#if ${team.width === 4}
    own = logits[start + label / 4][label % 4];
#else
    own = logits[start + label];
#endif
  }

  var highest = lowest;
  var sum = 0.0;
  var ties = Element(0);
  for (var c = member; c < columns; c += team) {
    let x = logits[start + c];
    let high = max(highest, maxOf(x));
    sum = sum * exp(highest - high) + sumOf(exp(x - high));
    highest = high;
    let before = c * ${team.width} + offsets < Index(label);
    ties += select(Element(0), Element(1), before & (x == Element(own)));
  }
  let top = teamMax(highest);
  let logSum = log(teamSum(sum * exp(highest - top)));
  let tied = teamSum(sumOf(ties));

  if (member == 0) {
    let counts = labels[row] != params.ignoreIndex;
    loss[row] = select(0, (top - own) + logSum, counts);
    logSumExp[row] = vec2f(top, logSum);
    correct[row] = u32(counts && valid && own == top && tied == 0);
  }
}
`;

/** Adds up what the rows have: the loss over a normalizer, how many rows count, and how many are right. */
export const crossEntropyTotal = (team: Team, normalizer: boolean) => wgsl`
${rowTeams(team)}

#if ${team.width === 4}
alias Label = vec4i;
#else
alias Label = i32;
#endif

@group(0) @binding(0) var<storage, read> loss: array<Element>;
@group(0) @binding(1) var<storage, read> correct: array<Index>;
@group(0) @binding(2) var<storage, read> labels: array<Label>;
#if ${normalizer}
@group(0) @binding(3) var<storage, read> normalizer: array<f32>;
#endif
@group(0) @binding(${3 + Number(normalizer)}) var<storage, read_write> total: array<f32>;
@group(0) @binding(${4 + Number(normalizer)}) var<storage, read_write> count: array<f32>;
@group(0) @binding(${5 + Number(normalizer)}) var<storage, read_write> hits: array<f32>;

struct Params { rows: u32, columns: u32, ignoreIndex: i32 }
@group(0) @binding(${6 + Number(normalizer)}) var<uniform> params: Params;

fn processRow(row: u32, member: u32, team: u32) {
  var losses = Element(0);
  var counted = Element(0);
  var right = Element(0);
  for (var c = member; c < params.columns / ${team.width}; c += team) {
    losses += loss[c];
    counted += select(Element(0), Element(1), labels[c] != Label(params.ignoreIndex));
    right += Element(correct[c]);
  }
  let lossSum = teamSum(sumOf(losses));
  let countSum = teamSum(sumOf(counted));
  let hitSum = teamSum(sumOf(right));
  if (member == 0) {
#if ${normalizer}
    let n = normalizer[0];
#else
    let n = countSum;
#endif
    total[0] = select(0, lossSum / max(n, 1e-30), n > 0);
    count[0] = countSum;
    hits[0] = hitSum;
  }
}
`;

/** dlogits = (softmax − one-hot) · gradient / normalizer in rows that count, 0 in the others. */
export const crossEntropyBackward = (team: Team) => wgsl`
${rowTeams(team)}

@group(0) @binding(0) var<storage, read> logits: array<Element>;
@group(0) @binding(1) var<storage, read> labels: array<i32>;
@group(0) @binding(2) var<storage, read> logSumExp: array<vec2f>;
@group(0) @binding(3) var<storage, read> gradient: array<f32>;
@group(0) @binding(4) var<storage, read> normalizer: array<f32>;
@group(0) @binding(5) var<storage, read_write> dlogits: array<Element>;

struct Params { rows: u32, columns: u32, ignoreIndex: i32 }
@group(0) @binding(6) var<uniform> params: Params;

fn processRow(row: u32, member: u32, team: u32) {
  let columns = params.columns / ${team.width};
  let start = row * columns;
  let label = Index(u32(labels[row]));
  let counts = labels[row] != params.ignoreIndex && normalizer[0] > 0;
  let scale = select(0, gradient[0] / max(normalizer[0], 1e-30), counts);
  let lse = logSumExp[row];
  for (var c = member; c < columns; c += team) {
    let p = exp((logits[start + c] - lse.x) - lse.y);
    let own = c * ${team.width} + offsets == label;
    dlogits[start + c] = select(p, p - 1, own) * scale;
  }
}
`;
