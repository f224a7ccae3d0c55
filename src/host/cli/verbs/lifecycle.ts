/** `aether start|stop|kill|restart`: one agent or several, in the order given. */
import type { Command } from 'commander';
import type { AgentView } from '../../api.ts';
import type { ControlClient } from '../../control/client.ts';
import { ExitCode, exitCodeOf } from '../exit-codes.ts';
import { completed } from '../hints.ts';
import { invocation, withHost } from '../invocation.ts';
import { print, printError } from '../output.ts';
import { oneLine } from '../text.ts';
import { type CliCommand, declareVerb, globalsOf } from '../verb.ts';

export const commands: CliCommand[] = [
  { names: ['start', 'stop', 'kill', 'restart'], place: 100, register: registerLifecycle },
];

export type Act = (client: ControlClient, name: string) => Promise<AgentView>;

function registerLifecycle(program: Command): void {
  declareVerb(program, {
    usage: 'start <agent...>',
    summary: 'start agents; an earlier conversation is continued',
    examples: ['aether start researcher', 'aether start researcher --fresh --goal "Read NOTES.md first"'],
  })
    .option('--fresh', 'begin a new conversation')
    .option('--goal <text>', 'what it is to do, instead of the goal in the configuration')
    .action((names: string[], options: { fresh?: boolean; goal?: string }, command: Command) =>
      forEachAgent(command, names, (client, name) =>
        client.call('start', {
          agent: name,
          ...(options.fresh ? { fresh: true } : {}),
          ...(options.goal === undefined ? {} : { goal: options.goal }),
        }),
      ),
    );

  declareVerb(program, {
    usage: 'stop <agent...>',
    summary: 'stop agents politely, with everything they started; they stay stopped until `aether start`',
    examples: ['aether stop researcher'],
  }).action((names: string[], _options: unknown, command: Command) =>
    forEachAgent(command, names, (client, name) => client.call('stop', { agent: name })),
  );

  declareVerb(program, {
    usage: 'kill <agent...>',
    summary: 'end agents at once (SIGKILL), with everything they started',
    examples: ['aether kill researcher'],
  }).action((names: string[], _options: unknown, command: Command) =>
    forEachAgent(command, names, (client, name) => client.call('kill', { agent: name })),
  );

  declareVerb(program, {
    usage: 'restart <agent...>',
    summary: 'stop and start agents; the conversation goes on',
    examples: ['aether restart researcher', 'aether restart researcher --fresh'],
  })
    .option('--fresh', 'begin a new conversation')
    .action((names: string[], options: { fresh?: boolean }, command: Command) =>
      forEachAgent(command, names, (client, name) =>
        client.call('restart', { agent: name, ...(options.fresh ? { fresh: true } : {}) }),
      ),
    );
}

/** One that fails does not keep the others from being done; the exit code tells. */
export async function forEachAgent(
  command: Command,
  names: string[],
  act: Act,
  say: (view: AgentView) => string = describe,
): Promise<void> {
  await withHost(invocation(globalsOf(command)), async (client) => {
    for (const name of names) {
      try {
        const view = await act(client, name);
        print(say(view));
        if (view.state === 'failed') process.exitCode = ExitCode.failed;
      } catch (error) {
        printError(error);
        process.exitCode = exitCodeOf(error);
      }
    }
  });
}

function describe(view: AgentView): string {
  const pid = view.pid === null ? '' : `, pid ${view.pid}`;
  const why = view.problem ? `: ${view.problem.message} ${view.problem.next}` : '';
  return completed(oneLine(`${view.name} is ${view.state}${pid}${why}`));
}
