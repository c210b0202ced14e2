/** How fast each kernel is on this very GPU, against the most that the GPU was seen to do, and its source. */
import { signal } from '@preact/signals';
import { useState } from 'preact/hooks';
import { digits, type KernelRow } from '../../bench/report.ts';
import { act, active, bench, benching, call, cases, download, rows } from '../state.ts';
import { Figure } from './figure.tsx';

const quick = signal(true);
const chosen = signal<ReadonlySet<string>>(new Set(['softmax', 'layerNorm', 'matmulNT', 'gelu']));

interface Source {
  title: string;
  text: string;
}

export function Kernels() {
  const [source, show] = useState<Source | null>(null);
  const names = [...new Set(cases.value.map(({ kernel }) => kernel))];
  return (
    <div class="kernels">
      <section class="card">
        <h2>How fast is this GPU, and how much of it do the kernels use?</h2>
        <p class="hint">
          Every variant of a kernel runs on the same numbers, in turns; each result is checked against float64
          on the processor. The share is of the most multiply-adds, or the most bytes, that this GPU was seen
          to do in a second.
        </p>
        <fieldset class="picks" disabled={benching.value}>
          <legend class="unseen">Kernels to measure</legend>
          {names.map((name) => (
            <label key={name} class="pick">
              <input
                type="checkbox"
                checked={chosen.value.has(name)}
                onChange={({ currentTarget }) => pick(name, currentTarget.checked)}
              />
              <span>{name}</span>
            </label>
          ))}
        </fieldset>
        <div class="buttons">
          {benching.value ? (
            <button type="button" onClick={() => call('endBenchmark')}>
              End after this kernel
            </button>
          ) : (
            <button
              type="button"
              class="primary"
              disabled={active.value || chosen.value.size === 0}
              onClick={() => act(measure)}
            >
              Measure
            </button>
          )}
          <button
            type="button"
            disabled={!bench.value || rows.value.length === 0}
            onClick={save}
            title="The form of cloze bench kernels --save"
          >
            Export JSON
          </button>
          <label class="row">
            <input
              type="checkbox"
              checked={quick.value}
              onChange={({ currentTarget }) => {
                quick.value = currentTarget.checked;
              }}
            />
            Quickly, with fewer samples
          </label>
          {active.value && <span class="hint">A run is under way: stop it first.</span>}
        </div>
        {bench.value && (
          <dl class="figures">
            <Figure name="multiply-adds" value={`${digits(bench.value.ceiling.gflops)} GFLOP/s`} />
            <Figure name="copies" value={`${digits(bench.value.ceiling.gbps)} GB/s`} />
            <Figure name="one kernel against itself" value={`${bench.value.control.ratio.toFixed(2)} ×`} />
          </dl>
        )}
        {benching.value && <p class="hint">Measuring …</p>}
      </section>
      {groups(rows.value).map((group) => (
        <Group key={group[0].kernel + group[0].shape} rows={group} show={show} />
      ))}
      {source && (
        <section class="card source" aria-label="Source">
          <div class="title">
            <h2>{source.title}</h2>
            <button type="button" class="quiet" onClick={() => show(null)}>
              Close
            </button>
          </div>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
          <pre tabIndex={0}>
            <code>{source.text}</code>
          </pre>
        </section>
      )}
    </div>
  );
}

function Group({ rows, show }: { rows: KernelRow[]; show(source: Source): void }) {
  const { kernel, shape } = rows[0];
  return (
    <section class="card kernel" data-kernel={kernel}>
      <h3>
        {kernel} <span class="hint">{shape.replaceAll('x', ' × ')}</span>
      </h3>
      <table>
        <thead>
          <tr>
            <th scope="col">variant</th>
            <th scope="col">ms</th>
            <th scope="col">of the peak</th>
            <th scope="col" class="wide">
              error
            </th>
            <th scope="col">
              <span class="unseen">source</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.variant}>
              <th scope="row">
                {row.variant}
                {row.chosen && <span class="tag">used</span>}
              </th>
              <td>{digits(row.ms)}</td>
              <td class="share">
                <span class="bar" aria-hidden="true">
                  <i style={{ width: `${Math.min(100, 100 * row.ceilingShare)}%` }} />
                </span>
                {(100 * row.ceilingShare).toFixed(0)} %
              </td>
              <td class="wide">{row.relError === null ? '–' : row.relError.toExponential(0)}</td>
              <td>
                <button
                  type="button"
                  class="quiet"
                  aria-label={`WGSL of ${kernel} ${row.variant}`}
                  onClick={() => act(() => open(row, show))}
                >
                  WGSL
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** The rows of each kernel at each shape, the fastest first. */
function groups(all: readonly KernelRow[]): KernelRow[][] {
  const byCase = new Map<string, KernelRow[]>();
  for (const row of all) {
    const key = `${row.kernel} ${row.shape}`;
    byCase.set(key, [...(byCase.get(key) ?? []), row]);
  }
  return [...byCase.values()].map((rows) => [...rows].sort((a, b) => a.ms - b.ms));
}

function pick(name: string, wanted: boolean): void {
  const next = new Set(chosen.value);
  if (wanted) next.add(name);
  else next.delete(name);
  chosen.value = next;
}

async function measure(): Promise<void> {
  rows.value = [];
  bench.value = null;
  benching.value = true;
  try {
    await call('benchmark', [...chosen.value], quick.value);
  } finally {
    benching.value = false;
  }
}

function save(): void {
  const report = { ...bench.value, rows: rows.value };
  download('cloze-kernels.json', `${JSON.stringify(report, null, 2)}\n`, 'application/json');
}

async function open({ kernel, shape, variant }: KernelRow, show: (source: Source) => void): Promise<void> {
  show({ title: `${kernel}, ${variant}`, text: await call('source', kernel, shape, variant) });
}
