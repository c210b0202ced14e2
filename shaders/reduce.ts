import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { flatWorkgroup } from './common.ts';
import { stored } from './stored.ts';

export interface SumText {
  /** What one load brings: a number, four neighbouring columns, or four neighbouring terms of the sum. */
  load: 'one' | 'columns' | 'terms';
  /** Whether to sum squares. */
  square: boolean;
  f16?: readonly string[];
}

/** y[o, part, i] = scale · Σ x[o, r, i], or x², over the r of that part; added to y if asked. One sum an invocation. */
export const sum = ({ load, square, f16 }: SumText) => {
  const { enable, type } = stored(f16, load === 'one' ? 1 : 4);
  return wgsl`
${enable}
#if ${load === 'one'}
alias Element = f32;
#else
alias Element = vec4f;
#endif
#if ${load === 'terms'}
alias Total = f32;
fn totalOf(x: Element) -> f32 { return (x.x + x.y) + (x.z + x.w); }
#else
alias Total = Element;
fn totalOf(x: Element) -> Element { return x; }
#endif

@group(0) @binding(0) var<storage, read> x: array<${type('x')}>;
@group(0) @binding(1) var<storage, read_write> y: array<Total>;

struct Params { outer: u32, length: u32, inner: u32, parts: u32, chunk: u32, scale: f32, accumulate: u32 }
@group(0) @binding(2) var<uniform> params: Params;

${flatWorkgroup}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let length = params.length / ${load === 'terms' ? 4 : 1};
  let chunk = params.chunk / ${load === 'terms' ? 4 : 1};
  let inner = params.inner / ${load === 'columns' ? 4 : 1};

  let at = flatWorkgroup(workgroup, workgroups) * 64 + lane;
  if (at >= params.outer * params.parts * inner) { return; }
  let column = at % inner;
  let part = at / inner % params.parts;
  let start = at / inner / params.parts * length;

  var total = Element(0);
  let end = min(length, (part + 1) * chunk);
  for (var r = part * chunk; r < end; r++) {
    let value = Element(x[(start + r) * inner + column]);
    total += ${square ? 'value * value' : 'value'};
  }
  let result = params.scale * totalOf(total);
  if (params.accumulate != 0) { y[at] += result; } else { y[at] = result; }
}
`;
};

/** The greatest of x[o, r, i] over r, and the first r that has it. */
export const max = wgsl`
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read_write> index: array<u32>;

struct Params { outer: u32, length: u32, inner: u32 }
@group(0) @binding(3) var<uniform> params: Params;

${flatWorkgroup}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let at = flatWorkgroup(workgroup, workgroups) * 64 + lane;
  if (at >= params.outer * params.inner) { return; }
  let start = at / params.inner * params.length * params.inner + at % params.inner;

  var highest = x[start];
  var first = 0u;
  for (var r = 1u; r < params.length; r++) {
    let value = x[start + r * params.inner];
    if (value > highest) {
      highest = value;
      first = r;
    }
  }
  y[at] = highest;
  index[at] = first;
}
`;

/** dx[o, r, i] is dy[o, i] where r is the index of the maximum, else 0. */
export const maxBackward = wgsl`
@group(0) @binding(0) var<storage, read> index: array<u32>;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read_write> dx: array<f32>;

struct Params { outer: u32, length: u32, inner: u32 }
@group(0) @binding(3) var<uniform> params: Params;

${flatWorkgroup}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flatWorkgroup(workgroup, workgroups) * 64 + lane;
  if (i >= params.outer * params.length * params.inner) { return; }
  let row = i / params.inner;
  let at = row / params.length * params.inner + i % params.inner;
  dx[i] = select(0, dy[at], index[at] == row % params.length);
}
`;
