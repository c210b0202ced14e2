export const broken = {
  name: 'broken',
  supports: () => true,
  workgroups: () => [1, 1, 1],
  source: () => `@group(0) @binding(0) var<storage, read> source: array<f32>;
@group(0) @binding(1) var<storage, read_write> destination: array<f32>;
struct Params { count: u32 }
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  destination[id.x] += sauce[id.x];
}`,
};
