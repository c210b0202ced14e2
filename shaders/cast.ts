import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { elements } from './elements.ts';
import { stored } from './stored.ts';

/** y = x, stored in another way. */
export const cast = (width: 1 | 4, f16?: readonly string[]) => {
  const { enable, type } = stored(f16, width);
  return wgsl`
${enable}
${elements(width)}

@group(0) @binding(0) var<storage, read> x: array<${type('x')}>;
@group(0) @binding(1) var<storage, read_write> y: array<${type('y')}>;

struct Params { count: u32 }
@group(0) @binding(2) var<uniform> params: Params;

fn process(i: u32) {
  y[i] = ${type('y')}(x[i]);
}
`;
};
