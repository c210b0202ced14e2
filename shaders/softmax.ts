import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { onlineSum } from './onlineSum.ts';
import { rowTeams, type Team } from './rows.ts';

/** y = softmax(x) along each row, or its logarithm. The row's maximum is taken off first: nothing overflows. */
export const softmax = (team: Team, log: boolean) => wgsl`
${rowTeams(team)}

@group(0) @binding(0) var<storage, read> x: array<Element>;
@group(0) @binding(1) var<storage, read_write> y: array<Element>;

struct Params { rows: u32, columns: u32 }
@group(0) @binding(2) var<uniform> params: Params;

fn scores(i: u32) -> Element { return x[i]; }

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
    y[start + c] = (x[start + c] - top) - shift;
#else
    y[start + c] = exp(x[start + c] - top) * scale;
#endif
  }
}
`;

/** dx from y and dy: y (dy − Σ dy y) for softmax, dy − exp(y) Σ dy for its logarithm. */
export const softmaxBackward = (team: Team, log: boolean) => wgsl`
${rowTeams(team)}

@group(0) @binding(0) var<storage, read> y: array<Element>;
@group(0) @binding(1) var<storage, read> dy: array<Element>;
@group(0) @binding(2) var<storage, read_write> dx: array<Element>;

struct Params { rows: u32, columns: u32 }
@group(0) @binding(3) var<uniform> params: Params;

fn processRow(row: u32, member: u32, team: u32) {
  let columns = params.columns / ${team.width};
  let start = row * columns;

  var sums = Element(0);
  for (var c = member; c < columns; c += team) {
#if ${log}
    sums += dy[start + c];
#else
    sums += dy[start + c] * y[start + c];
#endif
  }
  let total = teamSum(sumOf(sums));

  for (var c = member; c < columns; c += team) {
#if ${log}
    dx[start + c] = dy[start + c] - exp(y[start + c]) * total;
#else
    dx[start + c] = y[start + c] * (dy[start + c] - total);
#endif
  }
}
`;
