/**
 * What the shim and the egress proxy of a run say to each other, over the IPC channel that Node opens between a
 * parent and its child. A connection of the agent travels with the message `serve`; the proxy answers with what it
 * decided. Types only.
 */

/** Where a run may connect to. */
export interface EgressPolicy {
  /** Rules as written in the configuration (`src/host/egress/rules.ts`). `*`: every public address. */
  allow: string[];
  /** The same with another owner: what the engine needs for its model. */
  model: string[];
}

/** A proxy of the operator’s, through which one gets out. */
export interface Upstream {
  host: string;
  port: number;
  tls: boolean;
  /** Value of Proxy-Authorization; secret. */
  authorization: string | null;
}

export interface Upstreams {
  /** For CONNECT, and for requests with a whole URL. */
  tunnel: Upstream | null;
  plain: Upstream | null;
  /** Entries of NO_PROXY. */
  direct: string[];
}

/** Shim → proxy. Over this channel and not in its environment, which the kernel shows to other processes of the user. */
export type ToProxy =
  | { kind: 'policy'; policy: EgressPolicy; upstreams?: Upstreams }
  /** With the accepted socket as its handle. */
  | { kind: 'serve' };

/** Why a target was refused. */
export type RefusalReason = 'not-listed' | 'address' | 'unresolved' | 'unreachable' | 'malformed' | 'busy';

/** One decision of the proxy, with how often it was taken since it was last told. */
export interface EgressDecision {
  outcome: 'reached' | 'refused';
  /** As it was normalised; what could not be normalised is cut and printable. */
  host: string;
  /** 0 where the target has none. */
  port: number;
  reason?: RefusalReason;
  /** The address that was not let through. */
  address?: string;
  count: number;
}

/** Proxy → shim. */
export type FromProxy = { kind: 'decided'; decisions: EgressDecision[] };
