import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { type FlashText, flashHead } from './flashAttention.ts';
import { keysBindings, queriesBindings } from './flashAttentionBackward.ts';
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

const loaded = ['q', 'k', 'v', 'gradient'];

/** A subgroup owns `rows` queries and walks the keys. The frame stands in `flashTile.ts`. */
export const flashQueriesTile = (text: FlashText, tile: FlashTile) => wgsl`
${tileHead(flashHead(text, queriesBindings), text, { loaded, stored: ['dq'] })}

${tileMain(
  tile,
  queries,
  wgsl`
  let reach = reachOf(head, first, ${tile.rows});
  let end = reach.y;
${sums(tile, 'sum')}
${each(tile.rows, ownQuery)}

  for (var start = reach.x / 4 * 4; start < end; start += ${4 * tile.lanes}) {
    let four = start / 4 + lane;
    let labels = labelsOf(head, four);
${products(
  tile,
  [queries, keys],
  [
    ['score', 'q', 'k'],
    ['worth', 'gradient', 'v'],
  ],
)}
${each(tile.rows, slopesOfQuery)}
${weightedSums(tile, keys, [['sum', 'worth', 'k']])}
  }
${storeRows(tile, queries, 'dq', 'sum')}`,
)}
`;

function ownQuery(r: number): string {
  return `  let query${r} = ${token(queries, `first + ${r}`)};
  let row${r} = head * params.queries + query${r};
  let sight${r} = sightOf(head, query${r});
  let logSum${r} = statistics[2 * row${r}];
  let drift${r} = statistics[2 * row${r} + 1];`;
}

/** Worths (gradient · v) become gradients of q · k. */
function slopesOfQuery(r: number): string {
  return `    {
      let exponent = scaleOf(sight${r}) * score${r} - logSum${r};
      let probability = select(vec4f(), exp(exponent), seen(sight${r}, four, labels));
      worth${r} = params.scale * probability * (kept(row${r}, four) * worth${r} - drift${r});
    }`;
}

/** A subgroup owns `rows` keys and walks the queries. */
export const flashKeysTile = (text: FlashText, tile: FlashTile) => wgsl`
${tileHead(flashHead(text, keysBindings), text, { loaded, stored: ['dk', 'dv'] })}

${tileMain(
  tile,
  keys,
  wgsl`
  let end = params.queries;
${sums(tile, 'sum')}
${sums(tile, 'valueSum')}
${each(tile.rows / 4, (i) => `  let labels${i} = labelsOf(head, first / 4 + ${i});`)}

  for (var start = 0u; start < end; start += ${4 * tile.lanes}) {
#if ${text.masked}
    let reach = reachOf(head, start, ${4 * tile.lanes});
    if (reach.x >= first + ${tile.rows} || reach.y <= first) {
      continue;
    }
#endif
    let four = start / 4 + lane;
${products(
  tile,
  [keys, queries],
  [
    ['score', 'k', 'q'],
    ['worth', 'v', 'gradient'],
  ],
)}
${each(4, otherQuery)}
    let scales = vec4f(${list(4, (j) => `scaleOf(sight${j})`)});
    let logSums = vec4f(${list(4, (j) => `statistics[2 * row${j}]`)});
    let drifts = vec4f(${list(4, (j) => `statistics[2 * row${j} + 1]`)});
${each(tile.rows / 4, slopesOfKeys)}
${weightedSums(tile, queries, [
  ['sum', 'worth', 'q'],
  ['valueSum', 'score', 'gradient'],
])}
  }
${storeRows(tile, keys, 'dk', 'sum')}
${storeRows(tile, keys, 'dv', 'valueSum')}`,
)}
`;

/** One of the lane's four queries; past the last one there is none that sees a key. */
function otherQuery(j: number): string {
  return `    let query${j} = ${token(queries, `4 * four + ${j}`)};
    let row${j} = head * params.queries + query${j};
    let own${j} = sightOf(head, query${j});
    let sight${j} = select(vec4u(), own${j}, 4 * four + ${j} < params.queries);`;
}

/**
 * Scores become probabilities after dropout, worths (gradient · v) gradients of q · k. What is known of each query and four
 * keys is named the other way round: of each key and four queries.
 */
function slopesOfKeys(i: number): string {
  const four = `first / 4 + ${i}`;
  return `    {
${each(4, (j) => `      let sees${j} = seen(sight${j}, ${four}, labels${i});`)}
${each(4, (j) => `      let kept${j} = kept(row${j}, ${four});`)}
${each(4, (s) => {
  const r = 4 * i + s;
  const across = (name: string) => list(4, (j) => `${name}${j}.${'xyzw'[s]}`);
  return `      let probability${s} = select(vec4f(), exp(scales * score${r} - logSums), vec4<bool>(${across('sees')}));
      let factor${s} = vec4f(${across('kept')});
      score${r} = probability${s} * factor${s};
      worth${r} = params.scale * probability${s} * (factor${s} * worth${r} - drifts);`;
})}
    }`;
}
