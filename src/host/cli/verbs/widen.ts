/** `aether widen`: the operator trusts what others have said in the conversations of agents. */
import type { Command } from 'commander';
import type { AgentView } from '../../api.ts';
import { oneLine } from '../text.ts';
import { type CliCommand, declareVerb } from '../verb.ts';
import { forEachAgent } from './lifecycle.ts';

export const commands: CliCommand[] = [{ names: ['widen'], place: 135, register: registerWiden }];

function registerWiden(program: Command): void {
  declareVerb(program, {
    usage: 'widen <agent...>',
    summary: 'trust what other senders have said in the conversations of agents so far',
    examples: ['aether widen writer', 'aether widen writer --from agent:scout'],
    notes: [
      'An agent that has read mail, a message or a memory of another asks you before each call that the other could not',
      'make itself, for as long as that text is in its conversation; `aether ps` names such agents. This ends it, until',
      'they say more. `aether restart --fresh` begins a new conversation instead.',
    ],
  })
    .option('--from <senders...>', 'only what these have said, such as agent:scout or client:laptop')
    .action((names: string[], options: { from?: string[] }, command: Command) =>
      forEachAgent(
        command,
        names,
        (client, agent) =>
          client.call('widen', { agent, ...(options.from === undefined ? {} : { senders: options.from }) }),
        describeWidened,
      ),
    );
}

function describeWidened({ name, narrowedBy }: AgentView): string {
  return oneLine(
    narrowedBy.length === 0
      ? `${name} follows only you: its own rules apply`
      : `${name} still follows ${narrowedBy.join(', ')}`,
  );
}
