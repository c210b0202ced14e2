import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { stored } from './stored.ts';
import { strideFields, strideOffsets } from './strides.ts';

export type BinaryOp = 'add' | 'sub' | 'mul' | 'div';

const operators: Readonly<Record<BinaryOp, string>> = { add: '+', sub: '-', mul: '*', div: '/' };

export interface BinaryText {
  op: BinaryOp;
  /** Numbers computed at a time: 1, or 4 neighbours of the last axis. */
  width: 1 | 4;
  /** Axes to tell apart. */
  axes: number;
  /** Operands that repeat one number along the last axis; read singly whatever the width. */
  repeatA: boolean;
  repeatB: boolean;
  f16?: readonly string[];
}

/** y = a op b, each operand read through its own strides. */
export const binary = ({ op, width, axes, repeatA, repeatB, f16 }: BinaryText) => {
  const { enable, type } = stored(f16, width);
  return wgsl`
${enable}
#if ${width === 4}
alias Element = vec4f;
#else
alias Element = f32;
#endif
const widthA = ${repeatA ? 1 : width}u;
const widthB = ${repeatB ? 1 : width}u;

@group(0) @binding(0) var<storage, read> a: array<${type('a', repeatA ? 1 : width)}>;
@group(0) @binding(1) var<storage, read> b: array<${type('b', repeatB ? 1 : width)}>;
@group(0) @binding(2) var<storage, read_write> y: array<${type('y')}>;

struct Params {
  count: u32,
  ${strideFields}
}
@group(0) @binding(3) var<uniform> params: Params;

${strideOffsets(axes)}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let sweep = workgroups.x * workgroups.y * 64;
  for (var i = flatWorkgroup(workgroup, workgroups) * 64 + lane; i < params.count / ${width}; i += sweep) {
    let at = offsets(i * ${width});
    let x = ${repeatA ? 'f32' : 'Element'}(a[at.x / widthA]);
    let z = ${repeatB ? 'f32' : 'Element'}(b[at.y / widthB]);
    y[i] = ${type('y')}(Element(x) ${operators[op]} Element(z));
  }
}
`;
};
