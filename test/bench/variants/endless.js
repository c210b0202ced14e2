/** Right in the end, but the end is far: a loop that is bounded, by almost four billion rounds. */
export default {
  name: 'endless',
  supports: (_, { count }) => count === 64 || 'takes 64',
  workgroups: () => [1, 1, 1],
  source: () => `@group(0) @binding(0) var<storage, read> source: array<f32>;
@group(0) @binding(1) var<storage, read_write> destination: array<f32>;
struct Params { count: u32 }
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  var x = source[id.x];
  for (var i = 0u; i < params.count * 60000000; i++) {
    x = fma(x, 0.999, 1.0);
  }
  destination[id.x] += x;
}`,
};
