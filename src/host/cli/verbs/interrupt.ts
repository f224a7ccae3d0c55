/** `aether interrupt`: the running turn is cancelled; the agent lives and takes the next message. */
import type { Command } from 'commander';
import { type CliCommand, declareVerb } from '../verb.ts';
import { forEachAgent } from './lifecycle.ts';

export const commands: CliCommand[] = [{ names: ['interrupt'], place: 110, register: registerInterrupt }];

function registerInterrupt(program: Command): void {
  declareVerb(program, {
    usage: 'interrupt <agent...>',
    summary: 'cancel the running turn; the conversation and unread messages are kept',
    examples: ['aether interrupt researcher'],
    notes: ['Gentler: `aether hold`. To stop the processes as well: `aether stop`.'],
  }).action((names: string[], _options: unknown, command: Command) =>
    forEachAgent(command, names, (client, name) => client.call('interrupt', { agent: name })),
  );
}
