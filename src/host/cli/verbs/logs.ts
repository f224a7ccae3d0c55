/**
 * `aether logs`: what an agent said and did, from the event log; of a plain command, what it printed. Where no host
 * runs, from what its state directory has recorded.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type Command, Option } from 'commander';
import type { AgentView } from '../../api.ts';
import type { ControlClient } from '../../control/client.ts';
import { AetherError } from '../../errors.ts';
import type { Recorded } from '../../recorded.ts';
import { ExitCode } from '../exit-codes.ts';
import { recordedIn } from '../front-door.ts';
import { hintFor } from '../hints.ts';
import { isInsideRun } from '../inside-run.ts';
import { onInterrupt } from '../interrupt.ts';
import { connectHost, type Invocation, invocation } from '../invocation.ts';
import { type EventLog, filterOf, printEvent, printPast } from '../log-events.ts';
import { type LogFilter, type LogOptions, logFilterOf } from '../log-options.ts';
import { OutputLog } from '../log-output.ts';
import { note } from '../output.ts';
import { oneLine } from '../text.ts';
import { type CliCommand, declareVerb, globalsOf } from '../verb.ts';

export const commands: CliCommand[] = [{ names: ['logs'], place: 60, register: registerLogs }];

/** How often the end of a journal is looked at. */
const LOOK_MS = 200;

function registerLogs(program: Command): void {
  declareVerb(program, {
    usage: 'logs [agent]',
    summary: "show an agent's transcript, or what a command printed (all agents when none is named)",
    examples: [
      'aether logs researcher',
      'aether logs -f researcher',
      'aether logs builder --since 1h --grep "error|warn" -t',
      'aether logs researcher --json --tail 50',
    ],
    notes: [
      'Times: an age (90s, 10m, 2h, 1d), a date or moment (2026-11-27T14:05), seconds since 1970.',
      'It works without a host, and for agents that were removed. The lines of --json: docs/logs.md.',
    ],
    ownF: true,
  })
    .option('-f, --follow', 'continue with new output, until Ctrl-C')
    .addOption(new Option('-F').hideHelp())
    .option('-n, --tail <n>', 'the newest N, or all (default: 200; with --since, --until or --grep all)')
    .addOption(new Option('--last <n>').hideHelp())
    .option('--since <time>', 'from this time on')
    .option('--until <time>', 'up to this time')
    .option(
      '--grep <pattern>',
      'lines that match this regular expression; case counts if it has a capital letter',
    )
    .option('-t, --timestamps', 'each line with its time (UTC)')
    .option('--raw', 'of a command: as it was printed, with carriage returns and colours')
    .option('--json', 'one event per line, as it was recorded')
    .allowExcessArguments()
    .action((_agent: string | undefined, options: LogOptions & { F?: boolean }, command: Command) => {
      const { agent, file } = namesOf(command);
      const invoked = invocation({ ...globalsOf(command), ...(file === undefined ? {} : { file }) });
      const follow = file === undefined ? options.follow || options.F : options.F;
      return logs(invoked, agent, logFilterOf({ ...options, follow: follow ?? false }, Date.now()));
    });
}

/** `-f FILE`, as it is written with the other commands, still names the configuration. */
function namesOf(command: Command): { agent: string | null; file?: string } {
  const [first, ...more] = command.args;
  if (first !== undefined && /\.ya?ml$/.test(first) && command.opts<LogOptions>().follow && more.length < 2)
    return { agent: more[0] ?? null, file: first };
  if (more.length > 0) command.error(`error: one agent or all of them, not ${command.args.length}`);
  return { agent: first ?? null };
}

async function logs(invoked: Invocation, agent: string | null, filter: LogFilter): Promise<void> {
  const client = await hostOrNull(invoked);
  const recorded = await recordedIn(invoked.stateDir);
  try {
    const view = client === null || agent === null ? null : await viewOf(client, agent, recorded);
    const turns = agent === null || (view?.can.turns ?? recorded?.hasTurns(agent) ?? true);
    if (agent !== null && view === null) requireKnown(agent, recorded, invoked);
    if (!turns && recorded !== null) await output(recorded, agent!, filter, view);
    else {
      const pages: EventLog['pages'] = (asked) =>
        client === null ? (recorded?.events(asked) ?? []) : client.call('events', asked);
      await events({ pages, agent, hint: hintFor(invoked) }, filter, client);
    }
    if (client === null && filter.follow && turns) note('No host runs: nothing follows.');
  } finally {
    recorded?.close();
    client?.close();
  }
}

/** Null where none runs and what it recorded can be read instead. @throws as `connectHost` otherwise */
async function hostOrNull(invoked: Invocation): Promise<ControlClient | null> {
  try {
    return await connectHost(invoked);
  } catch (error) {
    const absent = error instanceof AetherError && error.code === 'host.absent';
    // What a host refuses to an agent is not to be had by its death.
    if (!absent || isInsideRun()) throw error;
    const recorded = await recordedIn(invoked.stateDir);
    if (recorded === null) throw error;
    recorded.close();
    return null;
  }
}

/** Null for one that was removed and is still in the records. @throws AetherError `agent.unknown` */
async function viewOf(
  client: ControlClient,
  agent: string,
  recorded: Recorded | null,
): Promise<AgentView | null> {
  try {
    return await client.call('agent', { agent });
  } catch (error) {
    if (error instanceof AetherError && error.code === 'agent.unknown' && isRecorded(agent, recorded))
      return null;
    throw error;
  }
}

function isRecorded(agent: string, recorded: Recorded | null): boolean {
  if (recorded === null) return false;
  return recorded.runs(agent).length > 0 || recorded.events({ agent, last: true, limit: 1 }).length > 0;
}

function requireKnown(agent: string, recorded: Recorded | null, { stateDir }: Invocation): void {
  if (isRecorded(agent, recorded)) return;
  throw new AetherError({
    code: 'agent.unknown',
    who: 'user',
    message: `Nothing is recorded of an agent ${JSON.stringify(agent)} in ${stateDir}.`,
    next: '`aether logs` shows all that is recorded.',
  });
}

async function events(log: EventLog, filter: LogFilter, client: ControlClient | null): Promise<void> {
  if (client === null || !filter.follow) return printPast(log, filter);
  // Before the past is read: what is appended meanwhile is in both, and left out of what follows.
  const [end] = await client.call('events', { last: true, limit: 1 });
  let seen = 0;
  const pages: EventLog['pages'] = async (page) => {
    const found = await log.pages(page);
    seen = Math.max(seen, found.at(-1)?.seq ?? 0);
    return found;
  };
  await printPast({ ...log, pages }, filter);
  const { since_ms: _since, until_ms: _until, ...asked } = filterOf(log, filter);
  const stream = client.stream('follow', { ...asked, ...(end === undefined ? {} : { after: end.cursor }) });
  const restore = onInterrupt(() => {
    process.exitCode = ExitCode.interrupted;
    stream.cancel();
  });
  try {
    for await (const event of stream) if (event.seq > seen) await printEvent(event, log, filter);
  } finally {
    restore();
  }
}

async function output(
  recorded: Recorded,
  agent: string,
  filter: LogFilter,
  view: AgentView | null,
): Promise<void> {
  const log = new OutputLog(recorded, agent, filter);
  const past = await log.printPast();
  // Without a pid nothing prints: then it is what it printed last.
  if (view !== null && view.pid === null) {
    const { requested, requestedEvidence } = view;
    const again = requested === null ? '' : ` (${oneLine(`${requested}: ${requestedEvidence?.what}`)})`;
    const what = past.any ? 'this is what it printed last' : 'it has printed nothing';
    note(`${oneLine(agent)} does not run${again}; ${what}.`);
  }
  if (!filter.follow || (view !== null && view.pid === null && view.requested === null)) return;
  let stopped = false;
  const waiting = new AbortController();
  const restore = onInterrupt(() => {
    process.exitCode = ExitCode.interrupted;
    stopped = true;
    waiting.abort();
  });
  try {
    for (let place = past.place; !stopped; ) {
      place = await log.printOn(place);
      await delay(LOOK_MS, undefined, { signal: waiting.signal }).catch(() => undefined);
    }
  } finally {
    restore();
  }
}
