import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { elements } from './elements.ts';
import { pcg4d } from './random.ts';

/** y = x · scale where the element's 24 random bits reach the threshold, else 0. */
export const dropout = (width: 1 | 4) => wgsl`
${elements(width)}
${pcg4d}

@group(0) @binding(0) var<storage, read> x: array<Element>;
// Seed and step.
@group(0) @binding(1) var<storage, read> state: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<Element>;

struct Params { count: u32, layer: u32, threshold: u32, scale: f32 }
@group(0) @binding(3) var<uniform> params: Params;

fn process(i: u32) {
#if ${width === 4}
  let words = pcg4d(vec4u(state[0], state[1], params.layer, i));
  let kept = (words >> vec4u(8)) >= vec4u(params.threshold);
#else
  let word = pcg4d(vec4u(state[0], state[1], params.layer, i / 4))[i % 4];
  let kept = (word >> 8) >= params.threshold;
#endif
  y[i] = select(Element(0), x[i] * params.scale, kept);
}
`;
