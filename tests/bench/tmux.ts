/** A tmux server of one's own, as a peer: programs in detached terminals, what they print written to a file. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

export class Tmux {
  readonly #socket: string;

  constructor(dir: string) {
    this.#socket = join(dir, 'tmux.sock');
    // A server without sessions would end at once.
    this.#tmux('-f', '/dev/null', 'new-session', '-d', '-s', 'keep', '-x', '80', '-y', '24', 'sleep 100000');
  }

  static here(): boolean {
    try {
      execFileSync('tmux', ['-V'], { stdio: 'ignore' });
      return true;
    } catch {
      return false; // not installed
    }
  }

  /** Runs a program in a new terminal; its output goes to the file from the first byte on. */
  run(argv: string[], journal: string): void {
    const command = argv.map(quote).join(' ');
    const held = `read go; exec ${command}`;
    this.#tmux('new-session', '-d', '-s', 'work', '-x', '80', '-y', '24', `sh -c ${quote(held)}`);
    this.#tmux('pipe-pane', '-t', 'work', `cat >${quote(journal)}`);
    this.#tmux('send-keys', '-t', 'work', 'go', 'Enter');
  }

  endSession(): void {
    try {
      this.#tmux('kill-session', '-t', 'work');
    } catch {
      // it ended with its program
    }
  }

  close(): void {
    this.#tmux('kill-server');
  }

  #tmux(...args: string[]): void {
    execFileSync('tmux', ['-S', this.#socket, ...args], {
      stdio: 'ignore',
      env: { ...process.env, TMUX: '' },
    });
  }
}

function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
