/**
 * Matrix product with sums held in registers; no workgroup memory, no barrier.
 *
 * A team of `lanes` invocations owns `rows` rows and 4 · vectors · lanes columns of c; of each row a lane owns `vectors`
 * vec4f. For every 4 steps of k the team loads a rows × 4 piece of a, spread over its lanes so that nothing is loaded
 * twice, and each lane loads the 4 × 4 pieces of b above its columns. Then row by row, so that a row's sums stay in
 * registers, the row of the piece is handed to all lanes (nearly free) and multiplied: a dot product over the four steps
 * for each column, so that a sum is touched once and what goes into it never leaves a register. With one lane there is
 * nobody to hand to, and the same text is a plain register tile.
 *
 * Operands are read four neighbours at a time however they are stored: a transposed one delivers its piece transposed,
 * and naming registers the other way round costs nothing.
 */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { type MatmulText, matmulHead } from './matmul.ts';
import { stored } from './stored.ts';

export interface MatmulTile {
  /** A multiple of 4. */
  rows: number;
  vectors: number;
  /** The subgroup size, or 1 to do without subgroups. */
  lanes: number;
}

export const tileColumns = ({ vectors, lanes }: MatmulTile) => 4 * vectors * lanes;

/** Invocations of a workgroup: one team; or, where a team is one lane, several teams. */
export const tileWorkgroupSize = ({ lanes }: MatmulTile) => (lanes === 1 ? 64 : lanes);

export const matmulTile = (text: MatmulText, tile: MatmulTile) => wgsl`
${stored(text.f16).enable}
#if ${tile.lanes > 1}
enable subgroups;
#endif
${matmulHead(text)}

${loadFour('A', 'a', text.vectorA, text.transposeA ? 'm' : 'k')}
${loadFour('B', 'b', text.vectorB, text.transposeB ? 'k' : 'n')}

@compute @workgroup_size(${tileWorkgroupSize(tile)})
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
#if ${tile.lanes > 1}
  let tile = flatWorkgroup(workgroup, workgroups);
  let lane = local;
#else
  let tile = flatWorkgroup(workgroup, workgroups) * ${tileWorkgroupSize(tile)} + local;
  let lane = 0u;
#endif
  let tilesM = (params.m + ${tile.rows - 1}) / ${tile.rows};
  let tilesN = (params.n + ${tileColumns(tile) - 1}) / ${tileColumns(tile)};
  let batch = tile / tilesN / tilesM;
  if (batch >= params.batch0 * params.batch1) {
    return;
  }
  let offset = batchOffsets(batch);
  let row = tile / tilesN % tilesM * ${tile.rows};
  let column = tile % tilesN * ${tileColumns(tile)} + 4 * lane;

${each(tile.rows, (r) => each(tile.vectors, (v) => `  var ${sum(r, v)} = vec4f();`))}
  for (var step = 0u; step < params.k; step += 4) {
${each(fragments(tile), (f) => (text.transposeA ? loadTransposedA(tile, f) : loadA(text, tile, f)))}
${each(tile.vectors, (v) => (text.transposeB ? loadTransposedB(tile, v) : loadB(tile, v)))}
${each(tile.rows / 4, (group) => (text.transposeA ? takeColumns(tile, group) : takeRows(tile, group)))}
  }

${each(tile.vectors, (v) => store(text, tile, v))}
}
`;

/** \`loadA(line, at)\`: the elements at .. at + 3 of the stored row that begins at \`line\`; its end is repeated. */
function loadFour(name: string, operand: string, vector: boolean, length: string): string {
  return wgsl`
fn load${name}(line: u32, at: u32) -> vec4f {
#if ${vector}
  return vec4f(${operand}[(line + min(at, params.${length} - 4)) / 4]);
#else
  let i = line + min(at + vec4u(0, 1, 2, 3), vec4u(params.${length} - 1));
  return vec4f(f32(${operand}[i.x]), f32(${operand}[i.y]), f32(${operand}[i.z]), f32(${operand}[i.w]));
#endif
}`;
}

/** How many vec4f of the rows × 4 piece of a each lane holds. */
function fragments({ rows, lanes }: MatmulTile): number {
  return Math.ceil(rows / lanes);
}

/** Lane l holds rows l, l + lanes, … of the piece. What lies beyond k counts as zero. */
function loadA(text: MatmulText, tile: MatmulTile, f: number): string {
  return wgsl`
    let lineA${f} = offset.x + min(row + ${f * tile.lanes} + lane, params.m - 1) * params.lda;
#if ${text.vectorA}
    let a${f} = loadA(lineA${f}, step);
#else
    let a${f} = select(vec4f(), loadA(lineA${f}, step), step + vec4u(0, 1, 2, 3) < vec4u(params.k));
#endif`;
}

/** The piece comes as 4 steps of rows in fours; lane l holds numbers l, l + lanes, … of these. */
function loadTransposedA(tile: MatmulTile, f: number): string {
  const fours = tile.rows / 4;
  return `
    let stepA${f} = step + (${f * tile.lanes} + lane) / ${fours};
    let lineA${f} = offset.x + min(stepA${f}, params.k - 1) * params.lda;
    let a${f} = select(vec4f(), loadA(lineA${f}, row + (${f * tile.lanes} + lane) % ${fours} * 4), stepA${f} < params.k);`;
}

/** `column2_v`: four steps of the lane's third column. */
function loadB(tile: MatmulTile, v: number): string {
  const lines = each(4, (s) => {
    const line = `offset.y + min(step + ${s}, params.k - 1) * params.ldb`;
    return `    let step${s}_${v} = loadB(${line}, column + ${4 * tile.lanes * v});`;
  });
  const columns = each(4, (j) => `    let column${j}_${v} = ${across((s) => `step${s}_${v}`, j)};`);
  return `${lines}\n${columns}`;
}

function loadTransposedB(tile: MatmulTile, v: number): string {
  return each(4, (j) => {
    const line = `offset.y + min(column + ${4 * tile.lanes * v + j}, params.n - 1) * params.ldb`;
    return `    let column${j}_${v} = loadB(${line}, step);`;
  });
}

/** Four rows of the piece, each taken from the lane that holds its four steps. */
function takeRows(tile: MatmulTile, group: number): string {
  return each(4, (i) => multiplyRow(tile, 4 * group + i, fromLane(tile, 4 * group + i)));
}

/** The same four rows from a transposed piece: for each step one vec4f down the rows. */
function takeColumns(tile: MatmulTile, group: number): string {
  const taken = each(4, (s) => `    let x${group}_${s} = ${fromLane(tile, (s * tile.rows) / 4 + group)};`);
  const rows = each(4, (i) =>
    multiplyRow(
      tile,
      4 * group + i,
      across((s) => `x${group}_${s}`, i),
    ),
  );
  return `${taken}\n${rows}`;
}

/** Element i of each of four vectors. */
function across(vector: (n: number) => string, i: number): string {
  return `vec4f(${Array.from({ length: 4 }, (_, n) => `${vector(n)}.${'xyzw'[i]}`).join(', ')})`;
}

/** A shuffle is the cheaper way on wide subgroups, a broadcast on narrow ones. */
function fromLane({ lanes }: MatmulTile, i: number): string {
  if (lanes === 1) return `a${i}`;
  return `${lanes > 4 ? 'subgroupShuffle' : 'subgroupBroadcast'}(a${Math.floor(i / lanes)}, ${i % lanes}u)`;
}

function multiplyRow(tile: MatmulTile, r: number, row: string): string {
  const products = each(tile.vectors, (v) => {
    const columns = Array.from({ length: 4 }, (_, j) => `dot(row${r}, column${j}_${v})`);
    return `    ${sum(r, v)} += vec4f(${columns.join(', ')});`;
  });
  return `    let row${r} = ${row};\n${products}`;
}

/** Rows are finished in a loop whose bounds the driver cannot guess: unrolled, it would double the compile time. */
function store(text: MatmulText, tile: MatmulTile, v: number): string {
  const sums = Array.from({ length: tile.rows }, (_, r) => sum(r, v));
  return wgsl`
  let column${v} = column + ${4 * tile.lanes * v};
  if (column${v} < params.n) {
    var sums = array(${sums.join(', ')});
    for (var i = row; i < min(row + ${tile.rows}, params.m); i++) {
      let at = offset.z + i * params.ldc;
#if ${text.vectorC}
      finish(at + column${v}, column${v}, sums[i - row]);
#else
      for (var j = column${v}; j < min(column${v} + 4, params.n); j++) {
        finish(at + j, j, sums[i - row][j - column${v}]);
      }
#endif
    }
  }`;
}

function sum(row: number, vector: number): string {
  return `sum${row}_${vector}`;
}

function each(count: number, text: (i: number) => string): string {
  return Array.from({ length: count }, (_, i) => text(i)).join('\n');
}
