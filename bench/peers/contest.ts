/**
 * Ours and the peers on one operation: equal operands, the same adapter, in turns. A run calls the operation many times
 * and waits once.
 */

import { compare } from '../../src/kernels/check.ts';
import { type NumberArray, Random } from '../../src/kernels/index.ts';
import type { KernelReport, KernelRow, PeerResult } from '../report.ts';
import { type Contestant, ratio, type Sampling, summarize, takeTurns } from '../sampling.ts';
import { shapeName } from '../shapes.ts';
import type { Competitor, Prepared } from './competitor.ts';
import type { OperationCase } from './operations.ts';

/** How long a run should take, in milliseconds, and the most calls that it repeats. */
const runTime = 30;
const mostCalls = 64;

/** Beyond this a result is wrong and its time worthless. */
const wrong = 1e-3;

/** A library that is ready to take turns. */
interface Entry extends Contestant {
  relError: number;
  calls: number;
  /** Why it fell out, once it has. */
  failure?: string;
  prepared: Prepared;
}

/** Milliseconds of a call, sample by sample. */
interface Outcome {
  times: number[];
  relError: number | null;
  note?: string;
}

/** Times our operation and the peers', and says how far each strays from float64. Throws what ours throws. */
export async function measureOperation(
  ours: Competitor,
  peers: readonly Competitor[],
  { kernel: operation, sizes }: OperationCase,
  sampling: Sampling,
  ceiling: KernelReport['ceiling'],
): Promise<KernelRow> {
  const operands = operation.operands(sizes, new Random(1, 0x70656572));
  const want = operation.reference(operands);
  const began = performance.now();
  const own = await enter(ours, await ours.prepare(operation.name, operands), want);
  const warmUpMs = performance.now() - began;
  const entries: (Entry | string)[] = [];
  for (const peer of peers) {
    entries.push(
      await peer
        .prepare(operation.name, operands)
        .then((prepared) => enter(peer, prepared, want))
        .catch(reasonOf),
    );
  }
  const running = entries.filter((entry) => typeof entry !== 'string');
  const guarded = running.map((entry) => ({ run: () => fallingOut(entry) }));
  const samples = await takeTurns([own, ...guarded], sampling);
  const outcome = (entry: Entry, i: number): Outcome => ({
    times: samples[i].map((time) => time / entry.calls),
    relError: entry.relError,
    note: entry.failure,
  });
  const { times } = outcome(own, 0);
  const results = entries.map((entry): PeerResult => {
    if (typeof entry === 'string') return missing(entry);
    return peerResult(times, outcome(entry, 1 + running.indexOf(entry)));
  });
  for (const { prepared } of [own, ...running]) prepared.dispose();

  const { median: ms, spread } = summarize(times);
  const cost = operation.cost(sizes);
  const [gflops, gbps] = [cost.flops / ms / 1e6, cost.bytes / ms / 1e6];
  return {
    kernel: operation.name,
    shape: shapeName(sizes),
    dtype: 'f32',
    variant: 'op',
    chosen: true,
    ms,
    spread,
    gflops,
    gbps,
    ceilingShare: Math.max(gflops / ceiling.gflops, gbps / ceiling.gbps),
    relError: own.relError,
    peers: Object.fromEntries(peers.map(({ name }, i) => [name, results[i]])),
    gpuMs: null,
    compileMs: 0,
    warmUpMs,
    checkedShape: shapeName(sizes),
  };
}

/** Largest deviation, relative to the largest number of the result that it is in. */
function strays(got: readonly NumberArray[], want: readonly NumberArray[]): number {
  const named = (results: readonly NumberArray[]) => Object.fromEntries(results.entries());
  return compare(named(got), named(want), Number.POSITIVE_INFINITY).relativeError;
}

/** Checks a library's results, warms it up, and finds out how many calls make a run. */
async function enter(library: Competitor, prepared: Prepared, want: readonly NumberArray[]): Promise<Entry> {
  const relError = strays((await prepared.results()) as NumberArray[], want);
  const time = async (calls: number) => {
    const began = performance.now();
    for (let i = 0; i < calls; i++) prepared.call();
    await library.finish();
    return (performance.now() - began) / calls;
  };
  const callsFor = (ms: number) => Math.max(1, Math.min(mostCalls, Math.round(runTime / ms)));
  await time(1);
  const calls = callsFor(await time(callsFor(await time(1))));
  return {
    prepared,
    relError,
    calls,
    run: async () => {
      await time(calls);
    },
  };
}

export const reasonOf = (error: unknown) =>
  (error instanceof Error ? error.message : String(error)).split('\n')[0];

/** A run of a peer: one that fails takes no further part, and the others go on. */
async function fallingOut(entry: Entry): Promise<void> {
  if (entry.failure) return;
  try {
    await entry.run();
  } catch (error) {
    entry.failure = reasonOf(error);
  }
}

const missing = (note: string, relError: number | null = null): PeerResult => ({
  ms: null,
  spread: null,
  ratio: null,
  ratioSpread: null,
  relError,
  note,
});

/** A peer's samples against ours. */
export function peerResult(ours: readonly number[], { times, relError, note }: Outcome): PeerResult {
  if (note) return missing(note, relError);
  const factor = ratio(times, ours);
  const { median: ms, spread } = summarize(times);
  const result = { ms, spread, ratio: factor.median, ratioSpread: factor.spread, relError };
  if (relError !== null && !(relError < wrong)) return { ...result, note: 'its result is wrong' };
  return result;
}
