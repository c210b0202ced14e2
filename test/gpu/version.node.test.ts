import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { version } from '../../src/gpu/version.ts';

test('the version is that of the package', () => {
  expect(version).toBe(createRequire(import.meta.url)('cloze/package.json').version);
});
