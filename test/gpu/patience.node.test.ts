import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { patiently } from '../../src/gpu/patience.node.ts';

test('waits that follow one another share one pausing loop', async () => {
  const original = globalThis.setImmediate;
  let scheduled = 0;
  let most = 0;
  globalThis.setImmediate = ((callback: () => void) => {
    if (callback.name !== 'pause') return original(callback);
    most = Math.max(most, ++scheduled);
    return original(() => {
      scheduled--;
      callback();
    });
  }) as typeof setImmediate;
  try {
    for (let i = 0; i < 20; i++) await patiently(new Promise((resolve) => original(resolve)));
  } finally {
    globalThis.setImmediate = original;
  }
  expect(most).toBe(1);
});

test('pauses while a promise is pending, and only then', async () => {
  const idle = process.cpuUsage();
  const busyDawn = { pending: true };
  const poll = () => busyDawn.pending && setImmediate(poll);
  poll();
  await patiently(new Promise((resolve) => setTimeout(resolve, 300)));
  busyDawn.pending = false;
  const { user, system } = process.cpuUsage(idle);
  expect((user + system) / 1000).toBeLessThan(200);

  await turn();
  const before = performance.now();
  for (let i = 0; i < 50; i++) await turn();
  expect(performance.now() - before).toBeLessThan(40);
});
