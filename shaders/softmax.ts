import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { onlineSum } from './onlineSum.ts';
import { rowTeams, type Team } from './rows.ts';
import { stored } from './stored.ts';

/** y = softmax(x) along each row, or its logarithm. The row's maximum is taken off first: nothing overflows. */
export const softmax = (team: Team, log: boolean, f16?: readonly string[]) => {
  const { enable, type } = stored(f16, team.width);
  return wgsl`
${enable}
${rowTeams(team)}

@group(0) @binding(0) var<storage, read> x: array<${type('x')}>;
@group(0) @binding(1) var<storage, read_write> y: array<${type('y')}>;

struct Params { rows: u32, columns: u32 }
@group(0) @binding(2) var<uniform> params: Params;

fn scores(i: u32) -> Element { return Element(x[i]); }

${onlineSum}

fn processRow(row: u32, member: u32, team: u32) {
  let columns = params.columns / ${team.width};
  let start = row * columns;

  let all = onlineSum(start, columns, member, team);
  let top = teamMax(all.highest);
  let total = teamSum(sumOf(all.sums) * exp(all.highest - top));

#if ${log}
  let shift = log(total);
#else
  let scale = 1 / total;
#endif
  for (var c = member; c < columns; c += team) {
#if ${log}
    y[start + c] = ${type('y')}((scores(start + c) - top) - shift);
#else
    y[start + c] = ${type('y')}(exp(scores(start + c) - top) * scale);
#endif
  }
}
`;
};

/** dx from y and dy: y (dy − Σ dy y) for softmax, dy − exp(y) Σ dy for its logarithm. */
export const softmaxBackward = (team: Team, log: boolean, f16?: readonly string[]) => {
  const { enable, type } = stored(f16, team.width);
  return wgsl`
${enable}
${rowTeams(team)}

@group(0) @binding(0) var<storage, read> y: array<${type('y')}>;
@group(0) @binding(1) var<storage, read> dy: array<${type('dy')}>;
@group(0) @binding(2) var<storage, read_write> dx: array<${type('dx')}>;

struct Params { rows: u32, columns: u32 }
@group(0) @binding(3) var<uniform> params: Params;

fn processRow(row: u32, member: u32, team: u32) {
  let columns = params.columns / ${team.width};
  let start = row * columns;

  var sums = Element(0);
  for (var c = member; c < columns; c += team) {
#if ${log}
    sums += Element(dy[start + c]);
#else
    sums += Element(dy[start + c]) * Element(y[start + c]);
#endif
  }
  let total = teamSum(sumOf(sums));

  for (var c = member; c < columns; c += team) {
#if ${log}
    dx[start + c] = ${type('dx')}(Element(dy[start + c]) - exp(Element(y[start + c])) * total);
#else
    dx[start + c] = ${type('dx')}(Element(y[start + c]) * (Element(dy[start + c]) - total));
#endif
  }
}
`;
};
