/** In Node the package `benchmark` holds the stopwatch. In a browser it would have to add scripts to a page, which a worker has not. */
import { ClozeError } from '../src/gpu/index.ts';
import { defaultSampling, quickSampling, type Sampling, type Stopwatch } from './sampling.ts';

/** How the commands of `cloze bench` sample. Throws `option` when the package is not installed. */
export async function benchmarkSampling(quick = false): Promise<Sampling> {
  return { ...(quick ? quickSampling : defaultSampling), stopwatch: await loadStopwatch() };
}

async function loadStopwatch(): Promise<Stopwatch> {
  const { default: Benchmark } = await import('benchmark').catch((cause: Error) => {
    throw new ClozeError(
      'option',
      'timing needs the package benchmark, which is not installed',
      'Run: npm install --save-dev benchmark',
      { cause },
    );
  });
  return (contestant, samples) =>
    new Promise((resolve, reject) => {
      const bench = new Benchmark({
        defer: true,
        minSamples: samples,
        // A sample is one run: what is too short for the clock is repeated within the run.
        initCount: 1,
        minTime: 1e-9,
        maxTime: 1e-9,
        delay: 1e-3,
        fn: (deferred: { resolve(): void }) => {
          contestant.run().then(
            () => deferred.resolve(),
            (error) => {
              bench.abort();
              reject(error);
            },
          );
        },
        onComplete: () => resolve(bench.stats.sample.map((seconds) => 1e3 * seconds)),
      });
      bench.run({ async: true });
    });
}
