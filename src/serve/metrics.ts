/** Counters, gauges and histograms in Prometheus's text exposition format, version 0.0.4. */

type Labels = Readonly<Record<string, string | number>>;

interface Metric {
  lines(): string[];
}

/** All metrics of a process, in the order in which they were made. */
export class Metrics {
  private readonly metrics: Metric[] = [];

  counter(name: string, help: string): Counter {
    return this.add(new Counter(name, help));
  }

  /** `read` is asked whenever the metrics are. */
  gauge(name: string, help: string, read: () => number): void {
    this.add({ lines: () => [...head(name, help, 'gauge'), `${name} ${read()}`] });
  }

  /** `bounds`: upper bounds of the buckets, ascending; one for all else is added. */
  histogram(name: string, help: string, bounds: readonly number[]): Histogram {
    return this.add(new Histogram(name, help, bounds));
  }

  get text(): string {
    return `${this.metrics.flatMap((metric) => metric.lines()).join('\n')}\n`;
  }

  private add<M extends Metric>(metric: M): M {
    this.metrics.push(metric);
    return metric;
  }
}

export class Counter implements Metric {
  private readonly name: string;
  private readonly help: string;
  private readonly values = new Map<string, number>();

  constructor(name: string, help: string) {
    this.name = name;
    this.help = help;
  }

  add(labels: Labels, by = 1): void {
    const key = labelText(labels);
    this.values.set(key, (this.values.get(key) ?? 0) + by);
  }

  lines(): string[] {
    return [
      ...head(this.name, this.help, 'counter'),
      ...[...this.values].map(([labels, value]) => `${this.name}${labels} ${value}`),
    ];
  }
}

export class Histogram implements Metric {
  private readonly name: string;
  private readonly help: string;
  private readonly bounds: readonly number[];
  private readonly series = new Map<string, { labels: Labels; counts: number[]; sum: number }>();

  constructor(name: string, help: string, bounds: readonly number[]) {
    this.name = name;
    this.help = help;
    this.bounds = [...bounds, Number.POSITIVE_INFINITY];
  }

  observe(labels: Labels, value: number): void {
    const key = labelText(labels);
    const one = this.series.get(key) ?? { labels, counts: this.bounds.map(() => 0), sum: 0 };
    this.series.set(key, one);
    one.counts[this.bounds.findIndex((bound) => value <= bound)]++;
    one.sum += value;
  }

  lines(): string[] {
    const lines = head(this.name, this.help, 'histogram');
    for (const [key, { labels, counts, sum }] of this.series) {
      let total = 0;
      this.bounds.forEach((bound, i) => {
        total += counts[i];
        const le = bound === Number.POSITIVE_INFINITY ? '+Inf' : String(bound);
        lines.push(`${this.name}_bucket${labelText({ ...labels, le })} ${total}`);
      });
      lines.push(`${this.name}_sum${key} ${sum}`, `${this.name}_count${key} ${total}`);
    }
    return lines;
  }
}

const head = (name: string, help: string, type: string) => [
  `# HELP ${name} ${help}`,
  `# TYPE ${name} ${type}`,
];

const escapes: Record<string, string> = { '\\': '\\\\', '"': '\\"', '\n': '\\n' };

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(
    ([name, value]) => `${name}="${String(value).replace(/[\\"\n]/g, (letter) => escapes[letter])}"`,
  );
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}
