/** A row of c from one invocation, four columns at a time: the example of docs/kernel-lab.md. */
import type { MatmulProblem, Variant } from 'cloze/kernels';

const variant: Variant<MatmulProblem> = {
  name: 'rows',

  supports: (_, p) => {
    if (p.f16?.length) return 'takes f32 alone';
    if (p.transposeA || p.transposeB) return 'takes operands as they are, not transposed';
    if (p.bias || p.pre || p.activation !== 'none') return 'has no epilogue';
    if (p.batch0 * p.batch1 > 1) return 'takes one product at a time';
    return [p.n, p.ldb, p.ldc].every((size) => size % 4 === 0) || 'needs rows of whole vec4';
  },

  workgroups: (p) => [Math.ceil(p.n / 4 / 8), Math.ceil(p.m / 8), 1],

  source: () => /* wgsl */ `
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> c: array<vec4f>;

struct Params {
  m: u32, n: u32, k: u32, batch0: u32, batch1: u32, lda: u32, ldb: u32, ldc: u32,
  strideA0: u32, strideA1: u32, strideB0: u32, strideB1: u32, strideC0: u32, strideC1: u32,
  alpha: f32, accumulate: u32,
}
@group(0) @binding(3) var<uniform> p: Params;

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let column = id.x;
  let row = id.y;
  if (row >= p.m || column >= p.n / 4) {
    return;
  }
  var sum = vec4f();
  for (var s = 0u; s < p.k; s++) {
    sum += a[row * p.lda + s] * b[s * p.ldb / 4 + column];
  }
  let at = row * p.ldc / 4 + column;
  c[at] = p.alpha * sum + select(vec4f(), c[at], p.accumulate == 1);
}
`,
};

export default variant;
