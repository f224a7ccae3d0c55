/**
 * The one error type that crosses doors (CLI, HTTP, MCP). It is named by who must act and always says what to
 * do next; its code is stable and may be matched by programs. Anything else that is thrown is a bug and is
 * reported as `internal`, without its stack.
 */
export type Actor = 'user' | 'config' | 'agent' | 'runtime' | 'host';

export interface WireError {
  code: string;
  who: Actor;
  /** What happened, one or two sentences. */
  message: string;
  /** What to do next. */
  next: string;
  details?: Record<string, unknown>;
}

export class AetherError extends Error {
  override readonly name = 'AetherError';
  readonly code: string;
  readonly who: Actor;
  readonly next: string;
  readonly details: Record<string, unknown> | undefined;

  constructor(wire: WireError, options?: { cause?: unknown }) {
    super(wire.message, options);
    this.code = wire.code;
    this.who = wire.who;
    this.next = wire.next;
    this.details = wire.details;
  }

  toWire(): WireError {
    const wire: WireError = { code: this.code, who: this.who, message: this.message, next: this.next };
    if (this.details) wire.details = this.details;
    return wire;
  }
}

/** The mapping used at every door: our own errors as they are, everything else as `internal`. */
export function toWireError(error: unknown): WireError {
  if (error instanceof AetherError) return error.toWire();
  if (isDiskFull(error)) {
    return diskFull((error as { path?: string }).path ?? 'the state directory', error).toWire();
  }
  return {
    code: 'host.internal',
    who: 'host',
    message: 'The host failed while doing this; the request had no effect that was acknowledged.',
    next: 'Look at host.log in the state directory, then try again.',
  };
}

/** `message. next` — how an error reads in a terminal or a tool result. */
export function describeError(error: unknown): string {
  const wire = toWireError(error);
  return `${wire.message} ${wire.next}`;
}

/** A short message of an unknown thrown value, for logs and for wrapping. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Codes of SQLite and of the system for "nothing more can be written here". */
const FULL = ['SQLITE_FULL', 'SQLITE_IOERR_WRITE', 'SQLITE_IOERR_SHMSIZE', 'ENOSPC', 'EDQUOT'];

/** True of what SQLite or the system throws on a full disk, and of our own error for it. */
export function isDiskFull(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && (code === 'host.disk-full' || FULL.includes(code));
}

/** SQLite refuses these because of the values it was given; every other code is about the database or the machine. */
const ABOUT_VALUES = /^SQLITE_(ERROR|CONSTRAINT|TOOBIG|MISMATCH|RANGE|NOMEM)/;

/**
 * True of a failure that has nothing to do with what was being stored: a full disk, a locked or unreadable
 * database. Trying again later can succeed; leaving out the value would lose it without a reason.
 */
export function isStoreFailure(error: unknown): boolean {
  if (isDiskFull(error)) return true;
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && code.startsWith('SQLITE_') && !ABOUT_VALUES.test(code);
}

/** What was asked for could not be made durable and has not happened. @param path where space is needed */
export function diskFull(path: string, cause: unknown): AetherError {
  return new AetherError(
    {
      code: 'host.disk-full',
      who: 'user',
      message: `The disk of ${path} is full: this could not be stored and was not done.`,
      next: `Free space at ${path} (\`aether doctor\` shows what Aether uses), then try again: the host needs no restart.`,
    },
    { cause },
  );
}

/**
 * The known words most like `word`, best first, at most three: what a refusal of a misspelt name offers.
 * Empty where nothing is near (more than a third of the letters differ and neither begins with the other).
 */
export function nearest(word: string, known: Iterable<string>): string[] {
  const wanted = word.slice(0, 128).toLowerCase();
  const scored: { name: string; distance: number }[] = [];
  for (const name of known) {
    const candidate = name.toLowerCase();
    const distance = editDistance(wanted, candidate.slice(0, 128));
    const longest = Math.max(wanted.length, candidate.length);
    const prefix = wanted.length > 1 && (candidate.startsWith(wanted) || wanted.startsWith(candidate));
    if (distance * 3 <= longest || prefix) scored.push({ name, distance });
  }
  scored.sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1));
  return scored.slice(0, 3).map((entry) => entry.name);
}

/** Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const same = a[row - 1] === b[column - 1];
      let best = Math.min(last[column]! + 1, current[column - 1]! + 1, last[column - 1]! + (same ? 0 : 1));
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        best = Math.min(best, beforeLast[column - 2]! + 1);
      }
      current.push(best);
    }
    beforeLast = last;
    last = current;
  }
  return last[b.length]!;
}
