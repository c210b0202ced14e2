import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { flatWorkgroup } from './common.ts';
import { stored } from './stored.ts';

/**
 * Turns the pairs (j, j + depth/2) of every head by the angle of the token's position; `width` pairs at once. A row of the
 * table holds depth/2 cosines, then as many sines.
 */
export const rotary = (width: 1 | 4, f16?: readonly string[]) => {
  const { enable, type } = stored(f16, width);
  return wgsl`
${enable}
#if ${width === 4}
alias Element = vec4f;
#else
alias Element = f32;
#endif

${flatWorkgroup}

@group(0) @binding(0) var<storage, read> x: array<${type('x')}>;
@group(0) @binding(1) var<storage, read> positions: array<u32>;
@group(0) @binding(2) var<storage, read> table: array<Element>;
@group(0) @binding(3) var<storage, read_write> y: array<${type('y')}>;

// half: pairs of a head; sign: 1 turns forward, -1 back.
struct Params { pairs: u32, half: u32, heads: u32, sign: f32 }
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flatWorkgroup(workgroup, workgroups) * 64 + lane;
  if (i >= params.pairs / ${width}) { return; }
  let half = params.half / ${width};
  let head = i / half;
  let j = i % half;
  let first = 2 * head * half + j;
  let row = 2 * positions[head / params.heads] * half + j;
  let cosine = table[row];
  let sine = params.sign * table[row + half];
  let a = Element(x[first]);
  let b = Element(x[first + half]);
  y[first] = ${type('y')}(a * cosine - b * sine);
  y[first + half] = ${type('y')}(b * cosine + a * sine);
}
`;
};
