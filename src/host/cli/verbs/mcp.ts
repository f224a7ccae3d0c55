/**
 * `aether mcp --as NAME`: the aether_* tools for an MCP client outside (Claude Code, Codex, Cursor, …). Finds or
 * starts the host, then becomes the bridge: stdout belongs to MCP, everything for people goes to stderr.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import type { ControlClient } from '../../control/client.ts';
import { AetherError } from '../../errors.ts';
import { asName, NAME, NAME_RULE } from '../../names.ts';
import { cutText } from '../../text.ts';
import { ensureHost } from '../detached-host.ts';
import { isInsideRun } from '../inside-run.ts';
import { hostSockets, type Invocation, requireConfig, userInvocation } from '../invocation.ts';
import { printError } from '../output.ts';
import { runWithoutInspector } from '../own-node.ts';
import { type CliCommand, declareVerb, globalsOf } from '../verb.ts';

export const commands: CliCommand[] = [{ names: ['mcp'], place: 170, register: registerMcp }];

/** A host that was started for clients ends so long after the last one left. */
const IDLE_EXIT_MS = 10 * 60_000;
/** Between the loss of a host and the look for another: the one that replaces it may be starting. */
const AGAIN_MS = 1_000;

function registerMcp(program: Command): void {
  declareVerb(program, {
    usage: 'mcp',
    summary: 'serve the aether_* tools over stdio to one MCP client, as client:NAME',
    examples: ['claude mcp add aether -- npx -y aether-host mcp --as claude'],
    state: '.aether/ beside -f FILE, otherwise your own',
    notes: [
      'The state is the user’s own ($XDG_STATE_HOME/aether, otherwise ~/.local/state/aether) unless -f or --state',
      'names another. A host is started when none runs, and ends by itself when it has nothing to do. With -f that',
      'host is the one of the fleet: its agents are started as by `aether up --detach`, and stay.',
    ],
  })
    .requiredOption('--as <name>', `how the other agents see this client: ${NAME_RULE}`)
    .action(async (options: { as: string }, command: Command) => {
      refuseInsideARun();
      checkName(options.as);
      runWithoutInspector();
      const invoked = userInvocation(globalsOf(command));
      if (invoked.configNamed) requireConfig(invoked);
      const host = await ensure(invoked);
      keepAlive(invoked, host);
      becomeBridge((await hostSockets(invoked.stateDir)).client, options.as);
    });
}

/** A second fence: the host refuses by the peer itself, but an agent that asks deserves the reason. */
function refuseInsideARun(): void {
  if (!isInsideRun()) return;
  throw new AetherError({
    code: 'mcp.inside-run',
    who: 'agent',
    message: 'This process belongs to an agent that Aether runs; it already has its own aether_* tools.',
    next: 'Use the MCP server named "aether" that the agent was started with.',
  });
}

function checkName(name: string): void {
  if (NAME.test(name)) return;
  throw new AetherError({
    code: 'usage.client-name',
    who: 'user',
    message: `${JSON.stringify(cutText(name, { chars_max: 80 }))} cannot be the name of a client.`,
    next: `It takes ${NAME_RULE}: --as ${asName(name) ?? 'claude'}.`,
  });
}

async function ensure(invoked: Invocation): Promise<ControlClient> {
  const { client } = await ensureHost(invoked, {
    configFile: invoked.configNamed ? invoked.configFile : null,
    idleExit_ms: IDLE_EXIT_MS,
    asked: false,
  });
  return client;
}

/** The bridge waits for a host and connects again by itself; that there is one to wait for is our part. */
function keepAlive(invoked: Invocation, host: ControlClient): void {
  void (async () => {
    let current = host;
    for (;;) {
      // When the client is done with the bridge, this must not hold it back.
      current.unref();
      // A host with a fleet is started by its operator, not by a client.
      if ((await current.call('info')).configFile !== null) return;
      await current.closed();
      await sleep(AGAIN_MS);
      current = await ensure(invoked);
    }
  })().catch(printError);
}

function becomeBridge(socket: string, name: string): void {
  const built = fileURLToPath(new URL('../../../mcp-tools/bridge/main.cjs', import.meta.url));
  const program = existsSync(built) ? built : built.replace(/cjs$/, 'cts');
  process.argv = [process.execPath, program, socket, '--client', name];
  createRequire(import.meta.url)(program);
}
