/** Requests to the server. Every failure, the network's too, is a WireError that says what to do next. */
import {
  type AgentBasis,
  type CallName,
  type Calls,
  KEY_HEADER,
  type WireError,
} from '../../console-protocol.ts';
import { pageKey } from './key.ts';
import { connection } from './store.ts';

export class Failure extends Error {
  readonly wire: WireError;

  constructor(wire: WireError) {
    super(wire.message);
    this.wire = wire;
  }
}

/** A verb of the host. `basis`: what the operator saw of the agent that it is about. */
export const call = <N extends CallName>(
  name: N,
  input: Calls[N]['input'],
  basis?: AgentBasis,
): Promise<Calls[N]['output']> => post(`/api/verbs/${name}`, { input, basis });

export async function post<T>(path: string, body: unknown): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', [KEY_HEADER]: pageKey() },
      body: JSON.stringify(body),
    });
  } catch {
    throw new Failure({
      code: 'console.unreachable',
      who: 'host',
      message: 'The host did not answer.',
      next: 'It may be restarting; try again in a moment, or run `aether up`.',
    });
  }
  const answer = (await response.json()) as T | { error: WireError };
  if (response.ok) return answer as T;
  const { error } = answer as { error: WireError };
  if (error.code === 'console.signed-out') connection.value = { phase: 'signed-out' };
  throw new Failure(error);
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
