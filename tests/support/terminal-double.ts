/**
 * A terminal for tests of the console: real bytes of a real PTY (or bytes a test feeds), a record of all of
 * them, and viewers that can be paused — each has its own place in the record, so nothing is lost meanwhile.
 */
import { createRequire } from 'node:module';
import type { TerminalChunk, TerminalInfo, TerminalViewer } from '../../src/host/api.ts';
import { limits } from '../../src/host/limits.ts';

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
  at: number;
  paused: boolean;
  onChunk: (chunk: TerminalChunk) => void;
  onReset: (info: TerminalInfo | null) => void;
}

export class TerminalDouble {
  info: TerminalInfo | null = null;
  /** Everything printed by the present process. */
  #record = Buffer.alloc(0);
  #pty: Pty | null = null;
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
    for (const viewer of this.#viewers) {
      viewer.at = 0;
      viewer.onReset(info);
    }
  }

  /** As if the program had printed this. */
  feed(data: Buffer): void {
    this.#record = Buffer.concat([this.#record, data]);
    for (const viewer of this.#viewers) this.#deliver(viewer);
  }

  write(data: string): void {
    this.written.push(data);
    this.#pty?.write(data);
  }

  resize(cols: number, rows: number): void {
    this.#pty?.resize(cols, rows);
    if (this.info) this.info = { ...this.info, cols, rows };
  }

  /** Ends the program; nobody has the floor. */
  end(): void {
    this.#pty?.kill('SIGKILL');
    this.#pty = null;
    if (this.info) this.begin(null);
  }

  view(onChunk: Viewer['onChunk'], onReset: Viewer['onReset']): TerminalViewer {
    const viewer: Viewer = { at: this.#record.length, paused: false, onChunk, onReset };
    this.#viewers.add(viewer);
    return {
      replay: this.#record.subarray(Math.max(0, this.#record.length - limits.terminal_replay_bytes_max)),
      info: this.info,
      pause: () => {
        this.pauses += 1;
        viewer.paused = true;
      },
      resume: () => {
        viewer.paused = false;
        this.#deliver(viewer);
      },
      close: () => this.#viewers.delete(viewer),
    };
  }

  #deliver(viewer: Viewer): void {
    while (!viewer.paused && viewer.at < this.#record.length) {
      const data = this.#record.subarray(viewer.at, viewer.at + limits.terminal_frame_bytes_max);
      const offset = viewer.at;
      viewer.at += data.length;
      viewer.onChunk({ run: this.info?.run ?? '', process: 1, offset, data });
    }
  }
}
