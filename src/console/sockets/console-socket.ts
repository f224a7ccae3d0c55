/**
 * A WebSocket of the console: JSON in and out, a limit on messages, a heartbeat, and errors that are answered
 * instead of closing the connection.
 */
import { WebSocket } from 'ws';
import type { Clock } from '../../host/clock.ts';
import { AetherError, toWireError, type WireError } from '../../host/errors.ts';
import { limits } from '../../host/limits.ts';
import type { Log } from '../../host/log.ts';
import { invalid } from '../failures.ts';

/** The ws library closes by itself when a message is too large, but does not say why; this class adds it. */
export class ConsoleSocket extends WebSocket {
  override close(code?: number, reason?: string | Buffer): void {
    super.close(
      code,
      reason ??
        (code === 1009 ? `A message may hold ${limits.websocket_message_bytes_max} bytes.` : undefined),
    );
  }
}

/** Parses text messages and answers whatever `handle` throws as `{type: 'error', error}`. */
export function onJson(socket: WebSocket, log: Log, handle: (message: unknown) => void): void {
  socket.on('message', (data: Buffer, isBinary) => {
    try {
      if (isBinary) throw invalid('A binary message was sent.', 'Send JSON text.');
      handle(parse(data.toString('utf8')));
    } catch (error) {
      sendError(socket, error, log);
    }
  });
  // Broken frames; the library closes the connection with the code that fits.
  socket.on('error', (error) => log.debug({ why: error.message }, 'console socket'));
}

export function sendError(socket: WebSocket, error: unknown, log: Log): void {
  if (!(error instanceof AetherError)) log.error({ err: error }, 'a console socket failed');
  // A client that sends nonsense and never reads must not fill memory with answers.
  if (socket.bufferedAmount > limits.websocket_message_bytes_max) {
    socket.close(1008, 'Too many bad messages.');
    return;
  }
  const answer: { type: 'error'; error: WireError } = { type: 'error', error: toWireError(error) };
  socket.send(JSON.stringify(answer));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalid('A message is not JSON.', 'Send one JSON object in each message.');
  }
}

/** Ends a connection whose other side has not answered for two pings. @returns stop */
export function heartbeat(socket: WebSocket, clock: Clock): () => void {
  let alive = true;
  let cancel = (): void => {};
  const beat = (): void => {
    if (!alive) {
      socket.terminate();
      return;
    }
    alive = false;
    socket.ping();
    cancel = clock.after(limits.console_ping_ms, beat);
  };
  socket.on('pong', () => {
    alive = true;
  });
  cancel = clock.after(limits.console_ping_ms, beat);
  const stop = (): void => cancel();
  socket.on('close', stop);
  return stop;
}
