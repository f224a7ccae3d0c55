/**
 * The connection behind one terminal. Tells the server how much has been drawn, so that it sends no faster than
 * the browser draws; connects again by itself and is then given the screen anew.
 */
import type { TerminalInfo, TerminalMessage, TerminalRequest, WireError } from '../../console-protocol.ts';
import { openProven } from '../state/proven-socket.ts';

export interface TerminalSink {
  /** Clear; what follows is of this terminal. */
  screen(info: TerminalInfo | null): void;
  /** `drawn` must be called once the bytes are on the screen. `replay`: they repeat the past. */
  output(data: Uint8Array, replay: boolean, drawn: () => void): void;
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
    let replay = 0;
    let timer: ReturnType<typeof setTimeout> | undefined;

    const tell = (): void => {
      clearTimeout(timer);
      timer = undefined;
      if (drawn === told || opened.readyState !== WebSocket.OPEN) return;
      told = drawn;
      opened.send(JSON.stringify({ type: 'ack', bytes: drawn } satisfies TerminalRequest));
    };

    const message = (data: string | ArrayBuffer): void => {
      if (typeof data === 'string') {
        const screen = JSON.parse(data) as TerminalMessage;
        if (screen.type === 'error') {
          sink.refused(screen.error);
          return;
        }
        replay = screen.replay_bytes;
        sink.connected(true);
        sink.screen(screen.info);
        return;
      }
      const bytes = new Uint8Array(data);
      const isReplay = replay > 0;
      replay = Math.max(0, replay - bytes.length);
      sink.output(bytes, isReplay, () => {
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
        if (closed) return;
        sink.connected(false);
        retry = setTimeout(connect, RETRY_MS);
      },
    });
    socket = opened;
  }

  connect();
  return {
    send(message) {
      if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
    },
    close() {
      closed = true;
      clearTimeout(retry);
      socket?.close();
    },
  };
}
