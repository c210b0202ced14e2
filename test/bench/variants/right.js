export const right = {
  name: 'right',
  supports: () => true,
  workgroups: ({ count }) => [Math.min(65535, Math.ceil(count / 64)), Math.ceil(count / 64 / 65535), 1],
  source: () => `@group(0) @binding(0) var<storage, read> source: array<f32>;
@group(0) @binding(1) var<storage, read_write> destination: array<f32>;
struct Params { count: u32 }
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) size: vec3u) {
  let i = id.x + id.y * size.x * 64;
  if (i < params.count) {
    destination[i] += source[i];
  }
}`,
};
