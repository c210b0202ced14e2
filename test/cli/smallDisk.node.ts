/** A disk of its own for a test, as small as is wanted: a file system in memory, which only root may mount. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export class SmallDisk implements Disposable {
  readonly folder: string;
  private readonly filler: string;

  /** Undefined where it cannot be mounted. */
  static mount(bytes: number): SmallDisk | undefined {
    const folder = mkdtempSync(join(tmpdir(), 'cloze-disk-'));
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', folder]).status === 0) {
      return new SmallDisk(folder);
    }
    rmSync(folder, { recursive: true });
    return undefined;
  }

  private constructor(folder: string) {
    this.folder = folder;
    this.filler = join(folder, 'filler');
  }

  /** Leaves so many bytes free. */
  fill(free: number): void {
    this.empty();
    const { stdout } = spawnSync('df', ['--output=avail', '-B1', this.folder], { encoding: 'utf8' });
    writeFileSync(this.filler, new Uint8Array(Math.max(0, Number(stdout.split('\n')[1]) - free)));
  }

  /** Takes away what `fill` wrote. */
  empty(): void {
    rmSync(this.filler, { force: true });
  }

  [Symbol.dispose](): void {
    spawnSync('umount', [this.folder]);
    rmSync(this.folder, { recursive: true });
  }
}
