import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { flatWorkgroup } from './common.ts';
import { dropped } from './dropout.ts';
import { rowTeams, type Team } from './rows.ts';
import { stored } from './stored.ts';

/** Which buffers take part; each leaves out what it does not name. */
export interface LayerNormText {
  weight: boolean;
  bias: boolean;
  /** Whether x is first added to a residual; the sum is then written and normalised. */
  residual: boolean;
  /** Whether x is dropped out before that. */
  dropout: boolean;
  f16?: readonly string[];
}

export interface LayerNormBackwardText {
  weight: boolean;
  /** Whether a gradient reaches the sum from elsewhere. */
  dsum: boolean;
  /** Whether the gradient is wanted of what was dropped out, too. */
  dropout: boolean;
  f16?: readonly string[];
}

/** y = (s − mean) rstd · weight + bias along each row of s, where s is x or residual + dropout(x). */
export const layerNorm = (team: Team, { weight, bias, residual, dropout, f16 }: LayerNormText) => {
  const { enable, type } = stored(f16, team.width);
  let binding = 0;
  return wgsl`
${enable}
${rowTeams(team)}

@group(0) @binding(${binding++}) var<storage, read> x: array<${type('x')}>;
#if ${residual}
@group(0) @binding(${residual ? binding++ : 0}) var<storage, read> residual: array<${type('residual')}>;
#endif
#if ${dropout}
@group(0) @binding(${dropout ? binding++ : 0}) var<storage, read> state: array<u32>;
#endif
#if ${weight}
@group(0) @binding(${weight ? binding++ : 0}) var<storage, read> weight: array<Element>;
#endif
#if ${bias}
@group(0) @binding(${bias ? binding++ : 0}) var<storage, read> bias: array<Element>;
#endif
@group(0) @binding(${binding++}) var<storage, read_write> y: array<${type('y')}>;
#if ${residual}
@group(0) @binding(${residual ? binding++ : 0}) var<storage, read_write> sum: array<${type('sum')}>;
#endif
// Of each row: its mean less its first number, and 1 / sqrt(variance + eps).
@group(0) @binding(${binding++}) var<storage, read_write> statistics: array<vec2f>;

struct Params { rows: u32, columns: u32, eps: f32, layer: u32, threshold: u32, scale: f32 }
@group(0) @binding(${binding}) var<uniform> params: Params;

// A sum is normalised as it is stored, since that is what backward will see.
#if ${dropout}
${dropped(team.width)}
fn arriving(i: u32) -> Element {
  return Element(${type('sum')}(Element(residual[i]) + dropped(Element(x[i]), i)));
}
#elif ${residual}
fn arriving(i: u32) -> Element { return Element(${type('sum')}(Element(residual[i]) + Element(x[i]))); }
#else
fn arriving(i: u32) -> Element { return Element(x[i]); }
#endif

/** What arrives at i, kept for the second sweep where it had to be computed. */
fn take(i: u32) -> Element {
  let value = arriving(i);
#if ${residual}
  sum[i] = ${type('sum')}(value);
#endif
  return value;
}

#if ${residual}
fn normalized(i: u32) -> Element { return Element(sum[i]); }
#else
fn normalized(i: u32) -> Element { return Element(x[i]); }
#endif

fn processRow(row: u32, member: u32, team: u32) {
  let columns = params.columns / ${team.width};
  let start = row * columns;
  // Measured from the row's first number, so that a large common part costs no digits.
  let origin = firstOf(arriving(start));

  // Mean and squared deviations of four elements at a time, joined to those before by the rule of Chan, Golub and
  // LeVeque (1979): one sweep, and as exact as two.
  var n = 0.0;
  var means = Element(0);
  var squares = Element(0);
  var at = member;
  for (; at + 3 * team < columns; at += 4 * team) {
    let x0 = take(start + at) - origin;
    let x1 = take(start + at + team) - origin;
    let x2 = take(start + at + 2 * team) - origin;
    let x3 = take(start + at + 3 * team) - origin;
    let middle = ((x0 + x1) + (x2 + x3)) / 4;
    let d0 = x0 - middle;
    let d1 = x1 - middle;
    let d2 = x2 - middle;
    let d3 = x3 - middle;
    let change = middle - means;
    let share = 4 / (n + 4);
    squares += ((d0 * d0 + d1 * d1) + (d2 * d2 + d3 * d3)) + change * change * (n * share);
    means += change * share;
    n += 4;
  }
  for (; at < columns; at += team) {
    let change = (take(start + at) - origin) - means;
    let share = 1 / (n + 1);
    squares += change * change * (n * share);
    means += change * share;
    n += 1;
  }
  let offset = teamSum(sumOf(means) * n) / f32(params.columns);
  let apart = means - offset;
  let variance = teamSum(sumOf(squares + apart * apart * n)) / f32(params.columns);
  let rstd = 1 / sqrt(variance + params.eps);

  for (var c = member; c < columns; c += team) {
    var normal = ((normalized(start + c) - origin) - offset) * rstd;
#if ${weight}
    normal *= weight[c];
#endif
#if ${bias}
    normal += bias[c];
#endif
    y[start + c] = ${type('y')}(normal);
  }
  if (member == 0) { statistics[row] = vec2f(offset, rstd); }
}
`;
};

/**
 * dx = rstd (g − mean(g) − n mean(g n)) + dsum, where x is what was normalised, n the normalised row, g = dy · weight; and
 * dbranch = dropped(dx), the gradient of what was dropped out before it was added to the residual.
 */
export const layerNormBackward = (team: Team, { weight, dsum, dropout, f16 }: LayerNormBackwardText) => {
  const { enable, type } = stored(f16, team.width);
  let binding = 0;
  return wgsl`
${enable}
${rowTeams(team)}

@group(0) @binding(${binding++}) var<storage, read> x: array<${type('x')}>;
#if ${weight}
@group(0) @binding(${weight ? binding++ : 0}) var<storage, read> weight: array<Element>;
#endif
@group(0) @binding(${binding++}) var<storage, read> dy: array<${type('dy')}>;
#if ${dsum}
@group(0) @binding(${dsum ? binding++ : 0}) var<storage, read> dsum: array<${type('dsum')}>;
#endif
@group(0) @binding(${binding++}) var<storage, read> statistics: array<vec2f>;
#if ${dropout}
@group(0) @binding(${dropout ? binding++ : 0}) var<storage, read> state: array<u32>;
#endif
@group(0) @binding(${binding++}) var<storage, read_write> dx: array<${type('dx')}>;
#if ${dropout}
@group(0) @binding(${dropout ? binding++ : 0}) var<storage, read_write> dbranch: array<${type('dbranch')}>;
#endif

struct Params { rows: u32, columns: u32, layer: u32, threshold: u32, scale: f32 }
@group(0) @binding(${binding}) var<uniform> params: Params;

#if ${dropout}
${dropped(team.width)}
#endif

fn weighted(i: u32, c: u32) -> Element {
#if ${weight}
  return Element(dy[i]) * weight[c];
#else
  return Element(dy[i]);
#endif
}

fn processRow(row: u32, member: u32, team: u32) {
  let columns = params.columns / ${team.width};
  let start = row * columns;
  let origin = firstOf(Element(x[start]));
  let offset = statistics[row].x;
  let rstd = statistics[row].y;

  var sums = Element(0);
  var products = Element(0);
  for (var c = member; c < columns; c += team) {
    let g = weighted(start + c, c);
    sums += g;
    products += g * (((Element(x[start + c]) - origin) - offset) * rstd);
  }
  let meanG = teamSum(sumOf(sums)) / f32(params.columns);
  let meanGN = teamSum(sumOf(products)) / f32(params.columns);

  for (var c = member; c < columns; c += team) {
    let n = ((Element(x[start + c]) - origin) - offset) * rstd;
    var gradient = rstd * (weighted(start + c, c) - meanG - n * meanGN);
#if ${dsum}
    gradient += Element(dsum[start + c]);
#endif
    dx[start + c] = ${type('dx')}(gradient);
#if ${dropout}
    dbranch[start + c] = ${type('dbranch')}(dropped(gradient, start + c));
#endif
  }
}
`;
};

/** Sums over each block of rows, one column (or four) an invocation: of dy times the normalised x, and of dy. */
export const layerNormParameters = (width: 1 | 4, f16?: readonly string[]) => {
  const { enable, type } = stored(f16, width);
  return wgsl`
${enable}
#if ${width === 4}
alias Element = vec4f;
fn firstOf(x: Element) -> f32 { return x.x; }
#else
alias Element = f32;
fn firstOf(x: Element) -> f32 { return x; }
#endif

@group(0) @binding(0) var<storage, read> x: array<${type('x')}>;
@group(0) @binding(1) var<storage, read> dy: array<${type('dy')}>;
@group(0) @binding(2) var<storage, read> statistics: array<vec2f>;
@group(0) @binding(3) var<storage, read_write> dweight: array<Element>;
@group(0) @binding(4) var<storage, read_write> dbias: array<Element>;

struct Params { rows: u32, columns: u32, block: u32 }
@group(0) @binding(5) var<uniform> params: Params;

${flatWorkgroup}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let columns = params.columns / ${width};
  let across = (columns + 63) / 64;
  let index = flatWorkgroup(workgroup, workgroups);
  let c = (index % across) * 64 + lane;
  let block = index / across;
  let first = block * params.block;
  if (c >= columns || first >= params.rows) { return; }

  var products = Element(0);
  var sums = Element(0);
  for (var row = first; row < min(first + params.block, params.rows); row++) {
    let start = row * columns;
    let g = Element(dy[start + c]);
    let x0 = firstOf(Element(x[start]));
    products += g * (((Element(x[start + c]) - x0) - statistics[row].x) * statistics[row].y);
    sums += g;
  }
  dweight[block * columns + c] = products;
  dbias[block * columns + c] = sums;
}
`;
};
