/** What `cloze bench step` tells of a row, as text. */
import { digits, factorText, rangeText } from './report.ts';
import type { StepPeer, StepRow } from './step.ts';

const mebibytes = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`;
const percent = (share: number) => `${(100 * share).toFixed(0)} %`;

export function stepLines(row: StepRow): string[] {
  const { model, batch, seqLen, vocab, maskRate, dtype, spread, kernelShare, rssBytes } = row;
  const lines: [string, string][] = [
    ['step', `${digits(row.msPerStep)} ms (${rangeText(spread)}), ${digits(row.tokensPerSecond)} tokens/s`],
    [
      'kernels',
      kernelShare === null ? 'this adapter has no timestamps' : `${percent(kernelShare)} of the time`,
    ],
    ['dispatches', `${row.dispatches}, ${digits(row.cpuMicrosPerDispatch)} us each on the CPU`],
    ['arithmetic', `${percent(row.mfu)} of what the adapter does at most`],
    ['GPU memory', `${mebibytes(row.peakGpuBytes)} at most`],
    ...(rssBytes === null ? [] : [['process', mebibytes(rssBytes)] as [string, string]]),
    ...Object.entries(row.peers).map(([name, peer]): [string, string] => [name, peerText(peer)]),
  ];
  return [
    `${model}: ${batch} x ${seqLen} tokens, ${vocab} words, ${percent(maskRate)} of them predicted${dtype === 'f16' ? ', in f16' : ''}`,
    ...lines.map(([name, text]) => `  ${name.padEnd(12)}${text}`),
  ];
}

function peerText({ msPerStep, spread, ratio, ratioSpread, lossAgree, lossError, note }: StepPeer): string {
  if (msPerStep === null) return note ?? '';
  const time = `${digits(msPerStep)} ms (${rangeText(spread!)})`;
  const factor = factorText({ median: ratio!, spread: ratioSpread! });
  const losses = `losses ${lossAgree ? 'agree' : 'do not agree'}, to ${lossError!.toExponential(0)}`;
  return `${time}, ${factor} of ours; ${losses}`;
}
