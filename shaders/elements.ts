/**
 * The frame of the element-wise kernels: `Element` is a float or a vec4f, and `process(i)` is called for each of them
 * once, however many workgroups there are: an invocation goes on where the sweep of all of them ended. A kernel
 * supplies the struct `Params` with a field `count`, and `process`.
 */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { flatWorkgroup } from './common.ts';

export const elements = (width: 1 | 4) => wgsl`
#if ${width === 4}
alias Element = vec4f;
#else
alias Element = f32;
#endif

${flatWorkgroup}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let sweep = workgroups.x * workgroups.y * 64;
  for (var i = flatWorkgroup(workgroup, workgroups) * 64 + lane; i < params.count / ${width}; i += sweep) {
    process(i);
  }
}
`;
