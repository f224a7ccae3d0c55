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
const { peerCredentials } = await load('host/process/peer.js');

const echo = defineTool({
  name: 'echo',
  title: 'Echo',
  description: 'Returns the text.',
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  input: z.strictObject({ text: z.string() }),
  output: z.object({ text: z.string() }),
  handler: (_host, _caller, { text }) => ({ text }),
});

const silent = () => undefined;
await openRunDoor({
  host: { info: () => ({ version: '0.0.0' }) },
  socketPath,
  agent: 'bench',
  run: 'r-bench',
  grants: () => null,
  admit: (socket) => peerCredentials(socket).uid === process.getuid() || 'it belongs to another user',
  log: { info: silent, warn: console.warn, error: console.error },
  tools: [echo],
});
process.stdin.on('end', () => process.exit(0)).resume();
process.stdout.write('ready\n');
