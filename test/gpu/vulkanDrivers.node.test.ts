import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { hasDrivers, manifestFolders } from '../../src/gpu/vulkanDrivers.node.ts';

test('drivers are found where the Vulkan loader looks for them', () => {
  const home = mkdtempSync(join(tmpdir(), 'cloze-vulkan-'));
  const environment = { XDG_DATA_HOME: home, XDG_DATA_DIRS: '/a:/b', XDG_CONFIG_HOME: '/c' };
  const folders = manifestFolders(environment);
  for (const root of [home, '/a', '/b', '/c', '/etc', '/etc/xdg']) {
    expect(folders).toContain(join(root, 'vulkan/icd.d'));
  }
  expect(folders).not.toContain('/usr/share/vulkan/icd.d');
  expect(manifestFolders({})).toContain('/usr/share/vulkan/icd.d');

  const own = folders.filter((folder) => folder.startsWith(home));
  expect(hasDrivers(own)).toBe(false);
  mkdirSync(own[0], { recursive: true });
  expect(hasDrivers(own)).toBe(false);
  writeFileSync(join(own[0], 'lvp_icd.json'), '{}');
  expect(hasDrivers(own)).toBe(true);
  rmSync(home, { recursive: true });
});
