/** A program in a real PTY, read through its runtime's observer. */
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { LaunchSpec } from '../../../src/runtimes/runtime.ts';
import type { Observed } from '../../support/drive.ts';
import { eventually } from '../../support/eventually.ts';

interface Pty {
  write(data: string): void;
  kill(signal: string): void;
  onData(listener: (data: string) => void): void;
  onExit(listener: (exit: { exitCode: number; signal?: number }) => void): void;
}

// The package that stands in for node-pty declares a module under its own name only.
const { spawn } = createRequire(import.meta.url)('node-pty') as {
  spawn(
    file: string,
    args: string[],
    options: { cols: number; rows: number; cwd: string; env: Record<string, string> },
  ): Pty;
};

export class PtyProgram {
  readonly observed: Observed;
  readonly exited: Promise<{ code: number; signal: number | null }>;
  output = '';
  exit: { code: number; signal: number | null } | null = null;
  readonly #pty: Pty;

  constructor(spec: LaunchSpec, observed: Observed) {
    this.observed = observed;
    const { argv, env, cwd, io } = spec.process;
    if (io.kind !== 'pty') throw new Error('it has to run in a PTY');
    // As the host does: the directories of the place exist.
    for (const directory of [env.HOME!, env.TMPDIR!]) mkdirSync(directory, { recursive: true, mode: 0o700 });
    this.#pty = spawn(argv[0]!, argv.slice(1), { cols: io.cols, rows: io.rows, cwd, env });
    this.#pty.onData((data) => {
      this.output += data.replaceAll('\r\n', '\n');
      observed.take(observed.runtime.observer.line(observed.state, 'out', data));
    });
    this.exited = new Promise((resolve) => {
      this.#pty.onExit(({ exitCode, signal }) => {
        this.exit = { code: exitCode, signal: signal || null };
        resolve(this.exit);
      });
    });
  }

  write(data: string): void {
    this.#pty.write(data);
  }

  async shows(text: string): Promise<void> {
    await eventually(`the terminal shows ${text}`, () => this.output.includes(text)).catch((error: Error) => {
      throw new Error(`${error.message}; it shows ${this.output}`);
    });
  }

  async kill(): Promise<void> {
    if (this.exit === null) this.#pty.kill('SIGKILL');
    await this.exited;
  }
}
