/**
 * The last resort of the adapter search on Linux: the SwiftShader and the Vulkan loader inside `@sparticuz/chromium`.
 * This repository has that package for its tests; who installs Cloze does not get it, and then there is none.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import { cachedFolder, untar } from './unpack.node.ts';

/** The package's folder of archives and its version; undefined where it is not installed or made for another machine. */
export function chromiumPackage(): { bin: string; version: string } | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined;
  try {
    const entry = createRequire(import.meta.url).resolve('@sparticuz/chromium');
    const root = join(dirname(entry), '..', '..');
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    return { bin: join(root, 'bin'), version };
  } catch {
    return undefined;
  }
}

/** Unpacks SwiftShader if need be; the path of the file that describes it to a Vulkan loader. */
export function swiftShaderDriver(): string | undefined {
  const found = chromiumPackage();
  if (!found) return undefined;
  const folder = cachedFolder(`swiftshader-${found.version}`, (draft) =>
    untar(brotliDecompressSync(readFileSync(join(found.bin, 'swiftshader.tar.br'))), draft),
  );
  return join(folder, 'vk_swiftshader_icd.json');
}

/**
 * Loads the Vulkan loader that lies beside a driver file, for a system that has none. Dawn then opens `libvulkan.so.1`
 * by its bare name, and the dynamic linker answers with the library of that name that is loaded already.
 */
export function loadVulkanLoader(driver: string): void {
  const keepLoaded = 0x1000; // RTLD_NODELETE of dlfcn.h, which Node does not name
  try {
    process.dlopen(
      { exports: {} },
      join(dirname(driver), 'libvulkan.so.1'),
      constants.dlopen.RTLD_NOW | keepLoaded,
    );
  } catch {
    // Node expects a module and says that this is none; the library is loaded all the same.
  }
}
