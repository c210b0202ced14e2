/**
 * Node: WebGPU comes from the npm package `webgpu` (Dawn), over Vulkan, Metal or Direct3D 12.
 *
 * Each `create()` gives one adapter: the one that Dawn prefers, or the first whose name contains what was asked for.
 * The search tries the system's hardware, then its software adapters, and on Linux at last the packaged SwiftShader.
 */
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { cache } from './cache.node.ts';
import { plainAdapterName } from './capabilities.ts';
import { ClozeError } from './errors.ts';
import { patiently } from './patience.node.ts';
import { type AdapterChoice, type FoundAdapter, fits, isSoftware, type Platform } from './platform.ts';
import { loadVulkanLoader, swiftShaderDriver } from './swiftshader.node.ts';
import { hasDrivers, manifestFolders } from './vulkanDrivers.node.ts';

/** Always named: left to itself, Dawn may fall through to its Null backend, which computes nothing. */
const backend = process.platform === 'darwin' ? 'metal' : process.platform === 'win32' ? 'd3d12' : 'vulkan';

/** Dawn rounds timestamps to 65 µs, against pages that would spy by them. Whoever runs Node may know the time. */
const exactTimestamps = 'disable-dawn-features=timestamp_quantization';

/**
 * Dawn's instances, kept until the process ends: Dawn polls an instance for some turns after its last promise, and one
 * that the garbage collector takes before then, or under a live device, takes the process with it.
 */
const instances: GPU[] = [];

/** Instances that gave an adapter, by what they were asked for: they can be asked again. */
const reusable = new Map<string, GPU>();

let dawn: Promise<typeof import('webgpu')> | undefined;

/** Loads Dawn, and gives Node those names of WebGPU (`GPUBufferUsage`, …) that a browser has globally. */
function loadDawn(): Promise<typeof import('webgpu')> {
  dawn ??= import('webgpu').then(
    (module) => {
      for (const [name, value] of Object.entries(module.globals)) {
        if (!(name in globalThis)) Object.defineProperty(globalThis, name, { value, configurable: true });
      }
      if (backend === 'vulkan') process.env.XDG_RUNTIME_DIR ??= tmpdir();
      return module;
    },
    (cause: Error) => {
      throw new ClozeError(
        'no-adapter',
        `WebGPU does not load on ${process.platform}-${process.arch}: ${cause.message.split('\n')[0]}`,
        'It runs on Linux (glibc), macOS and Windows, x64 and arm64: reinstall the package webgpu there',
        { cause },
      );
    },
  );
  return dawn;
}

/** Runs `use` with the Vulkan loader told of this driver and no other; without one, of the system's drivers. */
function withDriver<T>(driver: string | undefined, use: () => T): T {
  if (!driver) return use();
  const names = ['VK_DRIVER_FILES', 'VK_ICD_FILENAMES'];
  const before = names.map((name) => process.env[name]);
  for (const name of names) process.env[name] = driver;
  try {
    return use();
  } finally {
    names.forEach((name, i) => {
      if (before[i] === undefined) delete process.env[name];
      else process.env[name] = before[i];
    });
  }
}

/** Asks Dawn for an adapter. Drivers are looked up before `requestAdapter` returns its promise. */
async function ask(name: string | undefined, driver?: string): Promise<FoundAdapter | undefined> {
  const { create } = await loadDawn();
  if (backend === 'vulkan' && !driver && !environmentDrivers() && !hasDrivers(manifestFolders()))
    return undefined;
  const key = JSON.stringify([name, driver ?? environmentDrivers()]);
  let gpu = reusable.get(key);
  if (!gpu) {
    gpu = create([`backend=${backend}`, exactTimestamps, ...(name === undefined ? [] : [`adapter=${name}`])]);
    instances.push(gpu);
  }
  const request = gpu.requestAdapter.bind(gpu, { powerPreference: 'high-performance' });
  const adapter = await withDriver(driver, request);
  if (!adapter) return undefined;
  reusable.set(key, gpu);
  const { device, description, isFallbackAdapter } = adapter.info;
  return {
    adapter,
    name: plainAdapterName(device),
    driver: description,
    software: isFallbackAdapter || isSoftware(`${device} ${description}`),
  };
}

/** The Vulkan drivers that the user names in the environment, if any: then the loader knows no others. */
function environmentDrivers(): string | undefined {
  return process.env.VK_DRIVER_FILES || process.env.VK_ICD_FILENAMES;
}

/** The names of all adapters: Dawn tells them when asked for one that it does not have. */
async function adapterNames(driver?: string): Promise<string[]> {
  const nobody = '?';
  try {
    await ask(nobody, driver);
    return [];
  } catch (error) {
    if (error instanceof ClozeError) throw error;
    const names = [...(error as Error).message.matchAll(/backend: '\w+', name: '(.*)'/g)].map(
      (match) => match[1],
    );
    return [...new Set(names)];
  }
}

/** Opens those adapters of the system, or of one driver, that `wanted` picks by name: hardware before software. */
async function* open(wanted: (name: string) => boolean, driver?: string): AsyncGenerator<FoundAdapter> {
  const names = (await adapterNames(driver)).filter(wanted);
  for (const name of [...names.filter((name) => !isSoftware(name)), ...names.filter(isSoftware)]) {
    const found = await ask(name, driver).catch(() => undefined);
    if (found) yield found;
  }
}

/** Judges names as drivers write them, and as an adapter's info does: `NVIDIA H200` is `nvidia-h200` there. */
function choosing(choice: string | undefined): (name: string) => boolean {
  return (name) =>
    fits(choice, `${name} ${name.toLowerCase().replace(/[^a-z0-9]+/g, '-')}`, isSoftware(name));
}

/**
 * The packaged SwiftShader. Drivers named in the environment are the user's choice and are not added to, unless
 * SwiftShader itself is asked for.
 */
async function* openPackaged(choice: string | undefined): AsyncGenerator<FoundAdapter> {
  if (backend !== 'vulkan' || (environmentDrivers() && choice !== 'swiftshader')) return;
  const driver = swiftShaderDriver();
  if (!driver) return;
  const wanted = choosing(choice);
  let any = false;
  for await (const found of open(wanted, driver)) {
    any = true;
    yield found;
  }
  if (any || !wanted('SwiftShader Device (Subzero)')) return;
  loadVulkanLoader(driver);
  yield* open(wanted, driver);
}

async function requestAdapter(options: AdapterChoice = {}): Promise<FoundAdapter> {
  const choice = (options.adapter || process.env.CLOZE_ADAPTER)?.toLowerCase();
  if (!choice || choice === 'gpu') {
    const found = await ask(undefined);
    if (found && fits(choice, found.name, found.software)) return found;
  }
  for await (const found of open(choosing(choice))) return found;
  for await (const found of openPackaged(choice)) return found;

  const all = await listAdapters();
  if (all.length > 0) {
    const names = all.map(({ name }) => name).join(', ');
    throw new ClozeError('no-adapter', `no adapter fits '${choice}'`, `There is: ${names}`);
  }
  throw new ClozeError('no-adapter', `no WebGPU adapter found; tried ${tried()}`, installHint());
}

async function listAdapters(): Promise<FoundAdapter[]> {
  const all: FoundAdapter[] = [];
  for await (const found of open(() => true)) all.push(found);
  const others = new Set(all.map(({ driver }) => driver));
  for await (const found of openPackaged(undefined)) {
    if (!others.has(found.driver)) all.push(found);
  }
  return all;
}

function tried(): string {
  if (backend !== 'vulkan') return `the adapters of ${backend}`;
  const restricted = environmentDrivers();
  if (restricted) return `the Vulkan drivers that the environment names (${restricted})`;
  return swiftShaderDriver()
    ? "the system's Vulkan drivers and the SwiftShader of @sparticuz/chromium"
    : "the system's Vulkan drivers (@sparticuz/chromium, which carries SwiftShader, is not installed)";
}

/** How to get an adapter here. Dawn refuses Mesa before 23, hence the backports of Debian 12. */
function installHint(): string {
  if (backend === 'metal') return 'Cloze needs a Mac with Metal; a virtual machine may not offer it';
  if (backend === 'd3d12') return 'Update Windows and the driver of the graphics card';
  let release = '';
  try {
    release = readFileSync('/etc/os-release', 'utf8');
  } catch {
    // No such file: the general hint will do.
  }
  if (/^VERSION_CODENAME=bookworm$/m.test(release)) {
    return 'Enable bookworm-backports, then: sudo apt install -t bookworm-backports mesa-vulkan-drivers libvulkan1';
  }
  if (/^ID(_LIKE)?=.*(fedora|rhel)/m.test(release))
    return 'Install one: sudo dnf install mesa-vulkan-drivers vulkan-loader';
  if (/^ID(_LIKE)?=.*arch/m.test(release))
    return 'Install one: sudo pacman -S vulkan-swrast vulkan-icd-loader';
  return 'Install one: sudo apt install mesa-vulkan-drivers libvulkan1 (Ubuntu 24.04, Debian 13 or later)';
}

export const platform: Platform = {
  cache,
  name: 'node',
  get guaranteedOnly() {
    return process.env.CLOZE_LIMITS === 'default';
  },
  requestAdapter,
  listAdapters,
  sleep: (ms) => sleep(ms),
  patiently,
};
