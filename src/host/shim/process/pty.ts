/**
 * A process on a terminal. Uses node-pty's native part without its JavaScript class: that one closes the
 * terminal 200 ms after the exit whether everything was read or not, which loses output whenever reading is
 * paused, and writes to the master in a way that spins while the process does not read. Here reading ends when
 * the kernel says so, and a write waits.
 */
import { closeSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { ReadStream } from 'node:tty';
import { closeOnExec, duplicate } from '../../process/libc.ts';
import type { ProcessExit, ProcessSpec } from '../shim-protocol.ts';
import { type Child, type Enclose, type Output, SpawnFailed, signalName } from './child.ts';
import { readInto } from './reading.ts';

const WRITE_RETRY_MS = 5;

interface Native {
  fork(
    file: string,
    args: string[],
    env: string[],
    cwd: string,
    cols: number,
    rows: number,
    uid: number,
    gid: number,
    utf8: boolean,
    helper: string,
    onExit: (code: number, signal: number) => void,
  ): { fd: number; pid: number; pty: string };
  resize(fd: number, cols: number, rows: number): void;
}

let loaded: { native: Native; helper: string } | null = null;

/** Loaded for the first terminal only: most runs never have one. */
function load(): { native: Native; helper: string } {
  if (loaded) return loaded;
  const own = createRequire(import.meta.url);
  const require = createRequire(own.resolve('node-pty'));
  const binaries = `@lydell/node-pty-${process.platform}-${process.arch}`;
  const helper = process.platform === 'darwin' ? require.resolve(`${binaries}/spawn-helper`) : '';
  loaded = { native: require(`${binaries}/pty.node`) as Native, helper };
  return loaded;
}

/** See spawnOnPipes. @throws SpawnFailed */
export function spawnOnPty(
  file: string,
  spec: ProcessSpec,
  size: { cols: number; rows: number },
  enclose: Enclose,
  onPid: (pid: number) => void,
  output: Output,
): Child {
  const env = Object.entries({ TERM: 'xterm-256color', ...spec.env }).map(
    ([key, value]) => `${key}=${value}`,
  );
  const exit = Promise.withResolvers<ProcessExit>();
  const onExit = (code: number, signal: number) =>
    exit.resolve(signal === 0 ? { code, signal: null } : { code: null, signal: signalName(signal) });
  let native: Native;
  let terminal: { fd: number; pid: number };
  try {
    const parts = load();
    native = parts.native;
    const { cols, rows } = size;
    const args = spec.argv.slice(1);
    terminal = enclose(() =>
      parts.native.fork(file, args, env, spec.cwd, cols, rows, -1, -1, true, parts.helper, onExit),
    );
  } catch (error) {
    throw new SpawnFailed(`${file} could not be started on a terminal: ${(error as Error).message}.`, {
      cause: error,
    });
  }
  onPid(terminal.pid);
  closeOnExec(terminal.fd);
  const writer = new TerminalWriter(duplicate(terminal.fd));
  const reader = new ReadStream(terminal.fd, { onread: readInto((chunk) => output('out', chunk)) });
  const drained = Promise.withResolvers<void>();
  // EIO: the last process has closed the terminal, which is how it ends.
  reader.on('error', () => reader.destroy());
  reader.on('close', () => {
    writer.close();
    drained.resolve();
  });
  reader.resume();
  return {
    pid: terminal.pid,
    exited: exit.promise,
    drained: drained.promise,
    write: (data) => writer.write(data),
    queued: () => writer.queued,
    endInput: () => undefined,
    pause: () => void reader.pause(),
    resume: () => void reader.resume(),
    resize(cols, rows) {
      if (!writer.closed) native.resize(writer.fd, cols, rows);
    },
    discard: () => void reader.destroy(),
  };
}

/** Writes what the terminal takes, in order, and tries again while it takes nothing. Owns its descriptor. */
class TerminalWriter {
  readonly fd: number;
  closed = false;
  queued = 0;
  #queue: { data: Buffer; done: () => void; failed: (error: Error) => void }[] = [];
  #waiting = false;

  constructor(fd: number) {
    this.fd = fd;
  }

  write(data: Buffer): Promise<void> {
    return new Promise((done, failed) => {
      this.#queue.push({ data, done, failed });
      this.queued += data.length;
      if (!this.#waiting) this.#pump();
    });
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    closeSync(this.fd);
    this.#fail(new Error('the terminal is closed'));
  }

  #pump(): void {
    this.#waiting = false;
    while (this.#queue.length > 0) {
      if (this.closed) {
        this.#fail(new Error('the terminal is closed'));
        return;
      }
      const head = this.#queue[0]!;
      try {
        const took = writeSync(this.fd, head.data);
        this.queued -= took;
        head.data = head.data.subarray(took);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') {
          this.#fail(error as Error);
          return;
        }
        this.#waiting = true;
        setTimeout(() => this.#pump(), WRITE_RETRY_MS);
        return;
      }
      if (head.data.length > 0) continue;
      this.#queue.shift();
      head.done();
    }
  }

  #fail(error: Error): void {
    const queue = this.#queue;
    this.#queue = [];
    this.queued = 0;
    for (const entry of queue) entry.failed(error);
  }
}
