/**
 * The egress proxy as a process of its own, a child of the run's shim. It reads what an agent sends, so it is not the
 * process that holds the run, its journal and its secrets; it holds no state, so one that fails is started again. The
 * shim accepts the connections and hands them over whole: their bytes pass this process alone, and a host that dies
 * breaks none of them.
 */
import type { Socket } from 'node:net';
import { messageOf } from '../../errors.ts';
import type { FromProxy, ToProxy } from '../egress-protocol.ts';
import { caps } from './caps.ts';
import { Decisions } from './decisions.ts';
import { EgressProxy } from './proxy.ts';

const tell = (message: FromProxy) => {
  if (process.connected) process.send?.(message);
};

const decisions = new Decisions(caps, (told) => tell({ kind: 'decided', decisions: told }));
const proxy = new EgressProxy(decisions);

process.title = 'aether-egress';
process.on('message', (message: ToProxy, socket?: Socket) => {
  if (message.kind === 'policy') {
    proxy.policy = message.policy;
    if (message.upstreams !== undefined) proxy.upstreams = message.upstreams;
  } else if (socket !== undefined) proxy.serve(socket);
});
// The shim is gone, and the run with it.
process.on('disconnect', () => process.exit(0));
// One connection's failure is not the others'.
process.on('uncaughtException', (error) => console.error(messageOf(error)));
process.on('unhandledRejection', (error) => console.error(messageOf(error)));
for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);
