/** What the run does, in numbers. */

import { count, duration, nats, percent } from '../../src/cli/format.ts';
import { curves, firstStepAfter, lastEval, lastStep, loaded, phase, run, savedStep } from '../state.ts';
import { Figure } from './figure.tsx';

const states = {
  running: 'Training',
  paused: 'Paused',
  stopped: 'Stopped',
  finished: 'Finished',
  failed: 'Failed',
};

export function Status() {
  const record = run.value;
  const model = loaded.value;
  if (model) {
    return (
      <p class="status" role="status">
        <b>{model.name}</b> is loaded: {count(model.parameters)} parameters, {model.layers} layers of{' '}
        {model.heads} heads.
      </p>
    );
  }
  if (!record) return null;
  const { start } = record;
  const step = lastStep.value;
  const { evalStep, evalLoss, evalAccuracy, step: steps } = curves.value;
  const loss = lastEval.value?.loss ?? evalLoss.at(-1);
  const accuracy = lastEval.value?.accuracy ?? evalAccuracy.at(-1);
  const at = step?.step ?? steps.at(-1) ?? 0;
  const total = start?.steps;
  return (
    <section
      class="status"
      aria-label="Progress"
      data-state={record.state}
      data-step={at}
      data-loss={loss}
      data-first={start?.firstStep}
      data-saved={savedStep.value ?? undefined}
      data-first-step={firstStepAfter.value ?? undefined}
    >
      <p role="status">
        <b>{states[record.state]}</b>
        {phase.value ? ` · ${phase.value} …` : ` · ${record.name}`}
        {start && ` · ${count(start.parameters)} parameters`}
        {record.state === 'paused' &&
          savedStep.value !== null &&
          ` · saved at step ${count(savedStep.value)}`}
      </p>
      {total && <progress value={at} max={total} aria-label="Steps done" />}
      <dl class="figures">
        <Figure name="step" value={total ? `${count(at)} / ${count(total)}` : count(at)} />
        <Figure
          name="left"
          value={step?.secondsLeft != null && record.state === 'running' ? duration(step.secondsLeft) : '–'}
        />
        <Figure name="validation loss" value={loss === undefined ? '–' : nats(loss)} />
        <Figure name="blanks right" value={accuracy === undefined ? '–' : percent(accuracy)} />
        <Figure name="tokens/s" value={step ? count(step.tokensPerSecond) : '–'} />
      </dl>
      {evalStep.length > 0 && start && <Verdict loss={loss!} bars={start.baselines} />}
    </section>
  );
}

/** What the loss means: how far the model has come against predictors that only count. */
function Verdict({
  loss,
  bars,
}: {
  loss: number;
  bars: { unigram: { loss: number }; neighbours?: { loss: number } };
}) {
  const { unigram, neighbours } = bars;
  if (neighbours && loss < neighbours.loss) {
    return (
      <p class="hint good">It beats counting: it uses more of the sentence than the words beside a blank.</p>
    );
  }
  if (loss < unigram.loss) {
    return (
      <p class="hint">
        It has learnt more than which words are frequent, and not yet as much as counting neighbours tells.
      </p>
    );
  }
  return <p class="hint">So far it guesses like noise: not even as well as the most frequent words would.</p>;
}
