import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { elements } from './elements.ts';

/** hyper = (lr · |value| / |update|, 0), where the ratio is 1 if either norm is 0. */
export const trustRatio = () => wgsl`
@group(0) @binding(0) var<storage, read> values: array<f32>;
@group(0) @binding(1) var<storage, read> updates: array<f32>;
@group(0) @binding(2) var<storage, read> lr: array<f32>;
@group(0) @binding(3) var<storage, read_write> hyper: array<f32>;

struct Params { count: u32 }
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(1)
fn main() {
  var value = 0.0;
  var update = 0.0;
  for (var i = 0u; i < params.count; i++) {
    value += values[i];
    update += updates[i];
  }
  var ratio = 1.0;
  if (value > 0 && update > 0) { ratio = sqrt(value) / sqrt(update); }
  hyper[0] = lr[0] * ratio;
  hyper[1] = 0;
}
`;

/** average += share (value − average). */
export const movingAverage = (width: 1 | 4) => wgsl`
@group(0) @binding(0) var<storage, read> value: array<Element>;
@group(0) @binding(1) var<storage, read> share: array<f32>;
@group(0) @binding(2) var<storage, read_write> average: array<Element>;

struct Params { count: u32 }
@group(0) @binding(3) var<uniform> params: Params;

fn process(i: u32) {
  average[i] += share[0] * (value[i] - average[i]);
}

${elements(width)}
`;
