/**
 * The control socket: operators only, JSON lines. A request names a verb; streams answer with any number of
 * `event` lines before the `ok` line. Types and the version: the CLI imports this and loads nothing of the host.
 */
import type { WireError } from '../errors.ts';

/** 1 sent a list of arguments; 2 sends one object, the input of the verb. */
export const CONTROL_PROTOCOL = 2;

export interface ControlRequest {
  /** A positive integer, not in use on this connection. */
  id: number;
  /** Name of a verb, or `cancel` with the id of a stream of this connection. */
  verb: string;
  /** Left out: an empty object. */
  input?: unknown;
  /** What an action was decided on; left out: nothing was shown. */
  basis?: unknown;
}

export type ControlReply =
  | { id: number; ok: unknown }
  /** Id 0: the connection itself was refused or broken off. */
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
