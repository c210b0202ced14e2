import { expect, test } from 'vitest';
import { platform } from '#platform';

test('the cache gives back what was written last, and forgets', async () => {
  const { cache } = platform;
  const name = `test-${Math.random().toString(36).slice(2)}`;
  expect(cache.place(name)).toContain(name);
  expect(await cache.read(name)).toBeUndefined();
  await cache.write(name, 'first, and longer');
  await cache.write(name, 'ζεύξις');
  expect(await cache.read(name)).toBe('ζεύξις');
  await cache.remove(name);
  await cache.remove(name);
  expect(await cache.read(name)).toBeUndefined();
});
