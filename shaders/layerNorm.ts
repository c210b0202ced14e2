import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { flatWorkgroup } from './common.ts';
import { rowTeams, type Team } from './rows.ts';

/** y = (x − mean) rstd · weight + bias along each row; weight and bias may be absent. */
export const layerNorm = (team: Team, weight: boolean, bias: boolean) => {
  const next = 1 + Number(weight) + Number(bias);
  return wgsl`
${rowTeams(team)}

@group(0) @binding(0) var<storage, read> x: array<Element>;
#if ${weight}
@group(0) @binding(1) var<storage, read> weight: array<Element>;
#endif
#if ${bias}
@group(0) @binding(${next - 1}) var<storage, read> bias: array<Element>;
#endif
@group(0) @binding(${next}) var<storage, read_write> y: array<Element>;
@group(0) @binding(${next + 1}) var<storage, read_write> offset: array<f32>;
@group(0) @binding(${next + 2}) var<storage, read_write> rstd: array<f32>;

struct Params { rows: u32, columns: u32, eps: f32 }
@group(0) @binding(${next + 3}) var<uniform> params: Params;

fn processRow(row: u32, member: u32, team: u32) {
  let columns = params.columns / ${team.width};
  let start = row * columns;
  // Measured from the row's first number, so that a large common part costs no digits.
  let origin = firstOf(x[start]);

  var sums = Element(0);
  for (var c = member; c < columns; c += team) {
    sums += x[start + c] - origin;
  }
  let mean = teamSum(sumOf(sums)) / f32(params.columns);

  var squares = Element(0);
  for (var c = member; c < columns; c += team) {
    let deviation = (x[start + c] - origin) - mean;
    squares += deviation * deviation;
  }
  let variance = teamSum(sumOf(squares)) / f32(params.columns);
  let scale = 1 / sqrt(variance + params.eps);

  for (var c = member; c < columns; c += team) {
    var normal = ((x[start + c] - origin) - mean) * scale;
#if ${weight}
    normal *= weight[c];
#endif
#if ${bias}
    normal += bias[c];
#endif
    y[start + c] = normal;
  }
  if (member == 0) {
    offset[row] = mean;
    rstd[row] = scale;
  }
}
`;
};

/** dx = rstd (g − mean(g) − n mean(g n)), where n is the normalised row and g = dy · weight. */
export const layerNormBackward = (team: Team, weight: boolean) => {
  const next = 1 + Number(weight);
  return wgsl`
${rowTeams(team)}

@group(0) @binding(0) var<storage, read> x: array<Element>;
#if ${weight}
@group(0) @binding(1) var<storage, read> weight: array<Element>;
#endif
@group(0) @binding(${next}) var<storage, read> dy: array<Element>;
@group(0) @binding(${next + 1}) var<storage, read> offset: array<f32>;
@group(0) @binding(${next + 2}) var<storage, read> rstd: array<f32>;
@group(0) @binding(${next + 3}) var<storage, read_write> dx: array<Element>;

struct Params { rows: u32, columns: u32 }
@group(0) @binding(${next + 4}) var<uniform> params: Params;

fn weighted(i: u32, c: u32) -> Element {
#if ${weight}
  return dy[i] * weight[c];
#else
  return dy[i];
#endif
}

fn processRow(row: u32, member: u32, team: u32) {
  let columns = params.columns / ${team.width};
  let start = row * columns;
  let origin = firstOf(x[start]);
  let mean = offset[row];
  let scale = rstd[row];

  var sums = Element(0);
  var products = Element(0);
  for (var c = member; c < columns; c += team) {
    let g = weighted(start + c, c);
    sums += g;
    products += g * (((x[start + c] - origin) - mean) * scale);
  }
  let meanG = teamSum(sumOf(sums)) / f32(params.columns);
  let meanGN = teamSum(sumOf(products)) / f32(params.columns);

  for (var c = member; c < columns; c += team) {
    let n = ((x[start + c] - origin) - mean) * scale;
    dx[start + c] = scale * (weighted(start + c, c) - meanG - n * meanGN);
  }
}
`;
};

/** Sums over each block of rows, one column (or four) an invocation: of dy times the normalised x, and of dy. */
export const layerNormParameters = (width: 1 | 4) => wgsl`
#if ${width === 4}
alias Element = vec4f;
fn firstOf(x: Element) -> f32 { return x.x; }
#else
alias Element = f32;
fn firstOf(x: Element) -> f32 { return x; }
#endif

@group(0) @binding(0) var<storage, read> x: array<Element>;
@group(0) @binding(1) var<storage, read> dy: array<Element>;
@group(0) @binding(2) var<storage, read> offset: array<f32>;
@group(0) @binding(3) var<storage, read> rstd: array<f32>;
@group(0) @binding(4) var<storage, read_write> dweight: array<Element>;
@group(0) @binding(5) var<storage, read_write> dbias: array<Element>;

struct Params { rows: u32, columns: u32, block: u32 }
@group(0) @binding(6) var<uniform> params: Params;

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
    let g = dy[start + c];
    products += g * (((x[start + c] - firstOf(x[start])) - offset[row]) * rstd[row]);
    sums += g;
  }
  dweight[block * columns + c] = products;
  dbias[block * columns + c] = sums;
}
`;
