import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { elements } from './elements.ts';
import { gelu } from './gelu.ts';

const functions = {
  none: { value: 'gelu', slope: 'geluSlope' },
  tanh: { value: 'geluTanh', slope: 'geluTanhSlope' },
};

/** y = gelu(a) b, where a is the first half of each row of x and b the second. */
export const geglu = (approximate: 'none' | 'tanh', width: 1 | 4) => wgsl`
${elements(width)}
${gelu}

@group(0) @binding(0) var<storage, read> x: array<Element>;
@group(0) @binding(1) var<storage, read_write> y: array<Element>;

struct Params { count: u32, columns: u32 }
@group(0) @binding(2) var<uniform> params: Params;

fn process(i: u32) {
  let columns = params.columns / ${width};
  let first = i + i / columns * columns;
  y[i] = ${functions[approximate].value}(x[first]) * x[first + columns];
}
`;

/** da = dy b gelu'(a) and db = dy gelu(a), side by side as a and b are. */
export const gegluBackward = (approximate: 'none' | 'tanh', width: 1 | 4) => wgsl`
${elements(width)}
${gelu}

@group(0) @binding(0) var<storage, read> x: array<Element>;
@group(0) @binding(1) var<storage, read> dy: array<Element>;
@group(0) @binding(2) var<storage, read_write> dx: array<Element>;

struct Params { count: u32, columns: u32 }
@group(0) @binding(3) var<uniform> params: Params;

fn process(i: u32) {
  let columns = params.columns / ${width};
  let first = i + i / columns * columns;
  let a = x[first];
  dx[first] = dy[i] * x[first + columns] * ${functions[approximate].slope}(a);
  dx[first + columns] = dy[i] * ${functions[approximate].value}(a);
}
`;
