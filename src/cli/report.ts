/** A training run told to people. */
import { formatBytes } from '../gpu/pool.ts';
import type { Session } from '../mlm/data/session.ts';
import type { Measure } from '../mlm/evaluation/measures.ts';
import type { FillMaskPrediction } from '../mlm/fillMask.ts';
import type {
  Baselines,
  DoneEvent,
  EvalEvent,
  Score,
  StartEvent,
  StepEvent,
  TrainEvent,
} from '../mlm/training/events.ts';
import type { TrainOptions } from '../mlm/training/options.ts';
import { bar, count, duration, nats, percent } from './format.ts';
import type { Progress } from './progress.ts';

/** What is known of a run before its first event. */
export interface RunFacts {
  session: Session;
  options: TrainOptions;
}

/** A consumer of the events of one run. */
export function report(facts: RunFacts, progress: Progress): (event: TrainEvent) => void {
  let began = performance.now();
  const seconds = () => (performance.now() - began) / 1000;
  let start: StartEvent;
  return (event) => {
    switch (event.event) {
      case 'start':
        start = event;
        began = performance.now();
        for (const line of opening(event, facts)) progress.say(line);
        return;
      case 'step':
        return progress.update(shareDone(event, seconds()), stepLine(event, start.steps));
      case 'device-lost':
        return progress.say(
          `The device was lost after step ${count(event.step)}; the run goes on from step ${count(event.resumedFrom)}.`,
        );
      case 'out-of-memory':
        return progress.say(
          `Not enough memory: ${event.message.split('. ')[0]}. The run goes on from step ${count(event.resumedFrom)} with micro-batches of ${count(event.rows)} sequences.`,
        );
      case 'eval':
        return progress.say(validationLine(event, start));
      case 'done':
        progress.close();
        return progress.say(`\n${summary(event, seconds())}`);
    }
  };
}

function shareDone({ secondsLeft }: StepEvent, elapsed: number): number {
  return secondsLeft === null ? 0 : elapsed / (elapsed + secondsLeft);
}

function opening(start: StartEvent, { session, options }: RunFacts): string[] {
  const lines = [
    `Adapter     ${start.adapter}${tuningText(start)}`,
    `Corpus      ${session.name}: ${count(session.documents)} documents, ${count(start.trainTokens)} tokens to train on`,
    `            in ${count(start.trainSequences)} sequences; ${count(start.validationSequences)} held out for validation`,
    ...repeatsText(start),
    ...packingText(start),
    `Vocabulary  ${count(start.vocabSize)} tokens (${session.tokenizer.kind})`,
    `Model       ${options.from ?? options.preset}, ${count(start.parameters)} parameters`,
    ...memoryText(start),
    `To beat     ${baselinesText(start.baselines)}`,
  ];
  if (start.floor !== null) lines.push(`Floor       ${nats(start.floor)} nats: no model can do better`);
  if (start.firstStep > 1) lines.push(`Resumed     at step ${count(start.firstStep)}`);
  return [...lines, ''];
}

function memoryText({ memory }: StartEvent): string[] {
  const { state, activations, largestBuffer, bufferLimit } = memory;
  return [
    `Memory      ${formatBytes(state + activations)}: ${formatBytes(state)} for weights, gradients and optimizer, ${formatBytes(activations)} for a step`,
    `            in buffers of up to ${formatBytes(largestBuffer)}; the adapter allows ${formatBytes(bufferLimit)}`,
  ];
}

function repeatsText({ duplicates, overlap }: StartEvent): string[] {
  if (!duplicates) return [];
  return [
    `            ${count(duplicates)} documents repeat an earlier one; ${count(overlap ?? 0)} held-out ones are in the training text too`,
  ];
}

function packingText({ padding, packedPadding }: StartEvent): string[] {
  if (packedPadding === null) return [];
  return [
    `            packed into rows of which ${percent(packedPadding)} is padding, not ${percent(padding)}`,
  ];
}

function tuningText({ tuning }: StartEvent): string {
  return tuning ? `, tuned (${count(tuning.choices)} kernels, ${tuning.digest})` : '';
}

/** The count-based predictors by the names that people know them by, shorter and longer, weakest first. */
export function namedBars({ unigram, neighbours, ngrams }: Baselines): [string, string, Score][] {
  return [
    ['unigram', 'word counts alone', unigram],
    ...(neighbours
      ? ([['neighbours', 'counts of neighbours', neighbours]] as [string, string, Score][])
      : []),
    ...(ngrams ? ([['n-grams', 'counts of n-grams', ngrams]] as [string, string, Score][]) : []),
  ];
}

/** A table of what was measured: the model, the count-based predictors, the floor. */
export function measureLines(model: string, measure: Measure): string[] {
  const { name, unit, baselines, floor, bitsPerByte } = measure;
  const row = (label: string, { loss, accuracy }: Score) =>
    `${label.padEnd(26)}${nats(loss).padStart(10)}${percent(accuracy).padStart(12)}` +
    `${Math.exp(loss).toFixed(2).padStart(14)}`;
  return [
    `\n${`${name}, ${unit}`.padEnd(26)}${'loss'.padStart(10)}${'right'.padStart(12)}${'perplexity'.padStart(14)}`,
    row(model, measure),
    ...(baselines ? namedBars(baselines).map(([, label, score]) => row(label, score)) : []),
    ...(floor === undefined ? [] : [`${'least possible'.padEnd(26)}${nats(floor).padStart(10)}`]),
    ...(bitsPerByte === undefined ? [] : [`${nats(bitsPerByte)} bits per byte`]),
  ];
}

/** All count-based predictors in one line. */
export function baselinesText(baselines: Baselines): string {
  const text = ({ loss, accuracy }: Score) => `${nats(loss)} nats, ${percent(accuracy)} right`;
  return namedBars(baselines)
    .map(([, name, score]) => `${name}: ${text(score)}`)
    .join('; ');
}

/** Their losses alone, and the floor where there is one. */
function lossesBeside(baselines: Baselines, floor: number | null): string {
  const bars = namedBars(baselines).map(([name, , { loss }]) => `${name} ${nats(loss)}`);
  return [...bars, ...(floor === null ? [] : [`floor ${nats(floor)}`])].join(', ');
}

function stepLine(event: StepEvent, steps: number | null): string {
  const of = steps === null ? '' : `/${count(steps)}`;
  const left = event.secondsLeft === null ? '' : `  ${duration(event.secondsLeft)} left`;
  return (
    `step ${count(event.step)}${of}  loss ${nats(event.loss)}  accuracy ${percent(event.accuracy)}  ` +
    `${count(event.tokensPerSecond)} tokens/s${left}`
  );
}

function validationLine(event: EvalEvent, { baselines, floor }: StartEvent): string {
  const beside = lossesBeside(baselines, floor);
  const score = `validation loss ${nats(event.loss)} (${beside})  accuracy ${percent(event.accuracy)}`;
  return `step ${count(event.step).padStart(6)}  ${score}${event.best ? '' : '  not better'}`;
}

function summary(done: DoneEvent, seconds: number): string {
  const ended = {
    steps: 'All steps done',
    epochs: 'All epochs done',
    minutes: 'Time is up',
    patience: 'No better for a while',
    stopped: 'Stopped',
  }[done.reason];
  const pace = `${count(done.steps)} steps, ${duration(seconds)}, ${count(done.tokensPerSecond)} tokens/s`;
  if (!Number.isFinite(done.valLoss)) return `${ended}: ${pace}. It was too short to be validated.`;
  return (
    `${ended}: ${pace}. On text it has not seen, the model loses ${nats(done.valLoss)} nats a token ` +
    `(${lossesBeside(done.baselines, done.floor)}) ` +
    `and guesses ${percent(done.valAccuracy)} right.`
  );
}

/** The predictions for one blank, likeliest first; `answer` is marked where it occurs. */
export function predictionLines(predictions: readonly FillMaskPrediction[], answer?: string): string[] {
  const width = Math.max(...predictions.map(({ token_str }) => token_str.length));
  return predictions.map(({ token_str, score }) => {
    const mark = token_str.toLowerCase() === answer?.toLowerCase() ? '✓' : ' ';
    return ` ${mark} ${token_str.padEnd(width)}  ${percent(score).padStart(7)}  ${bar(score, 30)}`.trimEnd();
  });
}
