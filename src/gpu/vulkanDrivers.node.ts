/**
 * Whether Linux has a Vulkan driver at all. Asked where there is none, the Vulkan loader and Dawn write errors to stderr by themselves,
 * which no caller can catch; so they are not asked.
 */
import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** The folders of driver manifests, as "Driver Interface to the Vulkan Loader" (Khronos) lists them for Linux. */
export function manifestFolders(environment: NodeJS.ProcessEnv = process.env): string[] {
  const list = (name: string, otherwise: string) => (environment[name] || otherwise).split(':');
  const home = homedir();
  return [
    ...list('XDG_CONFIG_HOME', join(home, '.config')),
    ...list('XDG_CONFIG_DIRS', '/etc/xdg'),
    '/usr/local/etc',
    '/etc',
    ...list('XDG_DATA_HOME', join(home, '.local/share')),
    ...list('XDG_DATA_DIRS', '/usr/local/share:/usr/share'),
  ].map((folder) => join(folder, 'vulkan/icd.d'));
}

/** Whether any of the folders holds a manifest. */
export function hasDrivers(folders: readonly string[]): boolean {
  return folders.some(
    (folder) => existsSync(folder) && readdirSync(folder).some((name) => name.endsWith('.json')),
  );
}
