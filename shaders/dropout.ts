import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { elements } from './elements.ts';
import { pcg4d } from './random.ts';
import { stored } from './stored.ts';

/**
 * Defines `dropped(x, i)`: x · scale where the 24 random bits of element i (of vec4 i) reach the threshold, else 0. The
 * kernel declares `Element`, an alias of f32 or vec4f; `state`, which holds the seed and the step; and in `params` the
 * fields `layer`, `threshold` and `scale`.
 */
export const dropped = (width: 1 | 4) => wgsl`
${pcg4d}

fn dropped(x: Element, i: u32) -> Element {
#if ${width === 4}
  let words = pcg4d(vec4u(state[0], state[1], params.layer, i));
  let kept = (words >> vec4u(8)) >= vec4u(params.threshold);
#else
  let word = pcg4d(vec4u(state[0], state[1], params.layer, i / 4))[i % 4];
  let kept = (word >> 8) >= params.threshold;
#endif
  return select(Element(0), x * params.scale, kept);
}
`;

/** y = dropped(x). */
export const dropout = (width: 1 | 4, f16?: readonly string[]) => {
  const { enable, type } = stored(f16, width);
  return wgsl`
${enable}
${elements(width)}
${dropped(width)}

@group(0) @binding(0) var<storage, read> x: array<${type('x')}>;
// Seed and step.
@group(0) @binding(1) var<storage, read> state: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<${type('y')}>;

struct Params { count: u32, layer: u32, threshold: u32, scale: f32 }
@group(0) @binding(3) var<uniform> params: Params;

fn process(i: u32) {
  y[i] = ${type('y')}(dropped(Element(x[i]), i));
}
`;
};
