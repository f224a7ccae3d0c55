/** Requests to the host, over the page's one live connection. Every failure is a WireError that says what to do next. */
import type { AgentBasis, CallName, Calls, LiveRequest, WireError } from '../../console-protocol.ts';

export class Failure extends Error {
  readonly wire: WireError;

  constructor(wire: WireError) {
    super(wire.message);
    this.wire = wire;
  }
}

interface Waiting {
  resolve(output: never): void;
  reject(error: Failure): void;
}

const waiting = new Map<number, Waiting>();
let last = 0;
/** Of a connection on which the host has proven itself; null while there is none. */
let send: ((message: LiveRequest) => void) | null = null;

/** A verb of the host. `basis`: what the operator saw of the agent that it is about. */
export function call<N extends CallName>(
  name: N,
  input: Calls[N]['input'],
  basis?: AgentBasis,
): Promise<Calls[N]['output']> {
  const way = send;
  if (way === null) return Promise.reject(unreachable('The host cannot be reached.'));
  last += 1;
  const number = last;
  return new Promise((resolve, reject) => {
    waiting.set(number, { resolve, reject });
    way({ type: 'call', call: number, verb: name, input, basis });
  });
}

/** From now on calls go this way; null: the connection is lost, and what was not answered fails. */
export function connectCalls(way: ((message: LiveRequest) => void) | null): void {
  send = way;
  if (way !== null) return;
  for (const { reject } of waiting.values())
    reject(unreachable('The connection to the host was lost before it answered: look whether it was done.'));
  waiting.clear();
}

export function answered(
  message: { call: number; output: unknown } | { call: number; error: WireError },
): void {
  const one = waiting.get(message.call);
  waiting.delete(message.call);
  if ('error' in message) one?.reject(new Failure(message.error));
  else one?.resolve(message.output as never);
}

function unreachable(message: string): Failure {
  return new Failure({
    code: 'console.unreachable',
    who: 'host',
    message,
    next: 'It may be restarting; try again in a moment, or run `aether up`.',
  });
}

export function wireOf(error: unknown): WireError {
  if (error instanceof Failure) return error.wire;
  return {
    code: 'console.page',
    who: 'host',
    message: `The page failed: ${error instanceof Error ? error.message : String(error)}`,
    next: 'Reload it.',
  };
}
