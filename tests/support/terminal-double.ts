/**
 * A terminal for tests of the console: real bytes of a real PTY (or bytes a test feeds), an emulator that sees all of
 * them, and viewers that can be paused: each has its own place in the record, so nothing is lost meanwhile.
 */
import { createRequire } from 'node:module';
import type { TerminalBytes, TerminalInfo, TerminalViewer } from '../../src/host/api.ts';
import { limits } from '../../src/host/limits.ts';
import type { Emulator } from '../../src/host/terminals/screen/emulator.ts';
import { type Size, TerminalSizes } from '../../src/host/terminals/sizes.ts';
import { emulator } from './terminal-state.ts';

interface Pty {
  onData(listener: (data: Buffer) => void): unknown;
  write(data: string): void;
  resize(cols: number, rows: number): void;
  kill(signal: string): void;
}

// The package is installed under an alias, by which its type declarations cannot be found.
const { spawn } = createRequire(import.meta.url)('node-pty') as {
  spawn(file: string, args: string[], options: object): Pty;
};

interface Viewer {
  id: string;
  at: number;
  paused: boolean;
  show: (item: TerminalBytes) => void;
}

export class TerminalDouble {
  info: TerminalInfo | null = null;
  /** Everything printed by the present process. */
  #record = Buffer.alloc(0);
  #pty: Pty | null = null;
  #emulator: Emulator | null = null;
  readonly #sizes = new TerminalSizes();
  #by: string | null = null;
  #views = 0;
  readonly #viewers = new Set<Viewer>();
  readonly written: string[] = [];
  pauses = 0;

  get viewers(): number {
    return this.#viewers.size;
  }

  /** Starts a program in a PTY; it has the floor from now on. */
  run(run: string, argv: string[], size: { cols: number; rows: number }): void {
    this.end();
    const pty = spawn(argv[0]!, argv.slice(1), {
      ...size,
      name: 'xterm-256color',
      encoding: null,
      env: { PATH: process.env.PATH ?? '', HOME: '/nonexistent', TERM: 'xterm-256color', PS1: '$ ' },
    });
    this.#pty = pty;
    this.begin({ run, process: 1, ...size });
    pty.onData((data) => {
      if (this.#pty === pty) this.feed(data);
    });
  }

  begin(info: TerminalInfo | null): void {
    this.info = info;
    this.#record = Buffer.alloc(0);
    this.#emulator = info === null ? null : emulator(info, (text) => this.#pty?.write(text));
    for (const viewer of this.#viewers) {
      viewer.at = 0;
      viewer.show({ kind: 'screen', info, data: Buffer.alloc(0) });
    }
  }

  /** As if the program had printed this. */
  feed(data: Buffer): void {
    this.#record = Buffer.concat([this.#record, data]);
    this.#emulator?.write(data);
    for (const viewer of this.#viewers) this.#deliver(viewer);
  }

  write(data: string): void {
    this.written.push(data);
    this.#pty?.write(data);
  }

  resize({ cols, rows }: Size): void {
    if (this.info === null || (this.info.cols === cols && this.info.rows === rows)) return;
    this.#pty?.resize(cols, rows);
    this.#emulator?.resize(cols, rows);
    this.info = { ...this.info, cols, rows };
    for (const { show } of this.#viewers) show({ kind: 'size', cols, rows });
  }

  claim(size: Size, generation: number, viewer?: string): void {
    if (viewer === undefined) this.resize(size);
    else {
      this.#sizes.claim(viewer, generation, size);
      this.#decide(generation);
    }
  }

  use(generation: number, viewer: string): void {
    this.#sizes.use(viewer, generation);
    this.#decide(generation);
  }

  #decide(generation: number): void {
    const decided = this.#sizes.decides(generation);
    if (this.#by !== (decided?.viewer ?? null)) {
      this.#by = decided?.viewer ?? null;
      for (const { id, show } of this.#viewers) show({ kind: 'sized', you: id, by: this.#by });
    }
    if (decided !== null) this.resize(decided.size);
  }

  /** Ends the program; nobody has the floor. */
  end(): void {
    this.#pty?.kill('SIGKILL');
    this.#pty = null;
    if (this.info) this.begin(null);
  }

  view(show: Viewer['show']): TerminalViewer {
    this.#views += 1;
    const viewer: Viewer = { id: `v${this.#views}`, at: this.#record.length, paused: false, show };
    this.#viewers.add(viewer);
    show({ kind: 'sized', you: viewer.id, by: this.#by });
    show({
      kind: 'screen',
      info: this.info,
      data: Buffer.from(this.#emulator?.snapshot() ?? new Uint8Array()),
    });
    return {
      pause: () => {
        this.pauses += 1;
        viewer.paused = true;
      },
      resume: () => {
        viewer.paused = false;
        this.#deliver(viewer);
      },
      close: () => {
        this.#viewers.delete(viewer);
        const generation = this.#sizes.leave(viewer.id);
        if (generation !== null) this.#decide(generation);
      },
    };
  }

  #deliver(viewer: Viewer): void {
    while (!viewer.paused && viewer.at < this.#record.length) {
      const data = this.#record.subarray(viewer.at, viewer.at + limits.terminal_frame_bytes_max);
      const offset = viewer.at;
      viewer.at += data.length;
      viewer.show({ kind: 'chunk', run: this.info?.run ?? '', process: 1, offset, data });
    }
  }
}
