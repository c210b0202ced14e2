/** Browsers and Deno: WebGPU is at `navigator.gpu`, and which adapters exist is the browser's secret. */
import { cache } from './cache.browser.ts';
import { ClozeError } from './errors.ts';
import { type AdapterChoice, type FoundAdapter, fits, isSoftware, type Platform } from './platform.ts';

const isDeno = 'Deno' in globalThis;

/** The ways to ask that can lead to different adapters, best first. */
const requests: GPURequestAdapterOptions[] = [
  { powerPreference: 'high-performance' },
  { powerPreference: 'low-power' },
  { forceFallbackAdapter: true },
];

async function listAdapters(): Promise<FoundAdapter[]> {
  const found: FoundAdapter[] = [];
  if (!globalThis.navigator?.gpu) return found;
  for (const request of requests) {
    const adapter = await navigator.gpu.requestAdapter(request);
    if (!adapter) continue;
    const { vendor, architecture, device, description, isFallbackAdapter } = adapter.info;
    const driver = [vendor, architecture, device, description].filter(Boolean).join(' ');
    const name =
      description || device || [vendor, architecture].filter(Boolean).join(' ') || 'unnamed adapter';
    if (found.some((other) => other.name === name && other.driver === driver)) continue;
    const software = isFallbackAdapter || isSoftware(driver);
    found.push({ adapter, name, driver, software });
  }
  return found;
}

async function requestAdapter({ adapter: choice }: AdapterChoice = {}): Promise<FoundAdapter> {
  const all = await listAdapters();
  const found = all.find(({ driver, software }) => fits(choice, driver, software));
  if (found) return found;
  if (all.length > 0) {
    const names = all.map(({ name }) => name).join(', ');
    throw new ClozeError('no-adapter', `no WebGPU adapter fits '${choice}'`, `There is: ${names}`);
  }
  throw isDeno
    ? new ClozeError(
        'no-adapter',
        'Deno offers no WebGPU adapter',
        'Run with --unstable-webgpu and a Vulkan driver',
      )
    : new ClozeError(
        'no-adapter',
        globalThis.navigator?.gpu
          ? 'this browser finds no WebGPU adapter'
          : 'this browser or page has no WebGPU',
        'Use a current Chrome, Edge, Firefox or Safari, serve the page over https or localhost, and look at chrome://gpu',
      );
}

export const platform: Platform = {
  cache,
  name: isDeno ? 'deno' : 'browser',
  guaranteedOnly: false,
  requestAdapter,
  listAdapters,
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  patiently: (promise) => promise,
};
