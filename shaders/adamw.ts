import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { elements } from './elements.ts';

/**
 * norm = sqrt(Σ partials), factor = min(1, maxNorm / (norm + 1e-6)), or −1 where the norm is not finite. Of gradients that
 * carry a scale, norm is what it would be without, and factor divides by it.
 */
export const clipFactor = (scaled: boolean) => wgsl`
@group(0) @binding(0) var<storage, read> partials: array<f32>;
#if ${scaled}
@group(0) @binding(1) var<storage, read> scale: array<f32>;
#endif
@group(0) @binding(${1 + Number(scaled)}) var<storage, read_write> norm: array<f32>;
@group(0) @binding(${2 + Number(scaled)}) var<storage, read_write> factor: array<f32>;

struct Params { count: u32, maxNorm: f32 }
@group(0) @binding(${3 + Number(scaled)}) var<uniform> params: Params;

@compute @workgroup_size(1)
fn main() {
  var sums = vec4f(0);
  for (var i = 0u; i < params.count; i += 4) {
    sums += vec4f(partials[i], partials[i + 1], partials[i + 2], partials[i + 3]);
  }
  let total = (sums.x + sums.y) + (sums.z + sums.w);
  // Exponent bits all set: infinity or NaN. WGSL lets a compiler assume that comparisons never meet either.
  let finite = (bitcast<u32>(total) & 0x7f800000u) != 0x7f800000u;
#if ${scaled}
  let unscale = 1 / scale[0];
#else
  let unscale = 1.0;
#endif
  let length = sqrt(total) * unscale;
  norm[0] = length;
  if (!finite) {
    factor[0] = -1;
  } else if (params.maxNorm > 0) {
    factor[0] = min(1, params.maxNorm / (length + 1e-6)) * unscale;
  } else {
    factor[0] = unscale;
  }
}
`;

/** One AdamW step over a flat range. */
export const adamw = (width: 1 | 4) => wgsl`
struct Hyper {
  lr: f32,
  beta2: f32,
  // 1 − beta1 and 1 − beta2, formed where no digits are lost.
  share1: f32,
  share2: f32,
  eps: f32,
  weightDecay: f32,
  // 1 − beta1^t and sqrt(1 − beta2^t).
  correction1: f32,
  correction2: f32,
}

@group(0) @binding(0) var<storage, read> gradient: array<Element>;
@group(0) @binding(1) var<storage, read> hyper: Hyper;
@group(0) @binding(2) var<storage, read> factor: array<f32>;
@group(0) @binding(3) var<storage, read_write> value: array<Element>;
@group(0) @binding(4) var<storage, read_write> expAvg: array<Element>;
@group(0) @binding(5) var<storage, read_write> expAvgSq: array<Element>;

struct Params { count: u32 }
@group(0) @binding(6) var<uniform> params: Params;

fn process(i: u32) {
  if (factor[0] < 0) {
    return;
  }
  let g = gradient[i] * factor[0];
  let m = expAvg[i] + (g - expAvg[i]) * hyper.share1;
  let v = hyper.beta2 * expAvgSq[i] + hyper.share2 * g * g;
  let decayed = value[i] - hyper.lr * hyper.weightDecay * value[i];
  let root = sqrt(v) / hyper.correction2 + hyper.eps;
  value[i] = decayed - hyper.lr / hyper.correction1 * m / root;
  expAvg[i] = m;
  expAvgSq[i] = v;
}

${elements(width)}
`;
