/**
 * The connection behind one terminal. Tells the server how much has been drawn, so that it sends no faster than
 * the browser draws; connects again by itself and is then given the screen anew.
 */
import {
  KEY_PREFIX,
  SUBPROTOCOL,
  type TerminalInfo,
  type TerminalMessage,
  type TerminalRequest,
  type WireError,
} from '../../console-protocol.ts';
import { pageKey } from '../state/key.ts';

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
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
    const opened = new WebSocket(`${scheme}://${location.host}/terminal/${encodeURIComponent(agent)}`, [
      SUBPROTOCOL,
      `${KEY_PREFIX}${pageKey() || 'none'}`,
    ]);
    opened.binaryType = 'arraybuffer';
    socket = opened;
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

    opened.onmessage = (event: MessageEvent<string | ArrayBuffer>) => {
      if (typeof event.data === 'string') {
        const message = JSON.parse(event.data) as TerminalMessage;
        if (message.type === 'error') return sink.refused(message.error);
        replay = message.replay_bytes;
        sink.connected(true);
        return sink.screen(message.info);
      }
      const data = new Uint8Array(event.data);
      const isReplay = replay > 0;
      replay = Math.max(0, replay - data.length);
      sink.output(data, isReplay, () => {
        drawn += data.length;
        if (drawn - told >= ACK_BYTES) tell();
        else timer ??= setTimeout(tell, ACK_MS);
      });
    };
    opened.onclose = () => {
      clearTimeout(timer);
      if (closed) return;
      sink.connected(false);
      retry = setTimeout(connect, RETRY_MS);
    };
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
