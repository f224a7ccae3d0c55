/**
 * The product's own door with one tool behind it, in a process of its own as a host is: what a call costs by the
 * way through bridge, socket, peer check and tool server, without what a real tool does.
 *
 *   node echo-host.mjs DIST SOCKET
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';

const [, , dist, socketPath] = process.argv;
const load = (path) => import(pathToFileURL(join(dist, path)).href);
const { openRunDoor } = await load('mcp-tools/transports/run-door.js');
const { defineTool } = await load('mcp-tools/tool.js');

const echo = defineTool({
  name: 'echo',
  title: 'Echo',
  description: 'Returns the text.',
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  input: z.strictObject({ text: z.string() }),
  output: z.object({ text: z.string() }),
  order: 1,
  kind: 'read',
  effect: (_nouns, _call, { text }) => ({ text }),
});

const silent = () => undefined;
await openRunDoor({
  ledger: { call: (caller, _tool, effect) => effect.run({}, caller) },
  version: '0.0.0',
  socketPath,
  agent: 'bench',
  run: 'r-bench',
  grants: () => null,
  admit: (peer) => peer.uid === process.getuid() || 'it belongs to another user',
  report: silent,
  log: { info: silent, warn: console.warn, error: console.error },
  tools: [echo],
});
process.stdin.on('end', () => process.exit(0)).resume();
process.stdout.write('ready\n');
