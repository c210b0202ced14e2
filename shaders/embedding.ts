import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { elements } from './elements.ts';

/** y[i, :] = table[ids[i], :]. */
export const embedding = (width: 1 | 4) => wgsl`
${elements(width)}

@group(0) @binding(0) var<storage, read> table: array<Element>;
@group(0) @binding(1) var<storage, read> ids: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<Element>;

struct Params { count: u32, columns: u32 }
@group(0) @binding(3) var<uniform> params: Params;

fn process(i: u32) {
  let columns = params.columns / ${width};
  y[i] = table[ids[i / columns] * columns + i % columns];
}
`;

/** dtable[rows[s], :] = Σ dy[position, :] over the positions of segment s, in their order. */
export const embeddingBackward = (width: 1 | 4) => wgsl`
${elements(width)}

@group(0) @binding(0) var<storage, read> rows: array<u32>;
@group(0) @binding(1) var<storage, read> offsets: array<u32>;
@group(0) @binding(2) var<storage, read> order: array<u32>;
@group(0) @binding(3) var<storage, read> dy: array<Element>;
@group(0) @binding(4) var<storage, read_write> dtable: array<Element>;

struct Params { count: u32, columns: u32, padding: u32 }
@group(0) @binding(5) var<uniform> params: Params;

fn process(i: u32) {
  let columns = params.columns / ${width};
  let column = i % columns;
  let segment = i / columns;
  let row = rows[segment];
  let end = offsets[segment + 1];
  var next = offsets[segment];
  if (next == end || row == params.padding) { return; }

  var total = Element(0);
  for (; next < end; next++) {
    total += dy[order[next] * columns + column];
  }
  dtable[row * columns + column] = total;
}
`;
