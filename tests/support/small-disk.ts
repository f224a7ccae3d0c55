/** A file system of a few megabytes, for tests of a disk that is full. Only root may mount one. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { join } from 'node:path';

export const mayMount = process.getuid?.() === 0;

export class SmallDisk {
  readonly dir: string;

  /** @param dir an empty directory; made when it is missing */
  constructor(dir: string, megabytes: number) {
    this.dir = dir;
    fs.mkdirSync(dir, { recursive: true, mode: 0o700 });
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=0700`, 'tmpfs', dir]);
  }

  get free(): number {
    const { bavail, bsize } = fs.statfsSync(this.dir);
    return bavail * bsize;
  }

  /** Takes every byte that is left. */
  fill(): void {
    const fd = fs.openSync(join(this.dir, 'ballast'), 'a');
    const block = Buffer.alloc(1024 * 1024);
    try {
      for (let size = block.length; size > 0; ) {
        try {
          fs.writeSync(fd, block, 0, size);
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
          size = Math.floor(size / 2);
        }
      }
    } finally {
      fs.closeSync(fd);
    }
  }

  relieve(): void {
    fs.rmSync(join(this.dir, 'ballast'), { force: true });
  }

  close(): void {
    execFileSync('umount', ['-l', this.dir]);
  }
}
