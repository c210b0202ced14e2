/** WebGPU where a browser has it: libraries written for browsers look for it at `navigator.gpu`. */
import { platform } from '#platform';
import type { AdapterChoice } from '../../src/gpu/platform.ts';

/** Iterator helpers that jax-js calls, and that Node has from version 22 on. */
const helpers = {
  *map(this: Iterable<unknown>, f: (item: unknown) => unknown) {
    for (const item of this) yield f(item);
  },
  *filter(this: Iterable<unknown>, f: (item: unknown) => boolean) {
    for (const item of this) if (f(item)) yield item;
  },
  toArray(this: Iterable<unknown>) {
    return [...this];
  },
  every(this: Iterable<unknown>, f: (item: unknown) => boolean) {
    return [...this].every((item) => f(item));
  },
  some(this: Iterable<unknown>, f: (item: unknown) => boolean) {
    return [...this].some((item) => f(item));
  },
  reduce(this: Iterable<unknown>, ...rest: [(sum: unknown, item: unknown) => unknown, unknown]) {
    return [...this].reduce(...rest);
  },
};

/** Gives Node a `navigator` whose every request for an adapter is answered with the one that fits the choice. */
export function installNavigator(choice: AdapterChoice): void {
  const gpu = {
    requestAdapter: async () => (await platform.requestAdapter(choice)).adapter,
    getPreferredCanvasFormat: () => 'bgra8unorm',
    wgslLanguageFeatures: new Set<string>(),
  };
  const before: object = globalThis.navigator ?? {};
  const navigator = Object.create(before, {
    gpu: { value: gpu },
    userAgent: { value: `Node.js/${process.versions.node.split('.')[0]}` },
    hardwareConcurrency: { value: 1 },
  });
  Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true, writable: true });

  const iterator = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()));
  for (const [name, value] of Object.entries(helpers)) {
    if (!(name in iterator))
      Object.defineProperty(iterator, name, { value, configurable: true, writable: true });
  }
}
