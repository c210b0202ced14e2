import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { elements } from './elements.ts';
import { gelu } from './gelu.ts';
import { stored } from './stored.ts';

const functions = {
  none: { value: 'gelu', slope: 'geluSlope' },
  tanh: { value: 'geluTanh', slope: 'geluTanhSlope' },
};

/** y = gelu(a) b, where a is the first half of each row of x and b the second. */
export const geglu = (approximate: 'none' | 'tanh', width: 1 | 4, f16?: readonly string[]) => {
  const { enable, type } = stored(f16, width);
  return wgsl`
${enable}
${elements(width)}
${gelu}

@group(0) @binding(0) var<storage, read> x: array<${type('x')}>;
@group(0) @binding(1) var<storage, read_write> y: array<${type('y')}>;

struct Params { count: u32, columns: u32 }
@group(0) @binding(2) var<uniform> params: Params;

fn process(i: u32) {
  let columns = params.columns / ${width};
  let first = i + i / columns * columns;
  y[i] = ${type('y')}(${functions[approximate].value}(Element(x[first])) * Element(x[first + columns]));
}
`;
};

/** da = dy b gelu'(a) and db = dy gelu(a), side by side as a and b are. */
export const gegluBackward = (approximate: 'none' | 'tanh', width: 1 | 4, f16?: readonly string[]) => {
  const { enable, type } = stored(f16, width);
  return wgsl`
${enable}
${elements(width)}
${gelu}

@group(0) @binding(0) var<storage, read> x: array<${type('x')}>;
@group(0) @binding(1) var<storage, read> dy: array<${type('dy')}>;
@group(0) @binding(2) var<storage, read_write> dx: array<${type('dx')}>;

struct Params { count: u32, columns: u32 }
@group(0) @binding(3) var<uniform> params: Params;

fn process(i: u32) {
  let columns = params.columns / ${width};
  let first = i + i / columns * columns;
  let a = Element(x[first]);
  let b = Element(x[first + columns]);
  let g = Element(dy[i]);
  dx[first] = ${type('dx')}(g * b * ${functions[approximate].slope}(a));
  dx[first + columns] = ${type('dx')}(g * ${functions[approximate].value}(a));
}
`;
};
