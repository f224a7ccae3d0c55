/**
 * The control socket: operators only, JSON lines. A request names a verb of HostApi; streams answer with any
 * number of `event` lines before the `ok` line. Types only: the CLI imports this and nothing of the host.
 */
import type { WireError } from '../errors.ts';

export const CONTROL_PROTOCOL = 1;

export interface ControlRequest {
  id: number;
  verb: string;
  args: unknown[];
}

export type ControlReply =
  | { id: number; ok: unknown }
  | { id: number; error: WireError }
  /** One item of a stream. */
  | { id: number; event: unknown };

/** Host → client, first line of a connection. */
export interface ControlHello {
  aether: 'control';
  protocol: number;
  version: string;
  pid: number;
}
