/**
 * `npm run test:deno`: what must hold on wgpu and its WGSL compiler, naga, which are Firefox's too. Every variant of every
 * kernel, the gradient of every operation, and training. Arguments pick files by part of their name, and `-t` tests by part of theirs.
 */
import { runRegistered } from './vitest.ts';

declare const Deno: { args: string[]; exit(code: number): never };

const files = [
  'kernels/registry',
  ...[
    'attention',
    'binary',
    'crossEntropy',
    'dropout',
    'embedding',
    'geglu',
    'layerNorm',
    'linear',
    'linearCrossEntropy',
    'matmul',
    'permute',
    'reduce',
    'rmsNorm',
    'rotary',
    'sampleRows',
    'softmax',
    'unary',
  ].map((op) => `autograd/ops/${op}`),
  'mlm/training/survivingTrainer',
];

const at = Deno.args.indexOf('-t');
const only = at < 0 ? undefined : Deno.args[at + 1];
const parts = at < 0 ? Deno.args : Deno.args.toSpliced(at, 2);

let passed = 0;
let failed = 0;
for (const file of files.filter((name) => parts.length === 0 || parts.some((part) => name.includes(part)))) {
  const began = performance.now();
  await import(`../${file}.test.ts`);
  await runRegistered(({ name, error }) => {
    if (error) {
      failed++;
      console.log(`FAILED ${file}: ${name}\n  ${error.message.slice(0, 600)}`);
    } else passed++;
  }, only);
  console.log(`${file} done in ${((performance.now() - began) / 1000).toFixed(0)} s`);
}
console.log(`${passed} passed, ${failed} failed`);
Deno.exit(failed > 0 || passed === 0 ? 1 : 0);
