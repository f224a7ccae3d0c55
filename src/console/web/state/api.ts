/** Requests to the server. Every failure, the network's too, is a WireError that says what to do next. */
import { KEY_HEADER, type WireError } from '../../wire.ts';
import { pageKey } from './key.ts';
import { connection } from './store.ts';

export class Failure extends Error {
  readonly wire: WireError;

  constructor(wire: WireError) {
    super(wire.message);
    this.wire = wire;
  }
}

export const get = <T>(path: string): Promise<T> => call<T>(path, { method: 'GET' });

export const post = <T>(path: string, body: unknown): Promise<T> =>
  call<T>(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

async function call<T>(path: string, init: RequestInit): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, { ...init, headers: { ...init.headers, [KEY_HEADER]: pageKey() } });
  } catch {
    throw new Failure({
      code: 'console.unreachable',
      who: 'host',
      message: 'The host did not answer.',
      next: 'It may be restarting; try again in a moment, or run `aether up`.',
    });
  }
  const body = (await response.json()) as T | { error: WireError };
  if (response.ok) return body as T;
  const { error } = body as { error: WireError };
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
