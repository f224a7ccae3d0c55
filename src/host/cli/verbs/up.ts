/** `aether up`: starts the fleet of the configuration and keeps it running. */
import { realpathSync } from 'node:fs';
import type { Command } from 'commander';
import type { AgentView } from '../../api.ts';
import type { ControlClient } from '../../control/client.ts';
import { AetherError } from '../../errors.ts';
import { ensureHost } from '../detached-host.ts';
import { engineOffer } from '../engine-offer.ts';
import { ExitCode } from '../exit-codes.ts';
import { followFeed } from '../feed.ts';
import { frontDoor } from '../front-door.ts';
import { completed, type Hint, hintFor, programName } from '../hints.ts';
import { onInterrupt } from '../interrupt.ts';
import { connectHost, findHost, type Invocation, invocation, requireConfig, version } from '../invocation.ts';
import { note, paint, print, printError, warn, whenOutputGone } from '../output.ts';
import { runOnHostNode } from '../own-node.ts';
import type { RunningHost } from '../running-host.ts';
import { sandboxLines } from '../sandbox-lines.ts';
import { applyAndSettle, crash, failure, SETTLE_MS, settlesIn } from '../settle.ts';
import { oneLine } from '../text.ts';
import { type CliCommand, declareVerb, globalsOf } from '../verb.ts';
import { bringDown } from './down.ts';
import { startHost } from './host.ts';

export const commands: CliCommand[] = [{ names: ['up'], place: 30, register: registerUp }];

function registerUp(program: Command): void {
  declareVerb(program, {
    usage: 'up',
    summary: 'start the agents of the configuration and keep them running; Ctrl-C stops them',
    examples: ['aether up', 'aether up --detach', 'aether up -f fleet.yaml --state /var/lib/aether'],
    notes: ['If a host runs already, it gets the configuration as it is now, and its events are shown.'],
  })
    .option(
      '-d, --detach',
      'return once each agent has started or failed; the host goes on in the background',
    )
    .action(async (options: { detach?: boolean }, command: Command) => {
      const invoked = invocation(globalsOf(command));
      requireConfig(invoked);
      if (options.detach) await detached(invoked);
      else await foreground(invoked);
    });
}

async function detached(invoked: Invocation): Promise<void> {
  const hint = hintFor(invoked);
  const { client, started } = await ensureHost(invoked, {
    configFile: invoked.configFile,
    idleExit_ms: null,
    asked: true,
  });
  try {
    if (!started) await sameConfig(client, invoked);
    const agents = await applyAndSettle(client);
    const outcomes = agents.map((view) => outcome(view, hint));
    for (const { line } of outcomes) print(line);
    for (const line of sandboxLines(agents)) print(completed(line));
    await greet(client, started ? 'runs in the background' : 'was running already');
    print(`Stop agents and host with: ${hint('down')}`);
    if (outcomes.some(({ ok }) => !ok)) process.exitCode = ExitCode.failed;
  } finally {
    client.close();
  }
}

async function foreground(invoked: Invocation): Promise<void> {
  const hint = hintFor(invoked);
  const existing = await findHost(invoked);
  if (existing) {
    await sameConfig(existing, invoked).catch((error: unknown) => {
      existing.close();
      throw error;
    });
    await follow(existing, null, hint);
    return;
  }
  runOnHostNode();
  const ready = Promise.withResolvers<void>();
  const own = startHost({
    configFile: invoked.configFile,
    stateDir: invoked.stateDir,
    asked: true,
    onReady: () => ready.resolve(),
  });
  own.catch((error: unknown) => ready.reject(error));
  try {
    await ready.promise;
  } catch (error) {
    // Another host was faster: this one follows it.
    if (!(error instanceof AetherError && error.code === 'host.running')) throw error;
    await follow(await connectHost(invoked), null, hint);
    return;
  }
  await follow(await connectHost(invoked), own, hint);
}

/**
 * Shows what happens, and brings it down on Ctrl-C.
 * @param own the host in this process, which applies the configuration by itself; null: another's.
 */
async function follow(client: ControlClient, own: Promise<RunningHost> | null, hint: Hint): Promise<void> {
  const feed = followFeed(client, own !== null, hint);
  let ending: Promise<void> | null = null;
  const end = () => {
    ending ??= bringDown(client).catch(complain);
  };
  // The window was closed, or its output is no longer read: where the host is this process, it ends as by Ctrl-C.
  const restoreOutput = own === null ? () => {} : whenOutputGone(end);
  const restore = onInterrupt((count) => {
    if (count === 1) {
      note('Stopping the agents … (Ctrl-C again kills them)');
      end();
    } else if (count === 2) void killAll(client).catch(complain);
    else process.exit(ExitCode.interrupted);
  });
  try {
    await greet(client, own ? 'runs here' : 'was running already');
    print('Ctrl-C stops the agents (`up --detach` leaves them running).');
    if (own) {
      const running = await own.catch(async (error: unknown) => {
        // Its doors are open, so it is ended like any other.
        await bringDown(client).catch(complain);
        throw error;
      });
      await startingHints(client, hint).catch((error: unknown) => ending ?? complain(error));
      process.exitCode ||= await running.stopped;
      // What it said last is still on its way through the socket, which it has closed.
      await feed.ended;
    } else {
      client
        .call('apply')
        .then(async (plan) => {
          plan.warnings.forEach(warn);
          await startingHints(client, hint);
        })
        .catch((error: unknown) => ending ?? complain(error));
      await client.closed();
    }
    await ending;
  } finally {
    restore();
    restoreOutput();
    feed.stop();
    client.close();
  }
}

function complain(error: unknown): void {
  printError(error);
  process.exitCode = ExitCode.failed;
}

/** Those that cannot be killed have ended meanwhile; a host that has gone away has nothing left to kill. */
async function killAll(client: ControlClient): Promise<void> {
  const agents = await client.call('agents').catch((error: unknown) => {
    if (error instanceof AetherError && error.code === 'control.lost') return [];
    throw error;
  });
  await Promise.allSettled(
    agents
      .filter((view) => view.verbs.kill === null)
      .map((view) => client.call('kill', { agent: view.name })),
  );
}

/** @throws AetherError `usage.other-config` when the host of this state directory runs another file. */
async function sameConfig(client: ControlClient, invoked: Invocation): Promise<void> {
  const { configFile } = await client.call('info');
  if (configFile !== null && realpathSync(configFile) === realpathSync(invoked.configFile)) return;
  throw new AetherError({
    code: 'usage.other-config',
    who: 'user',
    message: `The host of ${invoked.stateDir} runs ${configFile ?? 'without a configuration'}, not ${invoked.configFile}.`,
    next: 'Bring that host down first (`aether down`), or give this fleet a state directory of its own (--state DIR).',
  });
}

/** The outcome in a line; `ok` is false where it does not run although it should. */
function outcome(view: AgentView, hint: Hint): { ok: boolean; line: string } {
  const name = oneLine(view.name);
  const why = failure(view);
  if (why !== null) return { ok: false, line: completed(oneLine(`${name} failed: ${why}`), hint) };
  if (view.wanted === 'stopped') return { ok: true, line: `${name} is stopped (${hint(`start ${name}`)})` };
  const how = crash(view) ?? `is still ${view.state}`;
  if (settlesIn(view, false, Date.now()) > 0)
    return { ok: false, line: oneLine(`${name} ${how} after ${SETTLE_MS / 1_000} s; it is tried again`) };
  return { ok: true, line: `${name} is ${view.state}${view.pid === null ? '' : ` (pid ${view.pid})`}` };
}

async function greet(client: ControlClient, how: string): Promise<void> {
  const info = await client.call('info');
  print(paint('bold', `Aether ${version()} ${how} (pid ${info.pid}, state in ${info.stateDir})`));
  if (info.console !== null) print(`Console: ${paint('cyan', await client.call('consoleLink'))}`);
  if (info.configProblem) warn(`${info.configProblem.message} ${info.configProblem.next}`);
}

/** Which sandboxes they are in. Who watches recordings is told what else there could be, and how to begin one again that goes on at its end. */
async function startingHints(client: ControlClient, hint: Hint): Promise<void> {
  const agents = await client.call('agents');
  for (const line of sandboxLines(agents)) print(completed(line));
  const recorded = agents.filter((view) => view.model?.startsWith('replay:'));
  if (recorded.length === 0) return;
  const { detectRuntimes } = await frontDoor();
  print(engineOffer(await detectRuntimes(), programName()));

  const { started_ms } = await client.call('info');
  const begun = new Set<string>();
  const starts = client.stream('logs', { topics: ['run.starting'], last: 1_000, follow: false });
  for await (const { at_ms, agent, topic, data } of starts)
    if (topic === 'run.starting' && agent !== null && at_ms >= started_ms && !data.resumed) begun.add(agent);
  const names = recorded
    .filter((view) => view.state === 'running' && !begun.has(view.name))
    .map((view) => oneLine(view.name));
  if (names.length === 0) return;
  const [who, those] =
    names.length === 1
      ? [`${names[0]} goes on with its`, 'it']
      : [`${names.join(', ')} go on with their`, 'them'];
  print(
    `${who} recorded conversation where it was. Begin ${those} again with: ${hint(`restart ${names.join(' ')} --fresh`)}`,
  );
}
