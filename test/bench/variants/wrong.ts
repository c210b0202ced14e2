import type { Variant } from '../../../src/kernels/index.ts';

/** Forgets every element whose index is 63 more than a multiple of 64. */
const variant: Variant<{ count: number }> = {
  name: 'forgetful',
  supports: (_, { count }) => count < 1000 || 'too large',
  workgroups: ({ count }) => [Math.ceil(count / 64), 1, 1],
  source: () => `
@group(0) @binding(0) var<storage, read> source: array<f32>;
@group(0) @binding(1) var<storage, read_write> destination: array<f32>;
struct Params { count: u32 }
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < params.count && id.x % 64 != 63) {
    destination[id.x] += source[id.x];
  }
}`,
};

export default variant;
