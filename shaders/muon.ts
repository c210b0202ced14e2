import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { elements } from './elements.ts';

/** momentum += (1 − β)(g − momentum), update = (1 − β) g + β momentum, with the clipped gradient g. */
export const muonMomentum = (width: 1 | 4) => wgsl`
@group(0) @binding(0) var<storage, read> gradient: array<Element>;
@group(0) @binding(1) var<storage, read> factor: array<f32>;
@group(0) @binding(2) var<storage, read_write> momentum: array<Element>;
@group(0) @binding(3) var<storage, read_write> update: array<Element>;

struct Params {
  count: u32,
  beta: f32,
  // 1 − beta, formed where no digits are lost.
  share: f32,
}
@group(0) @binding(4) var<uniform> params: Params;

fn process(i: u32) {
  if (factor[0] < 0) {
    update[i] = Element(0);
    return;
  }
  let g = gradient[i] * factor[0];
  let m = momentum[i] + (g - momentum[i]) * params.share;
  momentum[i] = m;
  update[i] = g + (m - g) * params.beta;
}

${elements(width)}
`;

/** x /= sqrt(square) + 1e-7, with the square of the matrix in which the element lies. */
export const matrixNormalize = (width: 1 | 4) => wgsl`
@group(0) @binding(0) var<storage, read> squares: array<f32>;
@group(0) @binding(1) var<storage, read_write> x: array<Element>;

struct Params { count: u32, stride: u32 }
@group(0) @binding(2) var<uniform> params: Params;

fn process(i: u32) {
  x[i] /= sqrt(squares[i * ${width} / params.stride]) + 1e-7;
}

${elements(width)}
`;

/** y = b x + a I. */
export const scaleAddIdentity = (width: 1 | 4) => wgsl`
@group(0) @binding(0) var<storage, read> x: array<Element>;
@group(0) @binding(1) var<storage, read_write> y: array<Element>;

struct Params { count: u32, size: u32, a: f32, b: f32 }
@group(0) @binding(2) var<uniform> params: Params;

#if ${width === 4}
fn identity(i: u32) -> vec4f {
  let at = 4 * i + vec4u(0, 1, 2, 3);
  let size = vec4u(params.size);
  return select(vec4f(0), vec4f(1), at % size == at / size % size);
}
#else
fn identity(i: u32) -> f32 {
  return select(0.0, 1.0, i % params.size == i / params.size % params.size);
}
#endif

fn process(i: u32) {
  y[i] = params.b * x[i] + params.a * identity(i);
}

${elements(width)}
`;

/** value −= decay · value + rate · update. */
export const muonUpdate = (width: 1 | 4) => wgsl`
struct Hyper { rate: f32, decay: f32 }

@group(0) @binding(0) var<storage, read> update: array<Element>;
@group(0) @binding(1) var<storage, read> hyper: Hyper;
@group(0) @binding(2) var<storage, read> factor: array<f32>;
@group(0) @binding(3) var<storage, read_write> value: array<Element>;

struct Params { count: u32 }
@group(0) @binding(4) var<uniform> params: Params;

fn process(i: u32) {
  if (factor[0] < 0) {
    return;
  }
  value[i] = (value[i] - hyper.decay * value[i]) - hyper.rate * update[i];
}

${elements(width)}
`;
