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
  return {
    code: 'internal',
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
