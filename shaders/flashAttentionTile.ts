import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { type FlashText, flashHead, forwardBindings } from './flashAttention.ts';
import {
  each,
  type FlashTile,
  keys,
  list,
  products,
  queries,
  storeRows,
  sums,
  tileHead,
  tileMain,
  token,
  weightedSums,
} from './flashTile.ts';

/** A subgroup owns `rows` queries and walks the keys. The frame stands in `flashTile.ts`. */
export const flashAttentionTile = (text: FlashText, tile: FlashTile) => wgsl`
${tileHead(flashHead(text, forwardBindings), text, { loaded: ['q', 'k', 'v'], stored: ['context'] })}

fn maxOf(x: vec4f) -> f32 { return max(max(x.x, x.y), max(x.z, x.w)); }
fn addUp(x: vec4f) -> f32 { return (x.x + x.y) + (x.z + x.w); }

fn laneMax(x: f32) -> f32 {
  var y = x;
${butterfly(tile, (step) => `  y = max(y, subgroupShuffleXor(y, ${step}u));`)}
  return y;
}

fn laneSum(x: f32) -> f32 {
  var y = x;
${butterfly(tile, (step) => `  y += subgroupShuffleXor(y, ${step}u);`)}
  return y;
}

${tileMain(
  tile,
  queries,
  wgsl`
  let reach = reachOf(head, first, ${tile.rows});
  let end = reach.y;
${sums(tile, 'sum')}
${each(tile.rows, (r) => `  var top${r} = lowest; var total${r} = 0.0;`)}
${each(tile.rows, (r) => `  let sight${r} = sightOf(head, ${token(queries, `first + ${r}`)});`)}

  for (var start = reach.x / 4 * 4; start < end; start += ${4 * tile.lanes}) {
    let four = start / 4 + lane;
    let labels = labelsOf(head, four);
${products(tile, [queries, keys], [['score', 'q', 'k']])}
${each(tile.rows, (r) => softmaxRow(tile, r))}
${weightedSums(tile, keys, [['sum', 'score', 'v']])}
  }

${each(tile.rows, (r) => `  total${r} = laneSum(total${r});`)}
  var tops = array(${list(tile.rows, (r) => `top${r}`)});
  var totals = array(${list(tile.rows, (r) => `total${r}`)});
  for (var i = first; i < min(first + ${tile.rows}, params.queries); i++) {
    if (lane == 0) {
      logSum[head * params.queries + i] = tops[i - first] + log(totals[i - first]);
    }
  }
${storeRows(tile, queries, 'context', 'sum', ' / totals[i - first]')}`,
)}
`;

/** What lanes do together, in steps of 1, 2, 4, … */
function butterfly({ lanes }: FlashTile, text: (step: number) => string): string {
  return each(Math.log2(lanes), (i) => text(2 ** i));
}

/** Scores become weights relative to the highest score so far; what was summed up shrinks to match. */
function softmaxRow({ vectors }: FlashTile, r: number): string {
  return wgsl`
    {
      let sees = seen(sight${r}, four, labels);
      let score = select(vec4f(lowest), scaleOf(sight${r}) * score${r}, sees);
      let top = max(top${r}, laneMax(maxOf(score)));
      let weights = select(vec4f(), exp(score - top), sees);
      let shrink = exp(top${r} - top);
      top${r} = top;
      total${r} = total${r} * shrink + addUp(weights);
${each(vectors, (v) => `      sum${r}_${v} *= shrink;`)}
      score${r} = weights * kept(head * params.queries + first + ${r}, four);
    }`;
}
