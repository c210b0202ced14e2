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
