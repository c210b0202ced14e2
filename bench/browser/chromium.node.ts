/** The Chromium for tests and benchmarks in a browser: on Linux the one inside `@sparticuz/chromium`, elsewhere an installed Chrome. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import { chromiumPackage } from '../../src/gpu/swiftshader.node.ts';
import { cachedFolder, untar } from '../../src/gpu/unpack.node.ts';

const args = [
  '--no-sandbox', // root may not run the sandbox, nor may an ordinary user in most containers
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
];

/** What Playwright's `launch` is to be given. */
export function chromiumLaunchOptions(): {
  executablePath?: string;
  channel?: string;
  args: string[];
  env?: Record<string, string>;
} {
  const found = chromiumPackage();
  if (!found) return { channel: 'chrome', args: ['--enable-unsafe-webgpu'] };

  const folder = cachedFolder(`chromium-${found.version}`, (draft) => {
    const unpacked = (name: string) => brotliDecompressSync(readFileSync(join(found.bin, name)));
    writeFileSync(join(draft, 'chromium'), unpacked('chromium.br'), { mode: 0o755 });
    for (const archive of ['swiftshader.tar.br', 'al2023.tar.br', 'fonts.tar.br'])
      untar(unpacked(archive), draft);
  });
  const executablePath = join(folder, 'chromium');
  const env = { ...process.env } as Record<string, string>;
  if (!existsSync('/etc/fonts/fonts.conf')) env.FONTCONFIG_PATH = folder;
  const startsByItself = spawnSync(executablePath, ['--version'], { timeout: 30_000 }).status === 0;
  if (!startsByItself) {
    env.LD_LIBRARY_PATH = [join(folder, 'lib'), process.env.LD_LIBRARY_PATH].filter(Boolean).join(':');
  }
  return { executablePath, args, env };
}
