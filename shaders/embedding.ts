import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { elements } from './elements.ts';
import { stored } from './stored.ts';

/** y[i, :] = table[ids[i], :]. */
export const embedding = (width: 1 | 4, f16?: readonly string[]) => {
  const { enable, type } = stored(f16, width);
  return wgsl`
${enable}
${elements(width)}

@group(0) @binding(0) var<storage, read> table: array<${type('table')}>;
@group(0) @binding(1) var<storage, read> ids: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<${type('y')}>;

struct Params { count: u32, columns: u32 }
@group(0) @binding(3) var<uniform> params: Params;

fn process(i: u32) {
  let columns = params.columns / ${width};
  y[i] = ${type('y')}(Element(table[ids[i / columns] * columns + i % columns]));
}
`;
};

/** The highest bit of a segment's row says that it is part of a longer one. */
const segmentRows = wgsl`
const partOfRow = 0x80000000u;
fn rowOf(segment: u32) -> u32 { return rows[segment] & ~partOfRow; }
fn isPart(segment: u32) -> bool { return (rows[segment] & partOfRow) != 0; }
`;

/**
 * dtable[rows[s], :] += Σ dy[position, :] over the positions of segment s, in their order; of a segment that is part of a
 * longer one, the sum goes to parts[s, :].
 */
export const embeddingBackward = (width: 1 | 4, f16?: readonly string[]) => {
  const { enable, type } = stored(f16, width);
  return wgsl`
${enable}
${elements(width)}
${segmentRows}

@group(0) @binding(0) var<storage, read> rows: array<u32>;
@group(0) @binding(1) var<storage, read> offsets: array<u32>;
@group(0) @binding(2) var<storage, read> order: array<u32>;
@group(0) @binding(3) var<storage, read> dy: array<${type('dy')}>;
@group(0) @binding(4) var<storage, read_write> parts: array<Element>;
@group(0) @binding(5) var<storage, read_write> dtable: array<${type('dtable')}>;

struct Params { count: u32, columns: u32, padding: u32 }
@group(0) @binding(6) var<uniform> params: Params;

fn process(i: u32) {
  let columns = params.columns / ${width};
  let column = i % columns;
  let segment = i / columns;
  let row = rowOf(segment);
  let end = offsets[segment + 1];
  var next = offsets[segment];
  if (next == end || row == params.padding) { return; }

  var total = Element(0);
  for (; next < end; next++) {
    total += Element(dy[order[next] * columns + column]);
  }
  if (isPart(segment)) {
    parts[i] = total;
  } else {
    let place = row * columns + column;
    dtable[place] = ${type('dtable')}(Element(dtable[place]) + total);
  }
}
`;
};

/** dtable[row, :] += Σ parts[s, :] over the segments s that are parts of the row; the first of them adds up. */
export const embeddingBackwardParts = (width: 1 | 4, f16?: readonly string[]) => {
  const { enable, type } = stored(f16, width);
  return wgsl`
${enable}
${elements(width)}
${segmentRows}

@group(0) @binding(0) var<storage, read> rows: array<u32>;
@group(0) @binding(1) var<storage, read> parts: array<Element>;
@group(0) @binding(2) var<storage, read_write> dtable: array<${type('dtable')}>;

struct Params { count: u32, columns: u32, padding: u32 }
@group(0) @binding(3) var<uniform> params: Params;

fn process(i: u32) {
  let columns = params.columns / ${width};
  let column = i % columns;
  let first = i / columns;
  let row = rowOf(first);
  if (!isPart(first) || row == params.padding) { return; }
  if (first > 0 && rows[first - 1] == rows[first]) { return; }

  var total = Element(0);
  let most = params.count / params.columns;
  for (var part = first; part < most && rows[part] == rows[first]; part++) {
    total += parts[part * columns + column];
  }
  let place = row * columns + column;
  dtable[place] = ${type('dtable')}(Element(dtable[place]) + total);
}
`;
};
