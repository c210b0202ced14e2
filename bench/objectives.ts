/**
 * The table of docs/objectives.md: every objective trained in small on the built-in stories, over several seeds, each beside what
 * counting achieves on the same predictions. What a run is made of stands here; `objectives.node.ts` runs them.
 */
import type { DoneEvent } from '../src/mlm/training/events.ts';

/** What all runs have in common, as arguments of `cloze train`. */
export const common =
  '--data stories:short --preset nano --vocab-size 1024 --layers 3 --heads 4 --batch-size 24 --seq-len 64 --lr 1e-2';

const hidden = (rate: string) => `--mask-rate ${rate} --eval-mask-rate 0.15 --mask-replace 1,0,0`;

/** The arguments of each row of the table. */
export const runs: Readonly<Record<string, string>> = {
  'mlm 15 %': `--objective mlm ${hidden('0.15')}`,
  'mlm 40 %': `--objective mlm ${hidden('0.4')}`,
  'mlm 80 %': `--objective mlm ${hidden('0.8')}`,
  sbo: `--objective sbo ${hidden('0.4')}`,
  mntp: `--objective mntp ${hidden('0.4')}`,
  hybrid: `--objective hybrid --causal-share 0.5 ${hidden('0.4')}`,
  causal: '--objective causal',
  diffusion: '--objective diffusion',
  t5: '--objective t5',
  bart: '--objective bart',
  electra: '--objective electra',
  autoencoder: `--objective autoencoder ${hidden('0.4')}`,
};

/** The rows of the table for runs that ended, by name: means over seeds, and the largest distance of a seed from them. */
export function tableLines(results: Readonly<Record<string, readonly DoneEvent[]>>): string[] {
  const rows = Object.entries(results)
    .filter(([, seeds]) => seeds.length > 0)
    .map(([name, seeds]) => {
      const bar = (one: DoneEvent) => one.baselines.neighbours ?? one.baselines.ngrams;
      const cells = [
        `\`${name.split(' ')[0]}\`${name.slice(name.split(' ')[0].length)}`,
        `${seeds[0].steps}`,
        `${seeds.length}`,
        spread(seeds.map(({ valLoss }) => valLoss)),
        spread(
          seeds.map(({ valAccuracy }) => 100 * valAccuracy),
          1,
        ),
        spread(seeds.map((one) => bar(one)?.loss ?? Number.NaN)),
        spread(
          seeds.map((one) => 100 * (bar(one)?.accuracy ?? Number.NaN)),
          1,
        ),
        spread(seeds.map(({ baselines }) => baselines.unigram.loss)),
      ];
      return `| ${cells.join(' | ')} |`;
    });
  return [
    '| objective | steps | seeds | loss | right, % | context counted: loss | right, % | words counted: loss |',
    '|---|---|---|---|---|---|---|---|',
    ...rows,
  ];
}

/** Mean ± the largest distance from it. */
function spread(values: readonly number[], digits = 3): string {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  if (values.length === 1) return mean.toFixed(digits);
  const most = Math.max(...values.map((value) => Math.abs(value - mean)));
  return `${mean.toFixed(digits)} ± ${most.toFixed(digits)}`;
}
