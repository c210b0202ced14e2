import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { flatWorkgroup } from './common.ts';
import { rowTeams, type Team } from './rows.ts';
import { stored } from './stored.ts';

/** y = x rstd · weight along each row, with rstd = 1 / √(mean(x²) + eps); the weight may be absent. */
export const rmsNorm = (team: Team, weight: boolean, f16?: readonly string[]) => {
  const { enable, type } = stored(f16, team.width);
  const next = 1 + Number(weight);
  return wgsl`
${enable}
${rowTeams(team)}

@group(0) @binding(0) var<storage, read> x: array<${type('x')}>;
#if ${weight}
@group(0) @binding(1) var<storage, read> weight: array<Element>;
#endif
@group(0) @binding(${next}) var<storage, read_write> y: array<${type('y')}>;
@group(0) @binding(${next + 1}) var<storage, read_write> rstd: array<f32>;

struct Params { rows: u32, columns: u32, eps: f32 }
@group(0) @binding(${next + 2}) var<uniform> params: Params;

fn processRow(row: u32, member: u32, team: u32) {
  let columns = params.columns / ${team.width};
  let start = row * columns;

  var squares = Element(0);
  for (var c = member; c < columns; c += team) {
    let value = Element(x[start + c]);
    squares += value * value;
  }
  let scale = 1 / sqrt(teamSum(sumOf(squares)) / f32(params.columns) + params.eps);

  for (var c = member; c < columns; c += team) {
    var normal = Element(x[start + c]) * scale;
#if ${weight}
    normal *= weight[c];
#endif
    y[start + c] = ${type('y')}(normal);
  }
  if (member == 0) { rstd[row] = scale; }
}
`;
};

/** dx = rstd (g − n mean(g n)), where n = x rstd is the normalised row and g = dy · weight. */
export const rmsNormBackward = (team: Team, weight: boolean, f16?: readonly string[]) => {
  const { enable, type } = stored(f16, team.width);
  const next = 1 + Number(weight);
  return wgsl`
${enable}
${rowTeams(team)}

@group(0) @binding(0) var<storage, read> x: array<${type('x')}>;
#if ${weight}
@group(0) @binding(1) var<storage, read> weight: array<Element>;
#endif
@group(0) @binding(${next}) var<storage, read> dy: array<${type('dy')}>;
@group(0) @binding(${next + 1}) var<storage, read> rstd: array<f32>;
@group(0) @binding(${next + 2}) var<storage, read_write> dx: array<${type('dx')}>;

struct Params { rows: u32, columns: u32 }
@group(0) @binding(${next + 3}) var<uniform> params: Params;

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
  let scale = rstd[row];

  var products = Element(0);
  for (var c = member; c < columns; c += team) {
    products += weighted(start + c, c) * (Element(x[start + c]) * scale);
  }
  let mean = teamSum(sumOf(products)) / f32(params.columns);

  for (var c = member; c < columns; c += team) {
    dx[start + c] = ${type('dx')}(scale * (weighted(start + c, c) - Element(x[start + c]) * scale * mean));
  }
}
`;
};

/** Σ dy · n over each block of rows, one column (or four) an invocation. */
export const rmsNormParameters = (width: 1 | 4, f16?: readonly string[]) => {
  const { enable, type } = stored(f16, width);
  return wgsl`
${enable}
#if ${width === 4}
alias Element = vec4f;
#else
alias Element = f32;
#endif

@group(0) @binding(0) var<storage, read> x: array<${type('x')}>;
@group(0) @binding(1) var<storage, read> dy: array<${type('dy')}>;
@group(0) @binding(2) var<storage, read> rstd: array<f32>;
@group(0) @binding(3) var<storage, read_write> dweight: array<Element>;

struct Params { rows: u32, columns: u32, block: u32 }
@group(0) @binding(4) var<uniform> params: Params;

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
  for (var row = first; row < min(first + params.block, params.rows); row++) {
    products += Element(dy[row * columns + c]) * (Element(x[row * columns + c]) * rstd[row]);
  }
  dweight[block * columns + c] = products;
}
`;
};
