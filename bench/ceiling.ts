/**
 * The most that an adapter can do, measured with kernels that do nothing else: multiply-adds in registers, and a copy
 * from memory to memory. What a kernel reaches is told as a share of these.
 */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { flatWorkgroup } from '../shaders/common.ts';
import { type KernelSpec, spread } from '../src/kernels/index.ts';

export interface MultiplyAddProblem {
  invocations: number;
  /** Rounds of the loop; each advances every accumulator {@link unrolled} times. */
  steps: number;
  accumulators: number;
}

const unrolled = 8;

/** `accumulators` independent chains of vec4 in each invocation. The factors are uniforms, so nothing can be folded. */
const multiplyAddText = (accumulators: number) => {
  const names = Array.from({ length: accumulators }, (_, i) => `a${i}`);
  const round = names.map((a) => `${a} = fma(${a}, scale, shift);`).join(' ');
  return wgsl`
@group(0) @binding(0) var<storage, read_write> y: array<f32>;

struct Params { invocations: u32, steps: u32, scale: f32, shift: f32 }
@group(0) @binding(1) var<uniform> params: Params;

${flatWorkgroup}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flatWorkgroup(workgroup, workgroups) * 64 + lane;
  let scale = vec4f(params.scale);
  let shift = vec4f(params.shift);
  ${names.map((a, n) => `var ${a} = vec4f(${n}, ${n}, ${n}, ${n});`).join('\n  ')}
  for (var step = 0u; step < params.steps; step++) {
    ${Array(unrolled).fill(round).join('\n    ')}
  }
  if (i < params.invocations) {
    y[i] = dot(${names.join(' + ')}, vec4f(1));
  }
}
`;
};

export const multiplyAdd: KernelSpec<MultiplyAddProblem> = {
  name: 'multiplyAdd',
  bindings: [{ name: 'y', access: 'write', type: 'f32', length: (p) => p.invocations }],
  params: { invocations: 'u32', steps: 'u32', scale: 'f32', shift: 'f32' },
  values: ({ invocations, steps }) => ({ invocations, steps, scale: 0.5, shift: 1 }),
  cost: ({ invocations, steps, accumulators }) => ({
    flops: 2 * 4 * accumulators * unrolled * steps * invocations,
    bytes: 4 * invocations,
  }),
  reductionLength: ({ steps }) => unrolled * steps,
  reference: ({ invocations, steps, accumulators }) => {
    let sum = 0;
    for (let start = 0; start < accumulators; start++) {
      let a = start;
      for (let i = 0; i < unrolled * steps; i++) a = 0.5 * a + 1;
      sum += 4 * a;
    }
    return { y: new Float64Array(invocations).fill(sum) };
  },
  awkward: [2, 3, 4].map((accumulators) => ({ invocations: 65, steps: 1, accumulators })),
  variants: [
    {
      name: 'registers',
      supports: () => true,
      source: ({ accumulators }) => multiplyAddText(accumulators),
      workgroups: ({ invocations }) => spread(Math.ceil(invocations / 64)),
    },
  ],
};

export interface CopyProblem {
  /** Elements, a multiple of 4. */
  count: number;
}

/** y = x, in vec4; an invocation moves `each` of them, which lie a whole sweep apart. */
const copyText = (each: number) => wgsl`
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;

struct Params { count: u32, sweep: u32 }
@group(0) @binding(2) var<uniform> params: Params;

${flatWorkgroup}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = flatWorkgroup(workgroup, workgroups) * 64 + lane;
  if (first >= params.sweep) {
    return;
  }
  ${Array.from({ length: each }, (_, n) => `let i${n} = first + ${n} * params.sweep;`).join('\n  ')}
  ${Array.from({ length: each }, (_, n) => `if (i${n} < params.count / 4) { y[i${n}] = x[i${n}]; }`).join('\n  ')}
}
`;

const sweep = ({ count }: CopyProblem, each: number) => Math.ceil(count / 4 / each);

/** One kernel for each number of vec4 that an invocation moves. */
export const copies: readonly KernelSpec<CopyProblem>[] = [1, 4].map((each) => ({
  name: `copy${each}`,
  bindings: [
    { name: 'x', access: 'read', type: 'f32', length: ({ count }) => count },
    { name: 'y', access: 'write', type: 'f32', length: ({ count }) => count },
  ],
  params: { count: 'u32', sweep: 'u32' },
  values: (p) => ({ count: p.count, sweep: sweep(p, each) }),
  cost: ({ count }) => ({ flops: 0, bytes: 8 * count }),
  reductionLength: () => 1,
  reference: (_, { x }) => ({ y: Float64Array.from(x) }),
  awkward: [{ count: 4 }, { count: 1028 }],
  variants: [
    {
      name: 'vec4',
      supports: () => true,
      source: () => copyText(each),
      workgroups: (p) => spread(Math.ceil(sweep(p, each) / 64)),
    },
  ],
}));
