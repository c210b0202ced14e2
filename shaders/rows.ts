/**
 * The frame of every kernel that works along rows of a matrix [rows, columns]: it gives each row to a team of
 * invocations, and lets the team add up and compare what its members hold.
 *
 * A kernel supplies the struct `Params` with a field `rows`, and
 *   fn processRow(row: u32, member: u32, team: u32)
 * in which member m of a team walks elements m, m + team, m + 2·team … of the row.
 */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { flatWorkgroup } from './common.ts';

export interface Team {
  /** Numbers in one element: 1, or 4 where the columns are a multiple of 4. */
  width: 1 | 4;
  /** 0: no subgroup shares a row. Otherwise its size. */
  subgroup: number;
  /** Whether a workgroup shares a row; else, without a subgroup, one invocation takes a whole row. */
  workgroup?: boolean;
}

export const rowTeams = ({ width, subgroup, workgroup = false }: Team) => wgsl`
#if ${subgroup > 0}
enable subgroups;
#endif

#if ${width === 4}
alias Element = vec4f;
alias Index = vec4u;
const offsets = vec4u(0, 1, 2, 3);
fn firstOf(x: Element) -> f32 { return x.x; }
fn sumOf(x: Element) -> f32 { return (x.x + x.y) + (x.z + x.w); }
fn maxOf(x: Element) -> f32 { return max(max(x.x, x.y), max(x.z, x.w)); }
#else
alias Element = f32;
alias Index = u32;
const offsets = 0u;
fn firstOf(x: Element) -> f32 { return x; }
fn sumOf(x: Element) -> f32 { return x; }
fn maxOf(x: Element) -> f32 { return x; }
#endif

// Over all members of the team; every member gets the result.
#if ${subgroup > 0}
fn teamSum(x: f32) -> f32 { return subgroupAdd(x); }
fn teamMax(x: f32) -> f32 { return subgroupMax(x); }
#elif ${workgroup}
var<private> place: u32;
var<workgroup> held: array<f32, 64>;

// In halves, so in the same order every time. The load at the end waits for all, before it and after it.
fn teamSum(x: f32) -> f32 {
  held[place] = x;
  for (var half = 32u; half > 0; half /= 2) {
    workgroupBarrier();
    if (place < half) { held[place] += held[place + half]; }
  }
  return workgroupUniformLoad(&held[0]);
}
fn teamMax(x: f32) -> f32 {
  held[place] = x;
  for (var half = 32u; half > 0; half /= 2) {
    workgroupBarrier();
    if (place < half) { held[place] = max(held[place], held[place + half]); }
  }
  return workgroupUniformLoad(&held[0]);
}
#else
fn teamSum(x: f32) -> f32 { return x; }
fn teamMax(x: f32) -> f32 { return x; }
#endif

/** The least finite float: smaller than any score, and safe to subtract from. */
const lowest = -3.4028234e38;

${flatWorkgroup}

@compute @workgroup_size(${subgroup || 64})
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
#if ${subgroup > 0}
  let row = flatWorkgroup(workgroup, workgroups);
  if (row < params.rows) { processRow(row, lane, ${subgroup}); }
#elif ${workgroup}
  place = lane;
  let row = flatWorkgroup(workgroup, workgroups);
  if (row < params.rows) { processRow(row, lane, 64); }
#else
  let row = flatWorkgroup(workgroup, workgroups) * 64 + lane;
  if (row < params.rows) { processRow(row, 0, 1); }
#endif
}
`;
