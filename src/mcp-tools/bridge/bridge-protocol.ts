/**
 * What a bridge and the host say to each other over a run socket (or the client socket), one line each.
 *
 * Bridge → host, first line of every connection: `BridgeHello` as JSON.
 * Then, per JSON-RPC message from the engine: `<sequence> <settled> <json>`, where `sequence` numbers this
 * instance's messages from 1 (a notification that came while no host was there leaves a gap) and every sequence
 * ≤ `settled` has been answered, so that its receipt may be dropped; an open `subscriptions/listen` does not
 * count. After a reconnect the bridge sends its saved `initialize` (legacy era, under an id of its own if it has
 * been answered) and `notifications/initialized`, then every unanswered request again under its old sequence: the
 * host answers what it has done from the receipt, and does the rest.
 * Host → bridge: bare JSON-RPC lines; a response begins `{"jsonrpc":"2.0","id":…,`. A peer that is not admitted
 * gets one error line with `id: null` and `error.data.refused: true`, and the end of the connection.
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
