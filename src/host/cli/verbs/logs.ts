/** `aether logs`: what an agent said and did, from the event log; of a plain command, what it printed. */
import type { Command } from 'commander';
import type { AgentView, EventView } from '../../api.ts';
import type { ControlClient } from '../../control/client.ts';
import { AetherError } from '../../errors.ts';
import { ExitCode } from '../exit-codes.ts';
import { type Hint, hintFor } from '../hints.ts';
import { onInterrupt } from '../interrupt.ts';
import { invocation, withHost } from '../invocation.ts';
import { note, paint, print, room } from '../output.ts';
import { TerminalFilter } from '../terminal-filter.ts';
import { oneLine } from '../text.ts';
import { clientOf, eventLines, shownTopics } from '../transcript.ts';
import { type CliCommand, declareVerb, globalsOf } from '../verb.ts';

export const commands: CliCommand[] = [{ names: ['logs'], place: 60, register: registerLogs }];

interface LogsOptions {
  follow?: boolean;
  json?: boolean;
  last: string;
}

const LAST_MAX = 1_000;

function registerLogs(program: Command): void {
  declareVerb(program, {
    usage: 'logs [agent]',
    summary: "show an agent's transcript (all agents when none is named)",
    examples: [
      'aether logs researcher',
      'aether logs --follow researcher',
      'aether logs researcher --json --last 50',
    ],
  })
    .option('-F, --follow', 'go on with what comes, until Ctrl-C')
    .option('--json', 'one event per line, as it was recorded')
    .option('--last <n>', `the newest so many entries (at most ${LAST_MAX})`, '200')
    .action(async (agent: string | undefined, options: LogsOptions, command: Command) => {
      const invoked = invocation(globalsOf(command));
      await withHost(invoked, async (client) => {
        const view = agent === undefined ? null : await client.call('agent', { agent: agent });
        // A plain command has no events of its own saying: its terminal is its transcript.
        if (view !== null && !view.can.turns && !options.json) {
          // Without a pid nothing prints: then it is what it printed last.
          if (view.pid === null) await printedLast(client, view);
          else await terminalText(client, view.name, options.follow ?? false);
        } else await events(client, agent, options, hintFor(invoked));
      });
    });
}

async function events(
  client: ControlClient,
  agent: string | undefined,
  options: LogsOptions,
  hint: Hint,
): Promise<void> {
  const last = Number(options.last);
  if (!Number.isInteger(last) || last < 0 || last > LAST_MAX) {
    throw new AetherError({
      code: 'usage.last',
      who: 'user',
      message: `--last is a number from 0 to ${LAST_MAX}, not ${options.last}.`,
      next: 'Leave it out for the newest 200 events.',
    });
  }
  const stream = client.stream('logs', {
    last,
    follow: options.follow ?? false,
    ...(agent === undefined ? {} : { agent }),
    // What is not shown is not counted either.
    ...(options.json ? {} : { topics: shownTopics() }),
  });
  const restore = onInterrupt(() => {
    process.exitCode = ExitCode.interrupted;
    stream.cancel();
  });
  try {
    for await (const event of stream) {
      if (options.json) print(JSON.stringify(event));
      else printEvent(event, agent === undefined, hint);
      await room();
    }
  } finally {
    restore();
  }
}

function printEvent(event: EventView, named: boolean, hint: Hint): void {
  const time = paint('dim', new Date(event.at_ms).toTimeString().slice(0, 8));
  const name = event.agent ?? clientOf(event);
  const who = named && name !== null ? `${paint('bold', oneLine(name))} ` : '';
  for (const line of eventLines(event, hint)) print(`${time} ${who}${line}`);
}

async function printedLast(client: ControlClient, view: AgentView): Promise<void> {
  const { name, requested, requestedEvidence } = view;
  const bytes = Buffer.from(await client.call('lastTerminal', { agent: name }), 'base64');
  process.stdout.write(new TerminalFilter(true).push(bytes));
  const again = requested === null ? '' : ` (${oneLine(`${requested}: ${requestedEvidence?.what}`)})`;
  note(
    `${oneLine(name)} does not run${again}; ${bytes.length > 0 ? 'this is what it printed last' : 'it has printed nothing'}.`,
  );
}

async function terminalText(client: ControlClient, name: string, follow: boolean): Promise<void> {
  const stream = client.stream('attach', { agent: name });
  const restore = onInterrupt(() => {
    process.exitCode = ExitCode.interrupted;
    stream.cancel();
  });
  try {
    const filter = new TerminalFilter(true);
    for await (const item of stream) {
      if (item.kind !== 'reset') {
        process.stdout.write(filter.push(Buffer.from(item.data, 'base64')));
      }
      await room();
      if (!follow) return;
    }
  } finally {
    restore();
  }
}
