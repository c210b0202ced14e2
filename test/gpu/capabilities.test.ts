import { expect, test } from 'vitest';
import { plainAdapterName } from '../../src/gpu/capabilities.ts';

test.each([
  ['llvmpipe-llvm-15-0-6-256-bits-', 'llvmpipe-llvm-15-0-6-256-bits'],
  ['swiftshader-device--subzero-', 'swiftshader-device-subzero'],
  ['nvidia-h200', 'nvidia-h200'],
  ['Apple M2', 'Apple M2'],
  ['0', ''],
  ['', ''],
])('the adapter %j is called %j', (written, name) => {
  expect(plainAdapterName(written)).toBe(name);
});
