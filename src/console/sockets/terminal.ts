/**
 * One agent's terminal in one browser. Output goes out at once when it is quiet and in gathered frames when it
 * is not. The browser says how much it has drawn; above a limit the viewer is paused, so that a program that
 * prints faster than a browser draws costs a bounded amount of memory here and there.
 */
import type { WebSocket } from 'ws';
import { z } from 'zod';
import type { OpenStream, TerminalBytes, TerminalInfo } from '../../host/api.ts';
import { limits } from '../../host/limits.ts';
import { askerOf, type ConsoleContext } from '../context.ts';
import { invalid } from '../failures.ts';
import { check } from '../input.ts';
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
  z.strictObject({ type: z.literal('resize'), generation: z.int(), cols: z.int(), rows: z.int() }),
]);

const GATHER_MS = 4;

export function serveTerminal(
  socket: WebSocket,
  { verbs, clock, log }: ConsoleContext,
  agent: string,
  session: SessionRecord,
): void {
  const asker = askerOf(session);
  let stream: OpenStream | null = null;
  let waiting: Buffer[] = [];
  let waiting_bytes = 0;
  let sent_bytes = 0;
  let acked_bytes = 0;
  let cancelGather: (() => void) | null = null;

  const tell = (message: TerminalMessage): void => socket.send(JSON.stringify(message));

  function send(data: Buffer): void {
    for (let at = 0; at < data.length; at += limits.terminal_frame_bytes_max) {
      socket.send(data.subarray(at, at + limits.terminal_frame_bytes_max));
    }
    sent_bytes += data.length;
  }

  const unacked_bytes = (): number => sent_bytes - acked_bytes + waiting_bytes;

  function flush(): void {
    if (waiting_bytes === 0) return;
    const data = waiting.length === 1 ? waiting[0]! : Buffer.concat(waiting);
    waiting = [];
    waiting_bytes = 0;
    send(data);
  }

  function onBytes(data: Buffer): void {
    waiting.push(data);
    waiting_bytes += data.length;
    // The first byte after a pause goes at once.
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

  function onScreen(info: TerminalInfo | null, replay_bytes: number): void {
    flush();
    tell({ type: 'screen', info, replay_bytes });
  }

  function onItem(item: TerminalBytes): void {
    if (item.kind === 'chunk') onBytes(item.data);
    else if (item.kind === 'reset') onScreen(item.info, 0);
    else {
      onScreen(item.info, item.data.length);
      send(item.data);
    }
  }

  onJson(socket, log, (raw) => {
    const message = check(raw, request);
    if (message.type === 'ack') {
      if (message.bytes > sent_bytes)
        throw invalid('More bytes are acknowledged than were sent.', 'Connect again.');
      acked_bytes = Math.max(acked_bytes, message.bytes);
      if (unacked_bytes() < limits.console_terminal_unacked_bytes_low) stream?.drained();
      return;
    }
    const { generation } = message;
    if (message.type === 'input')
      verbs.call(asker, 'terminalWrite', { agent, generation, data: message.data });
    else {
      const { cols, rows } = message;
      verbs.call(asker, 'terminalResize', { agent, generation, cols, rows });
    }
  });

  socket.on('close', () => {
    cancelGather?.();
    stream?.close();
  });

  stream = verbs.stream(
    asker,
    'attach',
    { agent },
    {
      item: onItem,
      full: () => unacked_bytes() > limits.console_terminal_unacked_bytes_high,
      end: () => undefined,
    },
  );
}
