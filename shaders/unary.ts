import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { elements } from './elements.ts';
import { gelu } from './gelu.ts';
import { stored } from './stored.ts';

export type UnaryOp =
  | 'abs'
  | 'exp'
  | 'gelu'
  | 'gelu_tanh'
  | 'log'
  | 'reciprocal'
  | 'relu'
  | 'sigmoid'
  | 'sqrt'
  | 'square'
  | 'tanh';

interface UnaryText {
  /** f(x), and f'(x) from x or y = f(x), whichever `saved` names. */
  value: string;
  slope: string;
  saved: 'x' | 'y';
  functions?: string;
}

/**
 * The built-in tanh may overflow inside and is coarse near 0. Below 1/2 this is Lambert's continued fraction of 1768
 * cut after its fourth term, which errs by less than 5e-8; above it, an exponential that cannot overflow.
 */
const tanhFunction = wgsl`
fn tangent(x: Element) -> Element {
  let s = x * x;
  let near = x * (105 + 10 * s) / (105 + s * (45 + s));
  let e = exp(-2 * abs(x));
  let far = sign(x) * (1 - e) / (1 + e);
  return select(far, near, abs(x) < Element(0.5));
}
`;

/** The exponential of a negative number only, since another might overflow. */
const sigmoidFunction = wgsl`
fn logistic(x: Element) -> Element {
  let e = exp(-abs(x));
  return select(Element(1), e, x < Element(0)) / (1 + e);
}
`;

export const unaryTexts: Readonly<Record<UnaryOp, UnaryText>> = {
  abs: { value: 'abs(x)', slope: 'sign(x)', saved: 'x' },
  exp: { value: 'exp(x)', slope: 'y', saved: 'y' },
  gelu: { value: 'gelu(x)', slope: 'geluSlope(x)', saved: 'x', functions: gelu },
  gelu_tanh: { value: 'geluTanh(x)', slope: 'geluTanhSlope(x)', saved: 'x', functions: gelu },
  log: { value: 'log(x)', slope: '1 / x', saved: 'x' },
  reciprocal: { value: '1 / x', slope: '-y * y', saved: 'y' },
  relu: { value: 'max(x, Element(0))', slope: 'select(Element(0), Element(1), y > Element(0))', saved: 'y' },
  sigmoid: { value: 'logistic(x)', slope: 'y * (1 - y)', saved: 'y', functions: sigmoidFunction },
  sqrt: { value: 'sqrt(x)', slope: '0.5 / y', saved: 'y' },
  square: { value: 'x * x', slope: '2 * x', saved: 'x' },
  tanh: { value: 'tangent(x)', slope: '1 - y * y', saved: 'y', functions: tanhFunction },
};

/** y = f(x). */
export const unary = (op: UnaryOp, width: 1 | 4, f16?: readonly string[]) => {
  const { enable, type } = stored(f16, width);
  return wgsl`
${enable}
${elements(width)}
${unaryTexts[op].functions ?? ''}

@group(0) @binding(0) var<storage, read> input: array<${type('x')}>;
@group(0) @binding(1) var<storage, read_write> output: array<${type('y')}>;

struct Params { count: u32 }
@group(0) @binding(2) var<uniform> params: Params;

fn process(i: u32) {
  let x = Element(input[i]);
  output[i] = ${type('y')}(${unaryTexts[op].value});
}
`;
};

/** dx = dy f'(x). */
export const unaryBackward = (op: UnaryOp, width: 1 | 4, f16?: readonly string[]) => {
  const { enable, type } = stored(f16, width);
  return wgsl`
${enable}
${elements(width)}
${unaryTexts[op].functions ?? ''}

@group(0) @binding(0) var<storage, read> saved: array<${type('saved')}>;
@group(0) @binding(1) var<storage, read> dy: array<${type('dy')}>;
@group(0) @binding(2) var<storage, read_write> dx: array<${type('dx')}>;

struct Params { count: u32 }
@group(0) @binding(3) var<uniform> params: Params;

fn process(i: u32) {
  let ${unaryTexts[op].saved} = Element(saved[i]);
  dx[i] = ${type('dx')}(Element(dy[i]) * (${unaryTexts[op].slope}));
}
`;
};

/** y = scale · x + shift. */
export const affine = (width: 1 | 4, f16?: readonly string[]) => {
  const { enable, type } = stored(f16, width);
  return wgsl`
${enable}
${elements(width)}

@group(0) @binding(0) var<storage, read> x: array<${type('x')}>;
@group(0) @binding(1) var<storage, read_write> y: array<${type('y')}>;

struct Params { count: u32, scale: f32, shift: f32 }
@group(0) @binding(2) var<uniform> params: Params;

fn process(i: u32) {
  y[i] = ${type('y')}(params.scale * Element(x[i]) + params.shift);
}
`;
};
