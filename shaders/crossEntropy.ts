import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { onlineSum } from './onlineSum.ts';
import { rowTeams, type Team } from './rows.ts';

/** Whether the gradient of the logits is wanted: not at all, in a buffer of its own, or where the logits stand. */
export type LogitsGradient = 'none' | 'apart' | 'in-place';

/**
 * loss = log Σ exp(x) − x[label] of each row, in one sweep. The gradient takes a second one, while the row is still in
 * the cache, and smoothing one before that. A member meets its own elements only, in every sweep, so that none reads what another
 * has overwritten.
 */
export const crossEntropy = (
  team: Team,
  { gradient, weighted, smoothed }: { gradient: LogitsGradient; weighted: boolean; smoothed: boolean },
) => {
  const wanted = gradient !== 'none';
  const apart = gradient !== 'in-place';
  const next = 1 + Number(apart) + Number(weighted) + Number(wanted);
  const weight = weighted ? 'weights[row] * ' : '';
  const lessEven = smoothed ? ' - even' : '';
  return wgsl`
${rowTeams(team)}

#if ${apart}
@group(0) @binding(0) var<storage, read> logits: array<Element>;
#endif
@group(0) @binding(${Number(apart)}) var<storage, read> labels: array<i32>;
#if ${weighted}
@group(0) @binding(${1 + Number(apart)}) var<storage, read> weights: array<f32>;
#endif
#if ${wanted}
@group(0) @binding(${next - 1}) var<storage, read> normalizer: array<f32>;
@group(0) @binding(${next + 2}) var<storage, read_write> dlogits: array<Element>;
#endif
@group(0) @binding(${next}) var<storage, read_write> loss: array<f32>;
@group(0) @binding(${next + 1}) var<storage, read_write> correct: array<u32>;

struct Params { rows: u32, columns: u32, pitch: u32, ignoreIndex: i32, smoothing: f32 }
@group(0) @binding(${next + 2 + Number(wanted)}) var<uniform> params: Params;

fn scores(i: u32) -> Element {
#if ${apart}
  return logits[i];
#else
  return dlogits[i];
#endif
}

${onlineSum}

#if ${team.width === 4}
fn pick(x: Element, at: u32) -> f32 { return x[at]; }
#else
fn pick(x: Element, at: u32) -> f32 { return x; }
#endif

/** The same with the columns that lie beyond the last one at \`beyond\`. */
fn within(x: Element, c: u32, beyond: f32) -> Element {
  return select(Element(beyond), x, c * ${team.width} + offsets < Index(params.columns));
}

fn processRow(row: u32, member: u32, team: u32) {
  let whole = params.columns / ${team.width};
  let pitch = params.pitch / ${team.width};
  let start = row * pitch;
  if (labels[row] == params.ignoreIndex) {
    if (member == 0) {
      loss[row] = 0;
      correct[row] = 0;
    }
#if ${wanted}
    for (var c = member; c < pitch; c += team) { dlogits[start + c] = Element(0); }
#endif
    return;
  }

  let label = u32(labels[row]);
  let place = label / ${team.width};
  let mine = label < params.columns && place % team == member;
  var own = lowest;
  if (mine) { own = pick(scores(start + place), label % ${team.width}); }

  var all = onlineSum(start, whole, member, team);
#if ${team.width === 4}
  if (params.columns % 4 != 0 && whole % team == member) {
    all = include(all, within(scores(start + whole), whole, lowest));
  }
#endif
  let top = teamMax(all.highest);
  let total = teamSum(sumOf(all.sums) * exp(all.highest - top));
  let chosen = teamMax(own);

  // Of equal logits the first is the prediction. Few rows come here with a label that is among the largest.
  var ties = Element(0);
  if (chosen == top && label < params.columns) {
    for (var c = member; c <= place; c += team) {
      let before = c * ${team.width} + offsets < Index(label);
      ties += select(Element(0), Element(1), before & (scores(start + c) == Element(top)));
    }
  }
  let tied = teamSum(sumOf(ties));
  var gap = top - chosen;
#if ${smoothed}
  var gaps = Element(0);
  for (var c = member; c < whole; c += team) { gaps += top - scores(start + c); }
#if ${team.width === 4}
  if (params.columns % 4 != 0 && whole % team == member) {
    gaps += top - within(scores(start + whole), whole, top);
  }
#endif
  gap = mix(gap, teamSum(sumOf(gaps)) / f32(params.columns), params.smoothing);
#endif
  if (member == 0) {
    loss[row] = ${weight}(gap + log(total));
    correct[row] = u32(chosen == top && label < params.columns && tied == 0);
  }

#if ${wanted}
  let scale = ${weight}select(0, 1 / max(normalizer[0], 1e-30), normalizer[0] > 0);
  let factor = scale / total;
#if ${smoothed}
  let even = scale * params.smoothing / f32(params.columns);
  let truth = scale * (1 - params.smoothing);
#else
  let truth = scale;
#endif
  var c = member;
  for (; c < whole; c += team) { dlogits[start + c] = exp(scores(start + c) - top) * factor${lessEven}; }
  for (; c < pitch; c += team) { dlogits[start + c] = within(exp(scores(start + c) - top) * factor${lessEven}, c, 0); }
  if (mine) {
    let change = exp(own - top) * factor${lessEven} - truth;
#if ${team.width === 4}
    dlogits[start + place][label % 4] = change;
#else
    dlogits[start + place] = change;
#endif
  }
#endif
}
`;
};

/** How many labels count, as a float. */
export const crossEntropyCount = (team: Team) => wgsl`
${rowTeams(team)}

#if ${team.width === 4}
alias Label = vec4i;
#else
alias Label = i32;
#endif

@group(0) @binding(0) var<storage, read> labels: array<Label>;
@group(0) @binding(1) var<storage, read_write> count: array<f32>;

struct Params { rows: u32, columns: u32, ignoreIndex: i32 }
@group(0) @binding(2) var<uniform> params: Params;

fn processRow(row: u32, member: u32, team: u32) {
  var counted = Element(0);
  for (var c = member; c < params.columns / ${team.width}; c += team) {
    counted += select(Element(0), Element(1), labels[c] != Label(params.ignoreIndex));
  }
  let sum = teamSum(sumOf(counted));
  if (member == 0) { count[0] = sum; }
}
`;

/** Adds up what the rows have: the loss over the normalizer, and how many are right. */
export const crossEntropyTotal = (team: Team) => wgsl`
${rowTeams(team)}

@group(0) @binding(0) var<storage, read> loss: array<Element>;
@group(0) @binding(1) var<storage, read> correct: array<Index>;
@group(0) @binding(2) var<storage, read> normalizer: array<f32>;
@group(0) @binding(3) var<storage, read_write> total: array<f32>;
@group(0) @binding(4) var<storage, read_write> hits: array<f32>;

struct Params { rows: u32, columns: u32 }
@group(0) @binding(5) var<uniform> params: Params;

fn processRow(row: u32, member: u32, team: u32) {
  var losses = Element(0);
  var right = Element(0);
  for (var c = member; c < params.columns / ${team.width}; c += team) {
    losses += loss[c];
    right += Element(correct[c]);
  }
  let lossSum = teamSum(sumOf(losses));
  let hitSum = teamSum(sumOf(right));
  if (member == 0) {
    let n = normalizer[0];
    total[0] = select(0, lossSum / max(n, 1e-30), n > 0);
    hits[0] = hitSum;
  }
}
`;
