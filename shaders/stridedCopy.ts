import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { stored } from './stored.ts';
import { strideFields, strideOffsets } from './strides.ts';

export interface CopyText {
  width: 1 | 4;
  axes: number;
  /** `x` repeats one number along the last axis. */
  repeat: boolean;
  f16?: readonly string[];
}

/** Bits are moved as u32, so that any four-byte type arrives unchanged; where f16 takes part, all are floats. */
const typeOf = (name: string, width: 1 | 4, f16: readonly string[] = []) =>
  f16.length > 0 ? stored(f16).type(name, width) : width === 4 ? 'vec4u' : 'u32';

const head = (widthX: 1 | 4, widthY: 1 | 4, axes: number, f16?: readonly string[]) => wgsl`
${stored(f16).enable}
@group(0) @binding(0) var<storage, read> x: array<${typeOf('x', widthX, f16)}>;
@group(0) @binding(1) var<storage, read_write> y: array<${typeOf('y', widthY, f16)}>;

struct Params {
  count: u32,
  startX: u32,
  startY: u32,
  ${strideFields}
}
@group(0) @binding(2) var<uniform> params: Params;

${strideOffsets(axes)}
`;

/** Moves `width` neighbours of the last axis from where x has them to where y wants them. */
export const stridedCopy = ({ width, axes, repeat, f16 }: CopyText) => wgsl`
${head(repeat ? 1 : width, width, axes, f16)}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let sweep = workgroups.x * workgroups.y * 64;
  for (var i = flatWorkgroup(workgroup, workgroups) * 64 + lane; i < params.count / ${width}; i += sweep) {
    let at = vec2u(params.startX, params.startY) + offsets(i * ${width});
    let moved = x[at.x / ${repeat ? 1 : width}];
    y[at.y / ${width}] = ${typeOf('y', width, f16)}(${repeat ? typeOf('y', 1, f16) : ''}(moved));
  }
}
`;

/** One element of each of a, b, c and d, as y has it. */
const fourOf = (element: string, f16?: readonly string[]) =>
  `${typeOf('y', 4, f16)}(${[...'abcd'].map((line) => `${typeOf('y', 1, f16)}(${line}.${element})`).join(', ')})`;

/** Turns blocks of 4 by 4: x has its neighbours along the last axis but one, y along the last. */
export const transposedCopy = (axes: number, f16?: readonly string[]) => wgsl`
${head(4, 4, axes, f16)}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let blocks = params.size5 / 4;
  let step = params.first5 / 4;
  let line = params.second4 / 4;
  let sweep = workgroups.x * workgroups.y * 64;
  for (var block = flatWorkgroup(workgroup, workgroups) * 64 + lane; block < params.count / 16; block += sweep) {
    let corner = 4 * (block / blocks) * params.size5 + 4 * (block % blocks);
    let at = vec2u(params.startX, params.startY) + offsets(corner);
    let source = at.x / 4;
    let a = x[source];
    let b = x[source + step];
    let c = x[source + 2 * step];
    let d = x[source + 3 * step];
    let place = at.y / 4;
    y[place] = ${fourOf('x', f16)};
    y[place + line] = ${fourOf('y', f16)};
    y[place + 2 * line] = ${fourOf('z', f16)};
    y[place + 3 * line] = ${fourOf('w', f16)};
  }
}
`;
