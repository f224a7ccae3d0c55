/** `aether console`: a fresh one-time link into the web console. */
import type { Command } from 'commander';
import { invocation, withHost } from '../invocation.ts';
import { note, print } from '../output.ts';
import { type CliCommand, declareVerb, globalsOf } from '../verb.ts';

export const commands: CliCommand[] = [{ names: ['console'], place: 160, register: registerConsole }];

function registerConsole(program: Command): void {
  declareVerb(program, {
    usage: 'console',
    summary: 'print a one-time link that logs a browser in to the console',
    examples: ['aether console', 'xdg-open "$(aether console)"', 'aether console --plain'],
    notes: [
      'The name in the link is new at each start of the host: data that another program left in the browser has another name.',
      'Where a browser does not resolve names below .localhost, --plain gives an address that works everywhere.',
    ],
  })
    .option(
      '--plain',
      'with 127.0.0.1 instead of the name: programs that had the port before had the same address',
    )
    .action(async ({ plain }: { plain?: boolean }, command: Command) => {
      await withHost(invocation(globalsOf(command)), async (client) => {
        print(await client.call('consoleLink', plain ? { plain } : {}));
        note(
          plain
            ? 'Weaker: what a program that had this port before stored or registered in the browser applies to this address, too.'
            : 'If the browser does not find this name: `aether console --plain`.',
        );
      });
    });
}
