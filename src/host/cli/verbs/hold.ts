/** `aether hold`: holds an agent before its next tool or at the end of its turn, until `aether resume`. */
import type { Command } from 'commander';
import type { AgentView } from '../../api.ts';
import type { ControlClient } from '../../control/client.ts';
import { ExitCode } from '../exit-codes.ts';
import { onInterrupt } from '../interrupt.ts';
import { secondsOf } from '../seconds.ts';
import { oneLine } from '../text.ts';
import { type CliCommand, declareVerb } from '../verb.ts';
import { forEachAgent } from './lifecycle.ts';

export const commands: CliCommand[] = [{ names: ['hold'], place: 120, register: registerHold }];

function registerHold(program: Command): void {
  declareVerb(program, {
    usage: 'hold <agent...>',
    summary: 'hold agents before their next tool, or when their turn ends',
    examples: ['aether hold researcher', 'aether hold researcher --wait'],
    notes: [
      'No tool runs and no turn is begun until `aether resume`; messages wait. A tool that runs is finished first,',
      'and background processes keep running: `aether pause` freezes those too.',
    ],
  })
    .option('--wait', 'return once they are held')
    .option('--timeout <seconds>', 'how long to wait for that', '300')
    .action((names: string[], options: { wait?: boolean; timeout: string }, command: Command) => {
      const timeout_ms = secondsOf(options.timeout, 300) * 1_000;
      return forEachAgent(
        command,
        names,
        async (client, name) => {
          const asked = await client.call('hold', { agent: name });
          const view = options.wait ? await standing(client, asked, timeout_ms) : asked;
          if (options.wait && view.activity !== 'held') process.exitCode ||= ExitCode.failed;
          return view;
        },
        describeHold,
      );
    });
}

/** @returns its view once it stands still, or as it is when the time is up or the hold was taken back */
async function standing(client: ControlClient, asked: AgentView, timeout_ms: number): Promise<AgentView> {
  const changes = client.stream('followAgents');
  const timer = setTimeout(() => changes.cancel(), timeout_ms);
  const restore = onInterrupt(() => {
    process.exitCode = ExitCode.interrupted;
    changes.cancel();
  });
  let view = asked;
  try {
    for await (const { agents } of changes) {
      view = agents.find((agent) => agent.name === asked.name) ?? view;
      if (view.activity === 'held' || view.hold === null) break;
    }
    return view;
  } finally {
    clearTimeout(timer);
    restore();
    changes.cancel();
  }
}

function describeHold({ name, activity, activityEvidence, hold }: AgentView): string {
  const what = activityEvidence?.what ?? 'no evidence yet';
  if (activity === 'held') return oneLine(`${name} is held: ${what}`);
  return oneLine(
    hold === null ? `${name} is not held any more` : `${name} is asked to hold; now: ${activity} (${what})`,
  );
}
