/**
 * Real shims for tests: a private state directory and socket for each, its journal as text, and certainty that
 * nothing of it is left afterwards.
 */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Group, type GroupKind, groupPlace, ownGroup } from '../../src/host/process/cgroup.ts';
import { descendants, isAlive, type ProcessIdentity } from '../../src/host/process/proc.ts';
import { ShimClient } from '../../src/host/shim/client/client.ts';
import { launchShim } from '../../src/host/shim/client/launch.ts';
import { JournalReader } from '../../src/host/shim/client/reader.ts';
import {
  type JournalRecord,
  type ProcessSpec,
  RecordType,
  type RunExit,
  type ShimStart,
} from '../../src/host/shim/shim-protocol.ts';
import { programFile } from './program-file.ts';

/** Tiny real programs with one bad behaviour each. */
export const PROGRAMS = resolve(import.meta.dirname, '../fixtures/programs');

/** Polls until `check` gives something, or fails with `what` after `deadline_ms`. */
export async function until<T>(
  what: string,
  check: () => T | null | undefined | false | Promise<T | null | undefined | false>,
  deadline_ms = 10_000,
): Promise<T> {
  const deadline = performance.now() + deadline_ms;
  for (;;) {
    const value = await check();
    if (value) return value;
    if (performance.now() > deadline) throw new Error(`waited ${deadline_ms} ms in vain: ${what}`);
    await sleep(20);
  }
}

/** A fixture program on pipes, or on a terminal of 80×24. */
export function program(
  file: string,
  args: string[] = [],
  options: { pty?: boolean; env?: Record<string, string>; role?: 'engine' | 'terminal' } = {},
): ProcessSpec {
  const path = join(PROGRAMS, file);
  return {
    role: options.role ?? 'engine',
    argv: file.endsWith('.mjs') ? [process.execPath, path, ...args] : [path, ...args],
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', LANG: 'C.UTF-8', ...options.env },
    cwd: tmpdir(),
    io: options.pty ? { kind: 'pty', cols: 80, rows: 24 } : { kind: 'pipes', stdio: 'pipe' },
  };
}

/** Prints what follows "> "; other lines are for the engine, which does nothing with them. */
export const PUPPET = `while IFS= read -r line; do case "$line" in '> '*) printf '%s\\n' "\${line#> }";; esac; done`;

/**
 * For sh: uses the processor without end, and rests most of the time without beginning a process for it. A tenth of a
 * processor shows as well as all of one.
 */
export const SPIN = 'perl -e "for (;;) { for (1 .. 100000) {} select(undef, undef, undef, 0.05) }"';

/** A shell script as a process. */
export function shell(script: string, options: { pty?: boolean } = {}): ProcessSpec {
  return { ...program('echo.mjs', [], options), argv: ['/bin/sh', '-c', script] };
}

/** The journal read so far, and what it says. */
export class Journal {
  readonly records: JournalRecord[] = [];
  readonly #reader: JournalReader;

  constructor(dir: string, offset = 0) {
    this.#reader = new JournalReader(dir, offset);
  }

  read(): this {
    for (let more = this.#reader.read(); more.length > 0; more = this.#reader.read()) {
      this.records.push(...more);
    }
    return this;
  }

  get offset(): number {
    return this.#reader.offset;
  }

  /** Output of one process as text. */
  text(index: number, stream: 'out' | 'err' = 'out'): string {
    return this.bytes(index, stream).toString('utf8');
  }

  bytes(index: number, stream: 'out' | 'err' = 'out'): Buffer {
    const type = stream === 'out' ? RecordType.out : RecordType.err;
    const mine = this.records.filter((record) => record.type === type && record.process === index);
    return Buffer.concat(mine.map((record) => record.payload));
  }

  /** JSON payloads of a type, oldest first. */
  all<T>(type: RecordType): T[] {
    return this.records
      .filter((record) => record.type === type)
      .map((record) => JSON.parse(record.payload.toString('utf8')) as T);
  }

  get runExit(): RunExit | undefined {
    return this.all<RunExit>(RecordType.runExited)[0];
  }

  close(): void {
    this.#reader.close();
  }
}

export interface TestShim {
  start: ShimStart;
  identity: ProcessIdentity;
  client: ShimClient;
  journal: Journal;
  /** Reads on until it contains `text`. */
  printed(index: number, text: string, deadline_ms?: number): Promise<void>;
  /** Reads on until the run has exited and the shim is gone. */
  over(deadline_ms?: number): Promise<RunExit>;
}

/** Makes places and shims, and ends what is left of them. */
export class ShimLab {
  readonly #dirs: string[] = [];
  readonly #shims: ProcessIdentity[] = [];
  readonly #clients: ShimClient[] = [];
  readonly #cleanups: (() => void)[] = [];
  readonly #groups: (NonNullable<ShimStart['containment']> & { run: string })[] = [];
  #count = 0;

  directory(): string {
    const dir = realpathSync(mkdtempSync(join(tmpdir(), 'aether-shim-')));
    this.#dirs.push(dir);
    return dir;
  }

  startLine(overrides: Partial<ShimStart> = {}): ShimStart {
    const dir = this.directory();
    this.#count += 1;
    return {
      run: `run_test${process.pid}_${this.#count}`,
      agent: 'tester',
      dir: join(dir, 'journal'),
      socket: join(dir, 's.sock'),
      journal_segment_bytes: 64 * 1024 * 1024,
      journal_bytes_max: 512 * 1024 * 1024,
      ...overrides,
    };
  }

  /** Ends this shim's tree after the test, whoever launched it. */
  adopt(identity: ProcessIdentity): void {
    this.#shims.push(identity);
  }

  async launch(overrides: Partial<ShimStart> = {}): Promise<TestShim> {
    const start = this.startLine(overrides);
    const identity = await launchShim(start, { program: programFile('host/shim/process/main') });
    this.adopt(identity);
    if (start.containment) this.#groups.push({ ...start.containment, run: start.run });
    const client = await this.connect(start.socket, 1);
    return this.watch(start, identity, client);
  }

  async connect(socket: string, generation: number): Promise<ShimClient> {
    const client = await ShimClient.connect(socket, generation);
    this.#clients.push(client);
    return client;
  }

  watch(start: ShimStart, identity: ProcessIdentity, client: ShimClient, offset = 0): TestShim {
    const journal = new Journal(start.dir, offset);
    return {
      start,
      identity,
      client,
      journal,
      async printed(index, text, deadline_ms) {
        await until(`"${text}" printed`, () => journal.read().text(index).includes(text), deadline_ms);
      },
      async over(deadline_ms) {
        const exit = await until('the run to exit', () => journal.read().runExit, deadline_ms);
        await until('the shim to be gone', () => !isAlive(identity));
        return exit;
      },
    };
  }

  /** Called once the processes are gone and before the directories go. */
  onClean(cleanup: () => void): void {
    this.#cleanups.push(cleanup);
  }

  clean(): void {
    for (const client of this.#clients) client.close();
    for (const shim of this.#shims) {
      if (!isAlive(shim)) continue;
      for (const below of descendants(shim.pid)) kill(below.pid);
      kill(shim.pid);
    }
    for (const { kinds, scope, run } of this.#groups.splice(0)) {
      for (const kind of kinds) removeGroup(kind, scope, run);
    }
    for (const cleanup of this.#cleanups.splice(0)) cleanup();
    for (const dir of this.#dirs) rmSync(dir, { recursive: true, force: true });
  }
}

/** Also where its shim was killed, and what it held stands frozen. */
function removeGroup(kind: GroupKind, scope: string, run: string): void {
  const own = ownGroup(kind);
  if (own === null) return;
  const group = new Group(groupPlace(kind, own, scope, run));
  for (let attempt = 0; group.exists && attempt < 200; attempt += 1) {
    group.strike();
    if (group.remove()) return;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
