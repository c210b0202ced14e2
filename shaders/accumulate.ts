import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { flatWorkgroup } from './common.ts';
import { stored } from './stored.ts';

/** target += source, `width` (1 or 4) elements at a time. */
export const accumulate = (width: 1 | 4, f16?: readonly string[]) => {
  const { enable, type } = stored(f16, width);
  return wgsl`
${enable}
#if ${width === 4}
alias Element = vec4f;
#else
alias Element = f32;
#endif

@group(0) @binding(0) var<storage, read> source: array<${type('source')}>;
@group(0) @binding(1) var<storage, read_write> destination: array<${type('destination')}>;

struct Params { count: u32 }
@group(0) @binding(2) var<uniform> params: Params;

${flatWorkgroup}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let sweep = workgroups.x * workgroups.y * 64;
  for (var i = flatWorkgroup(workgroup, workgroups) * 64 + lane; i < params.count / ${width}; i += sweep) {
    destination[i] = ${type('destination')}(Element(destination[i]) + Element(source[i]));
  }
}
`;
};
