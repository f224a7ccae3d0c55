/**
 * One agent's terminal in one browser. Output goes out at once when it is quiet and in gathered frames when it
 * is not. The browser says how much it has drawn; above a limit the viewer is paused, so that a program that
 * prints faster than a browser draws costs a bounded amount of memory here and there.
 */
import type { WebSocket } from 'ws';
import { z } from 'zod';
import type { TerminalChunk, TerminalInfo, TerminalViewer } from '../../host/api.ts';
import { AetherError } from '../../host/errors.ts';
import { limits } from '../../host/limits.ts';
import type { ConsoleContext } from '../context.ts';
import { invalid } from '../failures.ts';
import { check, size } from '../routes/body.ts';
import type { SessionRecord } from '../session-store.ts';
import type { TerminalMessage } from '../wire.ts';
import { onJson } from './console-socket.ts';

const request = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('ack'), bytes: z.int().min(0) }),
  z.strictObject({
    type: z.literal('input'),
    generation: z.int(),
    data: z.string().max(limits.console_terminal_input_bytes_max),
  }),
  z.strictObject({ type: z.literal('resize'), generation: z.int(), cols: z.unknown(), rows: z.unknown() }),
]);

const GATHER_MS = 4;

export function serveTerminal(
  socket: WebSocket,
  { host, clock, log }: ConsoleContext,
  name: string,
  session: SessionRecord,
): void {
  let viewer: TerminalViewer | null = null;
  let waiting: Buffer[] = [];
  let waiting_bytes = 0;
  let sent_bytes = 0;
  let acked_bytes = 0;
  let paused = false;
  let cancelGather: (() => void) | null = null;

  const tell = (message: TerminalMessage): void => socket.send(JSON.stringify(message));

  function send(data: Buffer): void {
    for (let at = 0; at < data.length; at += limits.terminal_frame_bytes_max) {
      socket.send(data.subarray(at, at + limits.terminal_frame_bytes_max));
    }
    sent_bytes += data.length;
    balance();
  }

  function balance(): void {
    const unacked = sent_bytes - acked_bytes + waiting_bytes;
    if (!paused && unacked > limits.console_terminal_unacked_bytes_high) {
      paused = true;
      viewer?.pause();
    } else if (paused && unacked < limits.console_terminal_unacked_bytes_low) {
      paused = false;
      viewer?.resume();
    }
  }

  function flush(): void {
    if (waiting_bytes === 0) return;
    const data = waiting.length === 1 ? waiting[0]! : Buffer.concat(waiting);
    waiting = [];
    waiting_bytes = 0;
    send(data);
  }

  function onChunk(chunk: TerminalChunk): void {
    waiting.push(chunk.data);
    waiting_bytes += chunk.data.length;
    // Until the replay is out everything waits; after it, the first byte after a pause goes at once.
    if (!viewer) return;
    if (cancelGather === null) {
      flush();
      cancelGather = clock.after(GATHER_MS, gathered);
    } else if (waiting_bytes >= limits.terminal_frame_bytes_max) flush();
  }

  function gathered(): void {
    cancelGather = null;
    if (waiting_bytes === 0) return;
    flush();
    cancelGather = clock.after(GATHER_MS, gathered);
  }

  function onReset(info: TerminalInfo | null): void {
    flush();
    tell({ type: 'screen', info, replay_bytes: 0 });
  }

  /** Everybody may watch; only the session that took the lease may write. */
  function mustHold(generation: number): void {
    const lease = host.agent(name).lease;
    if (lease?.holder === session.label && lease.generation === generation) return;
    throw new AetherError({
      code: 'console.not-holder',
      who: 'user',
      message: lease
        ? `${lease.holder} holds the terminal of ${name}.`
        : `Nobody holds the terminal of ${name}.`,
      next: lease ? 'Wait until it is handed back.' : 'Take over first.',
    });
  }

  onJson(socket, log, (raw) => {
    const message = check(raw, request);
    if (message.type === 'ack') {
      if (message.bytes > sent_bytes)
        throw invalid('More bytes are acknowledged than were sent.', 'Connect again.');
      acked_bytes = Math.max(acked_bytes, message.bytes);
      balance();
      return;
    }
    mustHold(message.generation);
    if (message.type === 'input') host.terminalWrite(name, message.generation, message.data);
    else {
      const { cols, rows } = check({ cols: message.cols, rows: message.rows }, size);
      host.terminalResize(name, message.generation, cols, rows);
    }
  });

  socket.on('close', () => {
    cancelGather?.();
    viewer?.close();
  });

  const opened = host.terminalView(name, onChunk, onReset);
  tell({ type: 'screen', info: opened.info, replay_bytes: opened.replay.length });
  viewer = opened;
  send(opened.replay);
  flush();
}
