import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { flatWorkgroup } from './common.ts';

/** x *= factor, in sweeps of as many elements as there are invocations; none at all where the factor is 1. */
export const scale = (width: 1 | 4) => wgsl`
#if ${width === 4}
alias Element = vec4f;
#else
alias Element = f32;
#endif

@group(0) @binding(0) var<storage, read> factor: array<f32>;
@group(0) @binding(1) var<storage, read_write> x: array<Element>;

struct Params { count: u32, invocations: u32 }
@group(0) @binding(2) var<uniform> params: Params;

${flatWorkgroup}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  if (factor[0] == 1) { return; }
  let first = flatWorkgroup(workgroup, workgroups) * 64 + lane;
  for (var i = first; i < params.count / ${width}; i += params.invocations) { x[i] *= factor[0]; }
}
`;
