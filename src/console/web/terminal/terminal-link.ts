/**
 * The connection behind one terminal. Tells the server how much has been drawn, so that it sends no faster than the
 * browser draws; reconnects, and then gets the whole screen again.
 */
import type { TerminalInfo, TerminalMessage, TerminalRequest, WireError } from '../../console-protocol.ts';
import { onWake } from '../state/link.ts';
import { openProven } from '../state/proven-socket.ts';

export interface TerminalSink {
  /** Reset; what follows makes the present screen of this terminal, and goes on. */
  screen(info: TerminalInfo | null): void;
  /** `drawn` must be called once the bytes are on the screen. */
  output(data: Uint8Array, drawn: () => void): void;
  size(cols: number, rows: number): void;
  /** Whether this page decides the size. */
  sized(by: 'this' | 'other' | null): void;
  refused(error: WireError): void;
  connected(yes: boolean): void;
}

export interface TerminalLink {
  send(message: TerminalRequest): void;
  close(): void;
}

/** Drawn bytes are reported when this many are not yet, or after a moment. */
const ACK_BYTES = 64 * 1024;
const ACK_MS = 40;
const RETRY_MS = 1_000;

export function openTerminalLink(agent: string, sink: TerminalSink): TerminalLink {
  let socket: WebSocket | null = null;
  let closed = false;
  let retry: ReturnType<typeof setTimeout> | undefined;

  function connect(): void {
    let drawn = 0;
    let told = 0;
    let timer: ReturnType<typeof setTimeout> | undefined;

    const tell = (): void => {
      clearTimeout(timer);
      timer = undefined;
      if (drawn === told || opened.readyState !== WebSocket.OPEN) return;
      told = drawn;
      opened.send(JSON.stringify({ type: 'ack', bytes: drawn } satisfies TerminalRequest));
    };

    const message = (data: string | ArrayBuffer): void => {
      if (socket !== opened) return;
      if (typeof data === 'string') {
        tellSink(sink, JSON.parse(data) as TerminalMessage);
        return;
      }
      const bytes = new Uint8Array(data);
      sink.output(bytes, () => {
        drawn += bytes.length;
        if (drawn - told >= ACK_BYTES) tell();
        else timer ??= setTimeout(tell, ACK_MS);
      });
    };
    const opened = openProven(`/terminal/${encodeURIComponent(agent)}`, {
      open: () => undefined,
      message,
      refused: sink.refused,
      close: () => {
        clearTimeout(timer);
        if (closed || socket !== opened) return;
        sink.connected(false);
        retry = setTimeout(connect, RETRY_MS);
      },
    });
    socket = opened;
  }

  connect();
  // Closed by the page itself: the screen comes again, at once.
  const unsubscribe = onWake(() => {
    const asleep = socket;
    clearTimeout(retry);
    connect();
    asleep?.close();
  });
  return {
    send(message) {
      if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
    },
    close() {
      closed = true;
      unsubscribe();
      clearTimeout(retry);
      socket?.close();
    },
  };
}

function tellSink(sink: TerminalSink, message: TerminalMessage): void {
  switch (message.type) {
    case 'error':
      sink.refused(message.error);
      break;
    case 'size':
      sink.size(message.cols, message.rows);
      break;
    case 'sized':
      sink.sized(message.by);
      break;
    case 'screen':
      sink.connected(true);
      sink.screen(message.info);
  }
}
