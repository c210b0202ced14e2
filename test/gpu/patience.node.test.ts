import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { patiently } from '../../src/gpu/patience.node.ts';

test('waits one after another do not add up their pauses', async () => {
  const turns = async () => {
    for (let i = 0; i < 20; i++) await turn();
    const before = performance.now();
    for (let i = 0; i < 20; i++) await turn();
    return performance.now() - before;
  };
  for (let i = 0; i < 300; i++) await patiently(Promise.resolve());
  const pending = patiently(new Promise((resolve) => setTimeout(resolve, 400)));
  const spent = await turns();
  await pending;
  expect(spent).toBeLessThan(200); // 20 turns of at most a millisecond's pause each; 300 loops would take seconds
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
