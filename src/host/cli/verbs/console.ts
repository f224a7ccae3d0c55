/** `aether console`: a fresh one-time link into the web console. */
import type { Command } from 'commander';
import { invocation, withHost } from '../invocation.ts';
import { print } from '../output.ts';
import { type CliCommand, declareVerb, globalsOf } from '../verb.ts';

export const commands: CliCommand[] = [{ names: ['console'], place: 160, register: registerConsole }];

function registerConsole(program: Command): void {
  declareVerb(program, {
    usage: 'console',
    summary: 'print a one-time link that logs a browser in to the console',
    examples: ['aether console', 'xdg-open "$(aether console)"'],
  }).action(async (_options: unknown, command: Command) => {
    await withHost(invocation(globalsOf(command)), async (client) => print(await client.call('consoleLink')));
  });
}
