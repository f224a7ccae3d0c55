/**
 * What a bridge and the host say to each other over a run socket (or the client socket), one line each.
 *
 * Bridge → host, first line of every connection: `BridgeHello` as JSON.
 * Then, per JSON-RPC message from the engine: `<sequence> <settled> <json>`, where `sequence` numbers this
 * instance's messages from 1 without gaps and every sequence ≤ `settled` has been answered (its receipt may be
 * dropped). After a reconnect the bridge sends its saved `initialize` (legacy era) and then every unanswered
 * request again under its old sequence: the host answers what it has done from the receipt, and does the rest.
 * Host → bridge: bare JSON-RPC lines.
 */
export const BRIDGE_PROTOCOL = 1;

export interface BridgeHello {
  aether: 'bridge';
  protocol: number;
  /** Unique per bridge process. */
  instance: string;
  /** True on every connection after the first of this instance. */
  resumed: boolean;
  /** Client socket only: the client's own name; the principal becomes `client:NAME`. */
  client?: string;
}
