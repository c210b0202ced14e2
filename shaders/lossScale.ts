import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';

/** After a step: scale · backoff where its gradients were not finite (factor −1), · growth after so many good steps. */
export const lossScale = wgsl`
@group(0) @binding(0) var<storage, read> factor: array<f32>;
@group(0) @binding(1) var<storage, read_write> scale: array<f32>;
@group(0) @binding(2) var<storage, read_write> goodSteps: array<u32>;

struct Params { growth: f32, backoff: f32, interval: u32, least: f32, most: f32 }
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(1)
fn main() {
  if (factor[0] < 0) {
    scale[0] = max(params.least, scale[0] * params.backoff);
    goodSteps[0] = 0;
  } else if (goodSteps[0] + 1 >= params.interval) {
    scale[0] = min(params.most, scale[0] * params.growth);
    goodSteps[0] = 0;
  } else {
    goodSteps[0] += 1;
  }
}
`;
