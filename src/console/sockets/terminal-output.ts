/**
 * The bytes of one terminal on their way to one browser. They are sent at once while there is little output, and
 * gathered into frames when there is much. The browser says how much it has drawn; above a limit the viewer is paused,
 * so that a program that prints faster than a browser draws takes a bounded amount of memory on both sides.
 */
import type { WebSocket } from 'ws';
import type { TerminalBytes } from '../../host/api.ts';
import type { Clock } from '../../host/clock.ts';
import { limits } from '../../host/limits.ts';
import type { TerminalMessage } from '../console-protocol.ts';
import { invalid } from '../failures.ts';

const GATHER_MS = 4;

export class TerminalOutput {
  readonly #socket: WebSocket;
  readonly #clock: Clock;
  #waiting: Buffer[] = [];
  #waiting_bytes = 0;
  #sent_bytes = 0;
  #acked_bytes = 0;
  #cancelGather: (() => void) | null = null;

  constructor(socket: WebSocket, clock: Clock) {
    this.#socket = socket;
    this.#clock = clock;
  }

  /** So much is not drawn yet that the program has to wait. */
  get full(): boolean {
    return this.#unacked_bytes > limits.console_terminal_unacked_bytes_high;
  }

  take(item: TerminalBytes): void {
    if (item.kind === 'chunk') {
      this.#bytes(item.data);
      return;
    }
    this.#flush();
    if (item.kind === 'screen') {
      this.#tell({ type: 'screen', info: item.info, bytes: item.data.length });
      this.#send(item.data);
    } else if (item.kind === 'size') this.#tell({ type: 'size', cols: item.cols, rows: item.rows });
    else this.#tell({ type: 'sized', by: item.by === null ? null : item.by === item.you ? 'this' : 'other' });
  }

  /** The browser has drawn the first `bytes`. @returns whether there is room again. */
  acked(bytes: number): boolean {
    if (bytes > this.#sent_bytes)
      throw invalid('More bytes are acknowledged than were sent.', 'Connect again.');
    this.#acked_bytes = Math.max(this.#acked_bytes, bytes);
    return this.#unacked_bytes < limits.console_terminal_unacked_bytes_low;
  }

  close(): void {
    this.#cancelGather?.();
  }

  get #unacked_bytes(): number {
    return this.#sent_bytes - this.#acked_bytes + this.#waiting_bytes;
  }

  #bytes(data: Buffer): void {
    this.#waiting.push(data);
    this.#waiting_bytes += data.length;
    // The first byte after a pause goes at once.
    if (this.#cancelGather === null) {
      this.#flush();
      this.#gather();
    } else if (this.#waiting_bytes >= limits.terminal_frame_bytes_max) this.#flush();
  }

  #gather(): void {
    this.#cancelGather = this.#clock.after(GATHER_MS, () => {
      this.#cancelGather = null;
      if (this.#waiting_bytes === 0) return;
      this.#flush();
      this.#gather();
    });
  }

  #tell(message: TerminalMessage): void {
    this.#socket.send(JSON.stringify(message));
  }

  #flush(): void {
    if (this.#waiting_bytes === 0) return;
    const data = this.#waiting.length === 1 ? this.#waiting[0]! : Buffer.concat(this.#waiting);
    this.#waiting = [];
    this.#waiting_bytes = 0;
    this.#send(data);
  }

  #send(data: Buffer): void {
    for (let at = 0; at < data.length; at += limits.terminal_frame_bytes_max) {
      this.#socket.send(data.subarray(at, at + limits.terminal_frame_bytes_max));
    }
    this.#sent_bytes += data.length;
  }
}
