/** One agent's terminal in one browser: what the program prints, and what the holder of the lease types. */
import type { WebSocket } from 'ws';
import { z } from 'zod';
import type { OpenStream } from '../../host/api.ts';
import { limits } from '../../host/limits.ts';
import type { Session } from '../auth.ts';
import { askerOf, type ConsoleContext } from '../context.ts';
import { check } from '../input.ts';
import { onJson } from './console-socket.ts';
import { TerminalOutput } from './terminal-output.ts';

const pixels = z.int().min(1).max(1_000);
const look = z.strictObject({
  theme: z.enum(['dark', 'light']),
  cell: z.strictObject({ width_px: pixels, height_px: pixels }).optional(),
});

const request = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('ack'), bytes: z.int().min(0) }),
  z.strictObject({
    type: z.literal('input'),
    generation: z.int(),
    data: z.string().max(limits.console_terminal_input_bytes_max),
  }),
  z.strictObject({
    type: z.literal('resize'),
    generation: z.int(),
    cols: z.int(),
    rows: z.int(),
    look: look.optional(),
  }),
  z.strictObject({ type: z.literal('use'), generation: z.int() }),
]);

export function serveTerminal(
  socket: WebSocket,
  { verbs, clock, log }: ConsoleContext,
  agent: string,
  session: Session,
): void {
  const asker = askerOf(session);
  const output = new TerminalOutput(socket, clock);
  let stream: OpenStream | null = null;
  let viewer: string | null = null;

  onJson(socket, log, (raw) => {
    const message = check(raw, request);
    if (message.type === 'ack') {
      if (output.acked(message.bytes)) stream?.drained();
      return;
    }
    const { generation } = message;
    const own = viewer === null ? {} : { viewer };
    if (message.type === 'input')
      verbs.call(asker, 'terminalWrite', { agent, generation, data: message.data, ...own });
    else if (message.type === 'resize') {
      const { cols, rows, look } = message;
      verbs.call(asker, 'terminalResize', {
        agent,
        generation,
        cols,
        rows,
        ...(look === undefined ? {} : { look }),
        ...own,
      });
    } else if (viewer !== null) verbs.call(asker, 'terminalUse', { agent, generation, viewer });
  });

  socket.on('close', () => {
    output.close();
    stream?.close();
  });

  stream = verbs.stream(
    asker,
    'attach',
    { agent },
    {
      item: (item) => {
        if (item.kind === 'sized') viewer = item.you;
        output.take(item);
      },
      full: () => output.full,
      end: () => undefined,
    },
  );
}
