/** The curves of the run, and of earlier ones beside it. */
import { nats, percent } from '../../src/cli/format.ts';
import { type Curves, smoothed } from '../curves.ts';
import { compared, curves, run, runs } from '../state.ts';
import { type Line, Plot } from './plot.tsx';

/** Steps over which the training loss is averaged for the eye. */
const window = 20;

export const runColours = ['--run-1', '--run-2', '--run-3', '--run-4'];

export function Charts() {
  const shown = curves.value;
  if (shown.step.length < 2) return null;
  return (
    <section class="charts" aria-label="Curves">
      <LossChart shown={shown} />
      <div class="small-charts">
        <Small name="accuracy" shown={shown} of="accuracy" smooth format={percent} colour="--accent" />
        <Small
          name="learning rate"
          shown={shown}
          of="lr"
          format={(value) => value.toPrecision(2)}
          colour="--run-2"
        />
        <Small
          name="gradient norm"
          shown={shown}
          of="gradNorm"
          smooth
          format={(value) => value.toPrecision(2)}
          colour="--run-3"
        />
        <Small
          name="tokens per second"
          shown={shown}
          of="tokensPerSecond"
          format={thousands}
          colour="--run-4"
        />
      </div>
    </section>
  );
}

function LossChart({ shown }: { shown: Curves }) {
  const bars = run.value?.start?.baselines;
  const floor = run.value?.start?.floor ?? undefined;
  const others = [...compared.value].filter(([id]) => id !== run.value?.id);
  const x = [
    ...new Set([...shown.step, ...shown.evalStep, ...others.flatMap(([, { evalStep }]) => evalStep)]),
  ].sort((a, b) => a - b);
  const level = (value: number | undefined, label: string, colour: string): Line[] =>
    value === undefined ? [] : [{ label, colour, dash: [6, 5], width: 1.25, values: x.map(() => value) }];
  const lines: Line[] = [
    {
      label: 'training',
      colour: '--soft-accent',
      values: along(x, shown.step, smoothed(shown.loss, window)),
      width: 1.5,
    },
    {
      label: 'validation',
      colour: '--accent',
      values: along(x, shown.evalStep, shown.evalLoss),
      width: 2.25,
      points: true,
    },
    ...level(bars?.unigram.loss, 'frequent words', '--faint-ink'),
    ...level(
      bars?.neighbours?.loss ?? bars?.ngrams?.loss,
      bars?.ngrams ? 'counted n-grams' : 'counted neighbours',
      '--warm',
    ),
    ...level(floor, 'best possible', '--run-2'),
    ...others.map(
      ([id, other], i): Line => ({
        label: runs.value.find((record) => record.id === id)?.name ?? id,
        colour: runColours[i % runColours.length],
        values: along(x, other.evalStep, other.evalLoss),
        width: 1.5,
      }),
    ),
  ];
  const last = shown.evalLoss.at(-1);
  return (
    <figure class="card">
      <figcaption>
        <h2>Loss</h2>
        <span class="hint">nats for each hidden word: lower is better</span>
        <ul class="legend">
          {lines.map(({ label, colour, dash }, i) => (
            <li key={`${label} ${i}`}>
              <i
                style={{ borderTopColor: `var(${colour})`, borderTopStyle: dash ? 'dashed' : 'solid' }}
                aria-hidden="true"
              />
              {label}
            </li>
          ))}
        </ul>
      </figcaption>
      <Plot
        x={x}
        lines={lines}
        height={260}
        axis
        format={(value) => value.toFixed(1)}
        range={(_, __, most) => [0, most * 1.05]}
        description={`Loss over ${shown.step.at(-1)} steps; the last validation loss is ${last === undefined ? 'not yet known' : nats(last)}`}
      />
    </figure>
  );
}

/** Values at the steps of `x`; null where there is none. */
function along(
  x: readonly number[],
  steps: readonly number[],
  values: readonly (number | null)[],
): (number | null)[] {
  const known = new Map(steps.map((step, i) => [step, values[i]]));
  return x.map((step) => known.get(step) ?? null);
}

interface SmallProps {
  name: string;
  shown: Curves;
  of: 'accuracy' | 'lr' | 'gradNorm' | 'tokensPerSecond';
  smooth?: boolean;
  format(value: number): string;
  colour: string;
}

function Small({ name, shown, of, smooth, format, colour }: SmallProps) {
  const values = smooth ? smoothed(shown[of] as number[], window) : shown[of];
  const last = values.at(-1);
  const told = typeof last === 'number' ? format(last) : '–';
  return (
    <figure class="card">
      <figcaption>
        <h3>{name}</h3>
        <b>{told}</b>
      </figcaption>
      <Plot
        x={shown.step}
        lines={[{ label: name, colour, values }]}
        height={96}
        format={of === 'accuracy' ? (value) => `${Math.round(100 * value)} %` : format}
        description={`${name}: ${told} at step ${shown.step.at(-1)}`}
      />
    </figure>
  );
}

function thousands(value: number): string {
  return value >= 10_000
    ? `${Math.round(value / 1000)} k`
    : value >= 1000
      ? `${(value / 1000).toFixed(1)} k`
      : `${Math.round(value)}`;
}
