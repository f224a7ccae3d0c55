/**
 * Execute-only copies (mode 0111) of the programs that engines are. The kernel makes a process undumpable when its user
 * may not read its program: no other process without capabilities can then read its memory, its environment or its
 * open files, or trace it. It has to be a copy, because a hard link shares the mode of the original, which the user
 * may read.
 *
 * A copy is named after its content, so that two installations of one version share it, and is whole before it gets
 * that name. The directory belongs to the host, and several hosts may use it at once. A copy that is not used for long
 * is removed; a process that runs from it goes on.
 */
import { createHash, randomBytes } from 'node:crypto';
import { type BigIntStats, closeSync, constants, fstatSync, lstatSync } from 'node:fs';
import fs from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { writeBeneath } from '../beneath.ts';
import type { Clock } from '../clock.ts';
import { AetherError, messageOf } from '../errors.ts';
import { openFile, readIfThere } from '../files.ts';
import { limits } from '../limits.ts';
import { makeDirectories } from '../paths.ts';

const MODE = 0o111;
const COPY = /^[0-9a-f]{64}$/;
const UNFINISHED = /^\.[0-9a-f]{16}\.new$/;
/** Holds, per original as it was seen, the name of its copy: so that it is read once and not at each start. */
const SOURCES = 'sources';
const ATTEMPTS = 3;
const HASH_CHUNK_BYTES = 1024 * 1024;

export class ProgramCopies {
  readonly directory: string;
  readonly #clock: Clock;
  readonly #underWay = new Map<string, Promise<string>>();
  #pruned = false;

  constructor(directory: string, clock: Clock) {
    this.directory = directory;
    this.#clock = clock;
  }

  /**
   * Makes the copy unless it is there, and marks it as used.
   * @param program absolute path; links are followed
   * @returns the copy's name in `directory`
   * @throws AetherError `program.copy-failed`
   */
  async of(program: string): Promise<string> {
    try {
      this.#makeDirectory();
      const source = openFile(program, 'followed');
      try {
        return await this.#copyOf(program, source);
      } finally {
        closeSync(source);
      }
    } catch (error) {
      if (error instanceof AetherError) throw error;
      throw failed(program, `No copy of it could be made in ${this.directory}: ${messageOf(error)}.`, error);
    }
  }

  #makeDirectory(): void {
    makeDirectories(this.directory);
    const { uid, mode } = lstatSync(this.directory);
    if (uid === process.getuid!() && (mode & 0o022) === 0) return;
    throw failed(this.directory, 'Another user can write there, and could replace the programs of engines.');
  }

  async #copyOf(program: string, source: number): Promise<string> {
    const stat = fstatSync(source, { bigint: true });
    if (stat.size > limits.program_bytes_max) {
      throw failed(program, `It has ${stat.size} bytes; at most ${limits.program_bytes_max} are copied.`);
    }
    const key = keyOf(stat);
    const known = this.#nameOf(key);
    if (known !== null && (await this.#isWhole(known, stat.size))) {
      await this.#used(known, key);
      if (!this.#pruned) await this.#prune();
      return known;
    }
    const underWay = this.#underWay.get(key);
    if (underWay !== undefined) return await underWay;
    const copying = this.#copy(program, source, key);
    this.#underWay.set(key, copying);
    try {
      return await copying;
    } finally {
      this.#underWay.delete(key);
    }
  }

  #nameOf(key: string): string | null {
    const name = readIfThere(join(this.directory, SOURCES, key), 1024)?.trim() ?? '';
    return COPY.test(name) ? name : null;
  }

  async #isWhole(name: string, size: bigint): Promise<boolean> {
    const stat = await fs.lstat(join(this.directory, name), { bigint: true }).catch(() => null);
    if (stat === null) return false;
    const ours = stat.isFile() && stat.uid === BigInt(process.getuid!()) && stat.nlink === 1n;
    return ours && Number(stat.mode & 0o7777n) === MODE && stat.size === size;
  }

  async #copy(program: string, source: number, key: string): Promise<string> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const before = fstatSync(source, { bigint: true });
      const name = await this.#copyNow(source);
      const after = fstatSync(source, { bigint: true });
      // Otherwise the file was written meanwhile, and the copy is of neither version.
      if (before.size !== after.size || before.mtimeNs !== after.mtimeNs) continue;
      await requireExecutable(program, join(this.directory, name));
      writeBeneath(this.directory, `${SOURCES}/${key}`, `${name}\n`, 0o600);
      await this.#used(name, key);
      await this.#prune();
      return name;
    }
    throw failed(program, 'It is being written to, by an update perhaps.');
  }

  async #copyNow(source: number): Promise<string> {
    const made = join(this.directory, `.${randomBytes(8).toString('hex')}.new`);
    try {
      // Shares its blocks with the original where the file system can do that.
      const flags = constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE;
      await fs.copyFile(`/proc/self/fd/${source}`, made, flags);
      await fs.chmod(made, 0o600);
      const file = await fs.open(made, 'r+');
      try {
        const hash = createHash('sha256');
        await pipeline(file.createReadStream({ autoClose: false, highWaterMark: HASH_CHUNK_BYTES }), hash);
        const name = hash.digest('hex');
        await file.chmod(MODE);
        await file.sync();
        await fs.rename(made, join(this.directory, name));
        return name;
      } finally {
        await file.close();
      }
    } catch (error) {
      await fs.rm(made, { force: true });
      throw error;
    }
  }

  /** The time of its last use is the time of the file. */
  async #used(name: string, key: string): Promise<void> {
    const now = this.#clock.now() / 1000;
    await fs.utimes(join(this.directory, name), now, now);
    await fs.utimes(join(this.directory, SOURCES, key), now, now);
  }

  async #prune(): Promise<void> {
    this.#pruned = true;
    const now = this.#clock.now();
    const entries = await this.#entries();
    let bytes = 0;
    for (const { path, name, at_ms, size } of entries) {
      const unused_ms = now - at_ms;
      if (COPY.test(name)) bytes += size;
      const spare = bytes > limits.program_copies_bytes_max && COPY.test(name);
      // Another host may be about to use what is new.
      if (unused_ms < limits.program_copy_ms_min) continue;
      if (spare || UNFINISHED.test(name) || unused_ms > limits.program_copy_unused_ms) {
        await fs.rm(path, { force: true });
      }
    }
  }

  /** Everything that was made here, the last used first. */
  async #entries(): Promise<{ path: string; name: string; at_ms: number; size: number }[]> {
    const listed = await fs.readdir(this.directory);
    const sources = await fs.readdir(join(this.directory, SOURCES)).catch(() => []);
    const paths = [
      ...listed.filter((name) => COPY.test(name) || UNFINISHED.test(name)),
      ...sources.map((name) => join(SOURCES, name)),
    ];
    const found = await Promise.all(
      paths.map(async (name) => {
        const path = join(this.directory, name);
        const stat = await fs.lstat(path).catch(() => null);
        return stat?.isFile() ? [{ path, name, at_ms: stat.mtimeMs, size: stat.size }] : [];
      }),
    );
    return found.flat().sort((a, b) => b.at_ms - a.at_ms);
  }
}

/** Of an original as it is now: what writes to it or replaces it changes one of these. */
function keyOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return createHash('sha256').update([dev, ino, size, mtimeNs, ctimeNs].join(':')).digest('hex');
}

async function requireExecutable(program: string, copy: string): Promise<void> {
  try {
    await fs.access(copy, constants.X_OK);
  } catch (error) {
    throw failed(program, `Its copy ${copy} cannot be executed: that file system is mounted noexec.`, error);
  }
}

function failed(path: string, why: string, cause?: unknown): AetherError {
  return new AetherError(
    {
      code: 'program.copy-failed',
      who: 'user',
      message: `${path} cannot be started out of reach of the agent. ${why}`,
      next: 'Correct that (free space, permissions), or let XDG_CACHE_HOME name another directory, then start the agent again.',
    },
    { cause },
  );
}
