/** What `cloze eval` says of a fine-tuned model besides its scores: whether its confidence can be believed, and what mistakes in texts do to it. */
import { join } from 'node:path';
import type { Engine } from '../autograd/index.ts';
import { ClozeError } from '../gpu/errors.ts';
import { writeFileAtomically } from '../mlm/data/files.node.ts';
import type { FinetuneOptions } from '../mlm/tasks/options.ts';
import type { Calibration, CalibrationReport } from '../mlm/tasks/reports/calibration.ts';
import type { Robustness } from '../mlm/tasks/reports/robustness.ts';
import type { TaskExample, TaskModel, TaskPrediction } from '../mlm/tasks/task.ts';
import { percent } from './format.ts';
import { say, type Terminal } from './terminal.ts';

export interface ReportFlags {
  calibration?: boolean;
  robustness?: boolean;
  /** Folder for the pictures. */
  out?: string;
}

export interface Reports {
  calibration?: CalibrationReport;
  robustness?: Robustness;
}

/** The reports that the flags ask for. Throws ClozeError `option` for a task that does not choose among labels. */
export async function makeReports(
  flags: ReportFlags,
  engine: Engine,
  trainee: TaskModel,
  answered: {
    examples: readonly TaskExample[];
    predicted: readonly TaskPrediction[];
    options?: FinetuneOptions;
  },
): Promise<Reports> {
  if (!flags.calibration && !flags.robustness) return {};
  const { labels, task } = trainee;
  if (!labels) {
    throw new ClozeError(
      'option',
      `--calibration and --robustness look at labels, and ${task.name} has none`,
      'Leave them out',
    );
  }
  const { examples, predicted, options } = answered;
  const reports: Reports = {};
  if (flags.calibration) {
    const { reportCalibration } = await import('../mlm/tasks/reports/calibration.ts');
    const judged = examples.flatMap(({ labels: own }, i) =>
      (predicted[i].probabilities ?? []).map((probabilities, item) => ({
        probabilities,
        truth: labels.indexOf(own[item]),
      })),
    );
    reports.calibration = reportCalibration(judged);
  }
  if (flags.robustness) {
    const { reportRobustness } = await import('../mlm/tasks/reports/robustness.ts');
    reports.robustness = await reportRobustness(engine, trainee, examples, { ...options, seed: 0 });
  }
  if (flags.out !== undefined) await draw(flags.out, task.name, reports);
  return reports;
}

export function sayReports(terminal: Terminal, { calibration, robustness }: Reports): void {
  if (calibration) {
    const { asItIs, scaled, temperature } = calibration;
    const line = (name: string, { ece, nll, brier, confidence }: Calibration) =>
      `${name.padEnd(22)} ${percent(ece).padStart(8)}${nll.toFixed(3).padStart(9)}${brier.toFixed(3).padStart(9)}${percent(confidence).padStart(12)}`;
    say(
      terminal,
      `\n${'calibration'.padEnd(22)} ${'ECE'.padStart(8)}${'NLL'.padStart(9)}${'Brier'.padStart(9)}${'confidence'.padStart(12)}`,
    );
    say(terminal, line('as it is', asItIs));
    say(terminal, line(`at temperature ${temperature.toFixed(2)}`, scaled));
    say(terminal, '\nwhen it says        it is right');
    for (const { from, to, count, accuracy } of asItIs.bins) {
      if (count > 0)
        say(terminal, `${`${percent(from)} to ${percent(to)}`.padEnd(20)}${percent(accuracy)} of ${count}`);
    }
  }
  if (robustness) {
    const [[, first]] = Object.entries(robustness);
    const [metric] = Object.keys(first[0].scores);
    const rates = first.map(({ rate }) => percent(rate).padStart(9)).join('');
    say(terminal, `\n${`${metric.replaceAll('_', ' ')} at rates of`.padEnd(22)} ${rates}`);
    for (const [kind, points] of Object.entries(robustness)) {
      const shares = points.map(({ scores }) => percent(scores[metric]).padStart(9)).join('');
      say(terminal, `${kind.padEnd(22)} ${shares}`);
    }
  }
}

async function draw(folder: string, task: string, { calibration, robustness }: Reports): Promise<void> {
  const { lineChartSvg } = await import('../mlm/charts/lineChart.ts');
  const write = (name: string, picture: string) => writeFileAtomically(join(folder, name), picture);
  if (calibration) {
    const points = ({ bins }: Calibration) =>
      bins
        .filter(({ count }) => count > 0)
        .map(({ confidence, accuracy }) => [confidence, accuracy] as const);
    await write(
      'calibration.svg',
      lineChartSvg({
        title: `Reliability, ${task}`,
        x: 'confidence',
        y: 'right',
        series: [
          { name: 'as it is', points: points(calibration.asItIs) },
          {
            name: `at temperature ${calibration.temperature.toFixed(2)}`,
            points: points(calibration.scaled),
          },
          {
            name: 'as it should be',
            points: [
              [0, 0],
              [1, 1],
            ],
          },
        ],
      }),
    );
  }
  if (robustness) {
    const [metric] = Object.keys(robustness.typos[0].scores);
    await write(
      'robustness.svg',
      lineChartSvg({
        title: `Disturbed texts, ${task}`,
        x: 'share of letters or words that are disturbed',
        y: metric.replaceAll('_', ' '),
        xTicks: robustness.typos.map(({ rate }) => rate),
        series: Object.entries(robustness).map(([name, points]) => ({
          name,
          points: points.map(({ rate, scores }) => [rate, scores[metric]] as const),
        })),
      }),
    );
  }
}
