/**
 * Inside the gateway: no connection to another program is made until it is let go. After a start the gateway goes on by
 * itself with what the one before it was doing: turns that were cut off, reports of subagents, summaries. Hooks do not see
 * all of these; each of them needs a connection to a model, and none is pooled when a process has just begun.
 */
import { Socket } from 'node:net';

type Connect = (this: Connecting, ...args: unknown[]) => Socket;
type Connecting = Socket & { connecting: boolean };

/** @param own the port of this process, to which it may always connect. @returns what lets go */
export function withholdConnections(own: number | null): () => void {
  const prototype = Socket.prototype as unknown as { connect: Connect };
  const { connect } = prototype;
  let waiting: (() => void)[] | null = [];
  prototype.connect = function (...args) {
    if (waiting === null || isLocal(args, own)) return connect.apply(this, args);
    waiting.push(() => {
      if (!this.destroyed) connect.apply(this, args);
    });
    // What is written to it meanwhile waits.
    this.connecting = true;
    return this;
  };
  return () => {
    const all = waiting ?? [];
    waiting = null;
    for (const go of all) go();
  };
}

/** A unix socket, or a port of its own. */
function isLocal(args: unknown[], own: number | null): boolean {
  // Node passes on what it has put in order as a list of its own.
  const [first] = Array.isArray(args[0]) ? (args[0] as unknown[]) : args;
  if (typeof first === 'object' && first !== null) {
    const { path, port } = first as { path?: unknown; port?: unknown };
    return typeof path === 'string' || (own !== null && Number(port) === own);
  }
  return Number.isNaN(Number(first)) || (own !== null && Number(first) === own);
}
