/** A person's terminal: a command in a PTY, what it shows, and a keyboard. */
import { createRequire } from 'node:module';
import { eventually } from './eventually.ts';

interface Pty {
  onData(listener: (data: string) => void): void;
  onExit(listener: (exit: { exitCode: number; signal?: number }) => void): void;
  write(data: string): void;
  kill(signal: string): void;
}

// Required, because its type declarations name the package that it is an alias of.
const { spawn } = createRequire(import.meta.url)('node-pty') as {
  spawn(
    file: string,
    args: string[],
    options: { name: string; cols: number; rows: number; cwd: string; env: Record<string, string> },
  ): Pty;
};

export class LiveTerminal {
  readonly exited: Promise<{ code: number; signal: number | undefined }>;
  readonly #pty: Pty;
  #output = '';

  constructor(argv: string[], options: { cwd: string; env: Record<string, string> }) {
    this.#pty = spawn(argv[0]!, argv.slice(1), {
      name: 'xterm-256color',
      cols: 100,
      rows: 30,
      cwd: options.cwd,
      env: { PATH: process.env.PATH ?? '', TERM: 'xterm-256color', LANG: 'C.UTF-8', ...options.env },
    });
    this.#pty.onData((data) => {
      this.#output += data;
    });
    this.exited = new Promise((resolve) => {
      this.#pty.onExit(({ exitCode, signal }) => resolve({ code: exitCode, signal }));
    });
  }

  /** What was printed so far, without escape sequences and white space, which a screen moves about. */
  get text(): string {
    return this.#output
      .replace(/\u001b\[[0-9;?<>=]*[ -/]*[@-~]|\u001b\][^\u0007\u001b]*(\u0007|\u001b\\)|\u001b./g, '')
      .replace(/\s+/g, '');
  }

  async shows(text: string, deadline_ms = 20_000): Promise<void> {
    const wanted = text.replace(/\s+/g, '');
    await eventually(`the terminal shows "${text}"`, () => this.text.includes(wanted), deadline_ms).catch(
      (error: Error) => {
        throw new Error(`${error.message}; it shows ${this.text.slice(-1_500)}`);
      },
    );
  }

  /** Types like a person: the text, and when it is on the screen, Enter. */
  async type(text: string): Promise<void> {
    this.#output = '';
    this.#pty.write(text);
    await this.shows(text);
    this.#pty.write('\r');
  }

  press(keys: string): void {
    this.#pty.write(keys);
  }

  /** Ends it if it still runs. */
  async close(): Promise<void> {
    this.#pty.kill('SIGKILL');
    await this.exited;
  }
}
