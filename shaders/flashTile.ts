/**
 * Flash attention in the registers of a subgroup, without workgroup memory and barriers: what its kernels share.
 *
 * A subgroup holds `rows` tokens of one side (queries or keys) and walks those of the other, 4 · lanes of them at a time.
 * What belongs to pairs (scores, probabilities) is one vec4f per row in each lane: lane l has tokens 4 l … 4 l + 3 of
 * the other side. What belongs to the depth (context, gradients) is spread over the lanes as well: of each row a lane owns
 * `vectors` vec4f. A product needs one operand spread over the lanes and the other in every lane; the latter is
 * handed round by shuffles, which are nearly free, and not loaded again.
 */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { elementOf, type FlashText } from './flashAttention.ts';
import { stored } from './stored.ts';

export interface FlashTile {
  /** Tokens that a subgroup holds: a multiple of 4. */
  rows: number;
  /** The subgroup size. */
  lanes: number;
  /** How many vec4f of a token's depth a lane owns. */
  vectors: number;
}

/** The two sides of attention: where a head's tokens begin, and how many there are. */
export const queries = { offset: 'offset.x', count: 'params.queries' };
export const keys = { offset: 'offset.y', count: 'params.keys' };
export type Side = typeof queries;

/** Loads and stores of four neighbours along the depth of `operands`, and the reach of a tile. */
export const tileHead = (
  head: string,
  text: FlashText,
  operands: { loaded: readonly string[]; stored: readonly string[] },
) => wgsl`
${stored(text.f16).enable}
enable subgroups;
${head}

${operands.loaded.map((name) => loadVector(name, text.depth)).join('\n')}
${operands.stored.map((name) => storeVector(name, text)).join('\n')}

/** The keys from the first to the last that any of \`count\` queries sees. */
fn reachOf(head: u32, query: u32, count: u32) -> vec2u {
#if ${text.masked}
  var reach = vec2u(params.keys, 0);
  for (var i = query; i < min(query + count, params.queries); i++) {
    let sight = sightOf(head, i);
    reach = vec2u(min(reach.x, sight.x), max(reach.y, sight.y));
  }
  return reach;
#else
  return vec2u(0, params.keys);
#endif
}
`;

/** The frame of a kernel in which a subgroup owns \`rows\` tokens of a side, from \`first\` on. */
export const tileMain = (tile: FlashTile, { count }: Side, body: string) => wgsl`
@compute @workgroup_size(${tile.lanes})
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tiles = (${count} + ${tile.rows - 1}) / ${tile.rows};
  let index = flatWorkgroup(workgroup, workgroups);
  let head = index / tiles;
  if (head >= params.count) {
    return;
  }
  let first = index % tiles * ${tile.rows};
  let offset = headOffsets(head);
${body}
}
`;

/** \`load_x(line, at)\`: the elements at .. at + 3 of a token; 0 beyond the depth. */
function loadVector(name: string, depth: number): string {
  return wgsl`
fn load_${name}(line: u32, at: u32) -> vec4f {
#if ${depth % 4 === 0}
  return vec4f(${name}[(line + min(at, params.depth - 4)) / 4]);
#else
  let i = at + vec4u(0, 1, 2, 3);
  let places = line + min(i, vec4u(params.depth - 1));
  let four = vec4f(
    f32(${name}[places.x]), f32(${name}[places.y]), f32(${name}[places.z]), f32(${name}[places.w]),
  );
  return select(vec4f(), four, i < vec4u(params.depth));
#endif
}`;
}

/** \`store_x(line, at, value)\`: the same place, without what is beyond the depth. */
function storeVector(name: string, text: FlashText): string {
  return wgsl`
fn store_${name}(line: u32, at: u32, value: vec4f) {
  if (at >= params.depth) {
    return;
  }
#if ${text.depth % 4 === 0}
  ${name}[(line + at) / 4] = ${elementOf(text, name)}(value);
#else
  for (var i = at; i < min(at + 4, params.depth); i++) { ${name}[line + i] = ${elementOf(text, name)}(value[i - at]); }
#endif
}`;
}

export const each = (count: number, text: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => text(i)).join('\n');
export const list = (count: number, text: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => text(i)).join(', ');

/** \`name2_1\` is vector 1 of row 2: what a lane adds up along the depth. */
export const sums = ({ rows, vectors }: FlashTile, name: string) =>
  each(rows, (r) => each(vectors, (v) => `  var ${name}${r}_${v} = vec4f();`));

/** Where in the depth vector v of a lane begins. */
const column = ({ lanes }: FlashTile, v: number) => `${4 * lanes * v} + 4 * lane`;

/** A token of a side, or the last one where there is none. */
export const token = ({ count }: Side, i: string) => `min(${i}, ${count} - 1)`;
const line = (side: Side, i: string) => `${side.offset} + ${token(side, i)} * params.row`;

/**
 * Products of the rows with the lane's four tokens, from 4 · `four` on, for each (sum, operand of the rows, operand of
 * the others): four steps of the depth at a time, the rows' elements spread over the lanes.
 */
export function products(
  tile: FlashTile,
  [rows, others]: readonly [Side, Side],
  operands: readonly (readonly [sum: string, row: string, other: string])[],
): string {
  const fragments = Math.ceil(tile.rows / tile.lanes);
  const multiply = ([sum, row, other]: readonly string[]) => wgsl`
    {
${each(fragments, (f) => `      let x${f} = load_${row}(xLine${f}, d);`)}
${each(4, (j) => `      let y${j} = load_${other}(yLine${j}, d);`)}
${each(4, (s) => `      let z${s} = vec4f(${list(4, (j) => `y${j}.${'xyzw'[s]}`)});`)}
${each(tile.rows, (r) => {
  const held = `x${Math.floor(r / tile.lanes)}`;
  const taken = `      let a${r} = subgroupBroadcast(${held}, ${r % tile.lanes}u);`;
  return `${taken}\n${each(4, (s) => `      ${sum}${r} = fma(vec4f(a${r}.${'xyzw'[s]}), z${s}, ${sum}${r});`)}`;
})}
    }`;
  return wgsl`
${operands.map(([sum]) => each(tile.rows, (r) => `    var ${sum}${r} = vec4f();`)).join('\n')}
${each(fragments, (f) => `    let xLine${f} = ${line(rows, `first + ${f * tile.lanes} + lane`)};`)}
${each(4, (j) => `    let yLine${j} = ${line(others, `4 * four + ${j}`)};`)}
    for (var d = 0u; d < params.depth; d += 4) {
${operands.map(multiply).join('\n')}
    }`;
}

/**
 * Adds to each row the other tokens from \`start\` to `end`, weighted, for each (sum, weights, operand): four of them at
 * a time, whose weights one lane holds.
 */
export function weightedSums(
  tile: FlashTile,
  others: Side,
  operands: readonly (readonly [sum: string, weights: string, other: string])[],
): string {
  const add = ([sum, weights, other]: readonly string[]) => wgsl`
    {
${each(4, (j) => each(tile.vectors, (v) => `      let y${j}_${v} = load_${other}(yLine${j}, ${column(tile, v)});`))}
${each(tile.rows, (r) => {
  const taken = `      let w${r} = subgroupShuffle(${weights}${r}, group);`;
  const adds = each(4, (j) =>
    each(tile.vectors, (v) => {
      const to = `${sum}${r}_${v}`;
      return `      ${to} = fma(vec4f(w${r}.${'xyzw'[j]}), y${j}_${v}, ${to});`;
    }),
  );
  return `${taken}\n${adds}`;
})}
    }`;
  return wgsl`
    let groups = min(${tile.lanes}u, (end - start + 3) / 4);
    for (var group = 0u; group < groups; group++) {
${each(4, (j) => `      let yLine${j} = ${line(others, `start + 4 * group + ${j}`)};`)}
${operands.map(add).join('\n')}
    }`;
}

/** Rows are stored in a loop whose bounds the driver cannot guess: unrolled, it would compile for longer. */
export const storeRows = (tile: FlashTile, side: Side, name: string, sum: string, factor = '') =>
  each(
    tile.vectors,
    (v) => `  {
    var stored = array(${list(tile.rows, (r) => `${sum}${r}_${v}`)});
    for (var i = first; i < min(first + ${tile.rows}, ${side.count}); i++) {
      store_${name}(${side.offset} + i * params.row, ${column(tile, v)}, stored[i - first]${factor});
    }
  }`,
  );
