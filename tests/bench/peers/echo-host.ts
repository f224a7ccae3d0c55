/**
 * The product's own door with one tool behind it, in a process of its own as a host is: what a call costs by the
 * way through bridge, socket, peer check and tool server, without what a real tool does.
 *
 * Of this checkout, also with --root: dist/ holds programs, not modules.
 *
 *   node echo-host.ts SOCKET
 */
import { z } from 'zod';
import type { Call } from '../../../src/host/ledger/call.ts';
import { defineTool, type ToolLedger } from '../../../src/mcp-tools/tool.ts';
import { openRunDoor } from '../../../src/mcp-tools/transports/run-door.ts';

const [, , socketPath] = process.argv as [string, string, string];

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

// No check and no record: the way to a tool is measured.
const ledger = {
  call: (caller: Call, _tool: unknown, effect: { run(nouns: object, call: Call): unknown }) =>
    effect.run({}, caller),
} as unknown as ToolLedger;
const silent = () => undefined;
await openRunDoor({
  ledger,
  version: '0.0.0',
  socketPath,
  agent: 'bench',
  run: 'r-bench',
  grants: () => null,
  admit: (peer) => peer.uid === process.getuid!() || 'it belongs to another user',
  report: silent,
  log: { info: silent, warn: console.warn, error: console.error },
  tools: [echo],
});
process.stdin.on('end', () => process.exit(0)).resume();
process.stdout.write('ready\n');
