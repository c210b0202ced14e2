/**
 * `npm run test:same-curve`: one run in every runtime. Its batches are the same bits everywhere; its losses differ by how adapters
 * round, and by no more than a run on one adapter differs from itself when its weights are shaken by as much.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { withBundledPage } from '../../bench/browser/bundled.node.ts';
import { type Curve, longestSum, runCurve } from '../sameCurve/curve.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

const runtimes: Readonly<Record<string, () => Promise<Curve>>> = {
  'Node, SwiftShader': () => runCurve({ adapter: 'swiftshader' }),
  'Chromium, SwiftShader': () =>
    withBundledPage(`${root}test/sameCurve/page.ts`, (page) => page.evaluate(() => globalThis.curve())),
  'Deno, lavapipe': onDeno,
};

async function onDeno(): Promise<Curve> {
  const flags = '--unstable-webgpu -A --no-config --node-modules-dir=manual --import-map';
  const args = ['run', ...flags.split(' '), 'test/deno/imports.json', 'test/sameCurve/deno.ts'];
  const { stdout } = await promisify(execFile)(`${root}node_modules/.bin/deno`, args, { cwd: root });
  return JSON.parse(stdout);
}

/**
 * What a sum of `longestSum` terms may lose to rounding in any order, relative to it: errors of half a unit in the last place that
 * add up like a random walk.
 */
const rounding = Math.sqrt(longestSum) * 2 ** -24;

/** How many times farther than the shaken runs others may stray: those shake once a step, where every kernel rounds. */
const margin = 4;

/** For each step, how far losses of float32 may be apart: what `rounding` has grown to by then, and no less than itself. */
async function tolerances(reference: readonly number[]): Promise<number[]> {
  const shaken: Curve[] = [];
  for (const seed of [1, 2])
    shaken.push(await runCurve({ adapter: 'lavapipe', shaken: { relative: rounding, seed } }));
  let grown = 0;
  return reference.map((loss, i) => {
    grown = Math.max(grown, rounding * loss, ...shaken.map(({ losses }) => Math.abs(losses[i] - loss)));
    return margin * grown;
  });
}

test('thirty steps have the same batches in every runtime, and the same losses up to rounding', async () => {
  const reference = await runCurve({ adapter: 'lavapipe' });
  expect(reference.losses).toHaveLength(30);
  expect(reference.losses[29]).toBeLessThan(0.9 * reference.losses[0]);
  const allowed = await tolerances(reference.losses);

  const rows = [];
  const curves: [string, Curve][] = [];
  for (const [runtime, run] of Object.entries(runtimes)) {
    const curve = await run();
    curves.push([runtime, curve]);
    const apart = curve.losses.map((loss, i) => Math.abs(loss - reference.losses[i]));
    const most = apart.indexOf(Math.max(...apart));
    const share = Math.max(...apart.map((distance, i) => distance / allowed[i]));
    rows.push({
      runtime,
      adapter: curve.adapter,
      batches: curve.batches.slice(0, 8),
      'largest difference': apart[most].toExponential(1),
      'at step': most + 1,
      'of the tolerance': `${(100 * share).toFixed(0)} %`,
      'last loss': curve.losses[29].toFixed(6),
    });
  }
  console.log(
    `reference: Node, ${reference.adapter}, batches ${reference.batches.slice(0, 8)}, ` +
      `losses ${reference.losses[0].toFixed(6)} to ${reference.losses[29].toFixed(6)}; ` +
      `tolerance ${allowed[0].toExponential(1)} at the first step, ${allowed[29].toExponential(1)} at the last`,
  );
  console.table(rows);

  for (const [runtime, { batches, losses }] of curves) {
    expect(batches, runtime).toBe(reference.batches);
    expect(losses, runtime).toHaveLength(30);
    losses.forEach((loss, i) => {
      expect(Math.abs(loss - reference.losses[i]), `${runtime}, step ${i + 1}`).toBeLessThan(allowed[i]);
    });
  }
}, 1_800_000);
