/**
 * Matrix product: what all variants share, and the two that need no explanation. The register tile stands in
 * `matmulTile.ts`.
 */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { flatWorkgroup } from './common.ts';
import { gelu } from './gelu.ts';
import { stored } from './stored.ts';

/** What the text depends on. Shapes and strides are in `Params`. */
export interface MatmulText {
  transposeA: boolean;
  transposeB: boolean;
  bias: boolean;
  pre: boolean;
  activation: 'none' | 'gelu' | 'gelu_tanh';
  /** Whether a, b and the outputs are read and written as vec4f. */
  vectorA: boolean;
  vectorB: boolean;
  vectorC: boolean;
  f16?: readonly string[];
}

/** Bindings, parameters, `batchOffsets`, and `finish`, which turns a sum into an element of the output. */
export const matmulHead = (text: MatmulText) => {
  const { type } = stored(text.f16, text.vectorC ? 4 : 1);
  return wgsl`
#if ${text.vectorC}
alias Element = vec4f;
#else
alias Element = f32;
#endif

@group(0) @binding(0) var<storage, read> a: array<${type('a', text.vectorA ? 4 : 1)}>;
@group(0) @binding(1) var<storage, read> b: array<${type('b', text.vectorB ? 4 : 1)}>;
#if ${text.bias}
@group(0) @binding(2) var<storage, read> bias: array<Element>;
#endif
#if ${text.pre}
@group(0) @binding(${2 + Number(text.bias)}) var<storage, read_write> pre: array<${type('pre')}>;
#endif
@group(0) @binding(${2 + Number(text.bias) + Number(text.pre)}) var<storage, read_write> c: array<${type('c')}>;

struct Params {
  m: u32, n: u32, k: u32,
  batch0: u32, batch1: u32,
  lda: u32, ldb: u32, ldc: u32,
  strideA0: u32, strideA1: u32,
  strideB0: u32, strideB1: u32,
  strideC0: u32, strideC1: u32,
  alpha: f32,
  accumulate: u32,
}
@group(0) @binding(${3 + Number(text.bias) + Number(text.pre)}) var<uniform> params: Params;

${flatWorkgroup}

/** Where the matrices of a batch begin in a, b and c. */
fn batchOffsets(batch: u32) -> vec3u {
  return batch / params.batch1 * vec3u(params.strideA0, params.strideB0, params.strideC0)
    + batch % params.batch1 * vec3u(params.strideA1, params.strideB1, params.strideC1);
}

#if ${text.activation !== 'none'}
${gelu}
#endif

/** Writes act(alpha · sum + bias) to element \`at\` of c, which lies in that column. */
fn finish(at: u32, column: u32, sum: Element) {
  var y = params.alpha * sum;
#if ${text.bias}
  y += bias[column / ${text.vectorC ? 4 : 1}];
#endif
  let i = at / ${text.vectorC ? 4 : 1};
#if ${text.pre}
  pre[i] = ${type('pre')}(y);
#endif
#if ${text.activation === 'gelu'}
  y = gelu(y);
#elif ${text.activation === 'gelu_tanh'}
  y = geluTanh(y);
#endif
  if (params.accumulate != 0) {
    y += Element(c[i]);
  }
  c[i] = ${type('c')}(y);
}
`;
};

/** One element of c an invocation. */
export const matmulNaive = (text: MatmulText) => wgsl`
${stored(text.f16).enable}
${matmulHead({ ...text, vectorA: false, vectorB: false, vectorC: false })}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = flatWorkgroup(workgroup, workgroups) * 64 + local;
  let column = index % params.n;
  let row = index / params.n % params.m;
  let batch = index / params.n / params.m;
  if (batch >= params.batch0 * params.batch1) {
    return;
  }
  let offset = batchOffsets(batch);
  var sum = 0.0;
  for (var i = 0u; i < params.k; i++) {
#if ${text.transposeA}
    let x = f32(a[offset.x + i * params.lda + row]);
#else
    let x = f32(a[offset.x + row * params.lda + i]);
#endif
#if ${text.transposeB}
    let y = f32(b[offset.y + column * params.ldb + i]);
#else
    let y = f32(b[offset.y + i * params.ldb + column]);
#endif
    sum = fma(x, y, sum);
  }
  finish(offset.z + row * params.ldc + column, column, sum);
}
`;

/**
 * A workgroup of 16 × 16 invocations owns 64 × 64 of c, each invocation 4 × 4. For every 16 steps of k the workgroup
 * copies a 64 × 16 piece of a and a 16 × 64 piece of b into its own memory, where each element is read 16 times.
 */
export const matmulWorkgroup = (text: MatmulText) => wgsl`
${stored(text.f16).enable}
${matmulHead({ ...text, vectorA: false, vectorB: false, vectorC: false })}

var<workgroup> tileA: array<vec4f, 256>;
var<workgroup> tileB: array<vec4f, 256>;

fn elementA(offset: u32, row: u32, i: u32) -> f32 {
  if (row >= params.m || i >= params.k) {
    return 0;
  }
  return f32(a[offset + ${text.transposeA ? 'i * params.lda + row' : 'row * params.lda + i'}]);
}

fn elementB(offset: u32, i: u32, column: u32) -> f32 {
  if (i >= params.k || column >= params.n) {
    return 0;
  }
  return f32(b[offset + ${text.transposeB ? 'column * params.ldb + i' : 'i * params.ldb + column'}]);
}

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let tilesM = (params.m + 63) / 64;
  let tilesN = (params.n + 63) / 64;
  let tile = flatWorkgroup(workgroup, workgroups);
  let batch = tile / tilesN / tilesM;
  if (batch >= params.batch0 * params.batch1) {
    return;
  }
  let offset = batchOffsets(batch);
  let tileRow = tile / tilesN % tilesM * 64;
  let tileColumn = tile % tilesN * 64;

  // Neighbouring invocations copy neighbouring elements: along k, or across it, as the operand is stored.
#if ${text.transposeA}
  let copyA = vec2u(local % 16, local / 16);
#else
  let copyA = vec2u(local / 16, local % 16);
#endif
#if ${text.transposeB}
  let copyB = vec2u(local / 16, local % 16);
#else
  let copyB = vec2u(local % 16, local / 16);
#endif
  let across = vec4u(0, 1, 2, 3);
  let rows = tileRow + 4 * copyA.x + across;
  let columns = tileColumn + 4 * copyB.x + across;
  let groupRow = local / 16;
  let groupColumn = local % 16;

  var sums = array<vec4f, 4>();
  for (var step = 0u; step < params.k; step += 16) {
    let i = step + copyA.y;
    tileA[copyA.y * 16 + copyA.x] = vec4f(
      elementA(offset.x, rows.x, i), elementA(offset.x, rows.y, i),
      elementA(offset.x, rows.z, i), elementA(offset.x, rows.w, i),
    );
    let j = step + copyB.y;
    tileB[copyB.y * 16 + copyB.x] = vec4f(
      elementB(offset.y, j, columns.x), elementB(offset.y, j, columns.y),
      elementB(offset.y, j, columns.z), elementB(offset.y, j, columns.w),
    );
    workgroupBarrier();
    // Bounds that the compiler does not know keep it from unrolling the loop, which takes some drivers seconds.
    let steps = min(params.k - step, 16u);
    for (var l = 0u; l < steps; l++) {
      let x = tileA[l * 16 + groupRow];
      let y = tileB[l * 16 + groupColumn];
      sums[0] = fma(vec4f(x.x), y, sums[0]);
      sums[1] = fma(vec4f(x.y), y, sums[1]);
      sums[2] = fma(vec4f(x.z), y, sums[2]);
      sums[3] = fma(vec4f(x.w), y, sums[3]);
    }
    workgroupBarrier();
  }

  let row = tileRow + 4 * groupRow;
  let column = tileColumn + 4 * groupColumn;
  for (var i = row; i < min(row + 4, params.m); i++) {
    for (var j = column; j < min(column + 4, params.n); j++) {
      finish(offset.z + i * params.ldc + j, j, sums[i - row][j - column]);
    }
  }
}
`;
