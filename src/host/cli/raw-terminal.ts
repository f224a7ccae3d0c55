/**
 * The operator's own terminal while it shows an agent's: raw mode on, and everything the agent's program may
 * have switched on switched off again — however this process ends.
 */
import { AetherError } from '../errors.ts';

/**
 * Leaves the alternate screen, shows the cursor, ends mouse reporting, bracketed paste, focus events, the
 * keyboard protocols, application modes and colours. Each is harmless where it was never on.
 */
export const RESET = [
  '\x1b[?1049l\x1b[?47l',
  '\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1005l\x1b[?1006l\x1b[?1015l',
  '\x1b[?2004l\x1b[?1004l\x1b[?2026l',
  '\x1b[<u\x1b[>4;0m',
  '\x1b[?1l\x1b>\x1b[?7h\x1b[r\x1b[?25h\x1b[0m\x1b(B',
].join('');

/** Ctrl-]: as a control byte, in the kitty keyboard protocol, and in xterm's modifyOtherKeys. */
const HAND_BACK = ['\x1d', '\x1b[93;5u', '\x1b[27;5;93~'];

export class RawTerminal {
  #active = false;
  readonly #leave = () => this.restore();

  /** @throws AetherError `usage.no-tty` when stdin or stdout is not a terminal. */
  enter(): void {
    requireTerminal();
    process.stdin.setRawMode(true);
    process.stdin.resume();
    this.#active = true;
    // 'exit' covers process.exit, an uncaught error and the end of the program alike.
    process.on('exit', this.#leave);
  }

  size(): { cols: number; rows: number } {
    return { cols: process.stdout.columns || 80, rows: process.stdout.rows || 24 };
  }

  restore(): void {
    if (!this.#active) return;
    this.#active = false;
    process.off('exit', this.#leave);
    process.stdin.setRawMode(false);
    process.stdin.pause();
    process.stdout.write(`${RESET}\r\n`);
  }
}

export function requireTerminal(): void {
  if (process.stdin.isTTY && process.stdout.isTTY) return;
  throw new AetherError({
    code: 'usage.no-tty',
    who: 'user',
    message: 'attach needs a terminal on stdin and stdout.',
    next: 'Run it in a terminal; from a script use `aether inject` and `aether logs --follow`.',
  });
}

/** @returns what was typed before the hand-back key, and whether the key was pressed. */
export function splitAtHandBack(typed: string): { before: string; pressed: boolean } {
  const at = HAND_BACK.map((key) => typed.indexOf(key)).filter((index) => index !== -1);
  if (at.length === 0) return { before: typed, pressed: false };
  return { before: typed.slice(0, Math.min(...at)), pressed: true };
}
