/** A trial in words, line by line as it goes. */
import type { Mismatch } from '../src/kernels/check.ts';
import { columns, digits, factorText, rangeText } from './report.ts';
import type { Place, TryEvent } from './trial.ts';

/** How many shapes that went wrong are shown element by element. */
const mostShown = 3;

/** Tells events as lines. */
export function trialReport(say: (line: string) => void): (event: TryEvent) => void {
  let right = 0;
  let wrong = 0;
  let worst = 0;
  let ranked = false;
  let stopped = false;
  const unsupported = new Map<string, number>();

  const sayChecks = () => {
    for (const [reason, count] of unsupported)
      say(`left out  ${count} ${count === 1 ? 'shape' : 'shapes'}: ${reason}`);
    if (right + wrong > 0) {
      const error = wrong === 0 ? `, off by ${worst.toExponential(0)} of the largest number at most` : '';
      say(`right     at ${right} of ${right + wrong} shapes${error}`);
    } else {
      say('right     unknown: no shape could be checked');
    }
  };

  return (event) => {
    switch (event.event) {
      case 'loaded':
        say(`${event.variant} as ${event.kernel}, on ${event.adapter}`);
        break;
      case 'faults':
        stopped = true;
        say('does not compile:');
        for (const { line, column, message, excerpt } of event.faults) {
          say(`\n  ${line > 0 ? `line ${line}, column ${column}: ` : ''}${message}`);
          for (const text of excerpt) say(`    ${text}`);
        }
        break;
      case 'compiled':
        say(`compiled  ${event.texts} ${event.texts === 1 ? 'text' : 'texts'} in ${event.ms.toFixed(0)} ms`);
        break;
      case 'unsupported':
        unsupported.set(event.reason, (unsupported.get(event.reason) ?? 0) + 1);
        break;
      case 'checked':
        worst = Math.max(worst, event.relativeError);
        if (event.mismatches.length === 0) right++;
        else if (++wrong <= mostShown) for (const line of wrongLines(event.problem, event)) say(line);
        break;
      case 'ranked':
        if (!ranked) sayChecks();
        ranked = true;
        for (const line of rankLines(event.shape, event.places)) say(line);
        break;
      case 'hung':
        stopped = true;
        say(
          `hangs     ${stepText(event.step)} ${event.what}: no end after ${event.seconds} s, so it was stopped`,
        );
        break;
      case 'recovered':
        say(
          `          The adapter is well: our ${event.variant} needs ${event.ms.toFixed(0)} ms there, start and all.`,
        );
        break;
      case 'done':
        if (!ranked && !stopped && right + wrong + unsupported.size > 0) sayChecks();
        if (wrong > 0) say('          Not timed: a wrong result has no speed.');
        else if (!ranked && !stopped)
          say('          Not timed: name a shape that it supports with --shapes.');
        break;
    }
  };
}

const stepText = (step: string) =>
  ({ load: 'loading', compile: 'compiling', check: 'at', time: 'when timed at' })[step];

function wrongLines(
  problem: string,
  check: { tolerance: number; mismatches: readonly Mismatch[] },
): string[] {
  const cells = check.mismatches.map(({ output, index, got, want }) => [
    `  ${output}[${index}]`,
    `got ${got}`,
    `wanted ${want}`,
  ]);
  return [`wrong     at ${problem}`, ...columns(cells, 3)];
}

function rankLines(shape: string, places: readonly Place[]): string[] {
  const cells = places.map(({ variant, onTrial, chosen, ms, spread, ratio }, i) => [
    `  ${i + 1}.`,
    `${variant}${onTrial ? ' (yours)' : ''}${chosen ? ' *' : ''}`,
    `${digits(ms)} ms`,
    `(${rangeText(spread)})`,
    onTrial ? '' : `${factorText(ratio)} of yours`,
  ]);
  return ['', shape, ...columns(cells, 2)];
}
