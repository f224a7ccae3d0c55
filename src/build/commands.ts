/** Lists the commands of the CLI: which file in cli/verbs/ declares what is typed. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { CliCommand } from '../host/cli/verb.ts';

const directory = fileURLToPath(new URL('../host/cli/verbs/', import.meta.url));

/** @throws Error when a file lists no command, or two list the same */
export async function makeCommandList(): Promise<string> {
  const found: { file: string; index: number; command: CliCommand }[] = [];
  for (const file of readdirSync(directory).sort()) {
    const { commands } = (await import(pathToFileURL(join(directory, file)).href)) as {
      commands?: CliCommand[];
    };
    if (commands === undefined) throw new Error(`cli/verbs/${file} exports no list \`commands\``);
    for (const [index, command] of commands.entries()) found.push({ file, index, command });
  }
  const names = found.flatMap(({ command }) => command.names);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`\`aether ${twice}\` is declared twice`);
  found.sort((a, b) => a.command.place - b.command.place || (a.file < b.file ? -1 : 1));
  const entries = found.map(({ file, index, command }) => {
    const list = command.names.map((name) => `'${name}'`).join(', ');
    return `  {\n    names: [${list}],\n    load: async () => (await import('./verbs/${file}')).commands[${index}]!,\n  },`;
  });
  return `/**
 * What is typed and the file that declares it, in the order of \`aether --help\`. Only that file is loaded: all of them
 * together are a third of what it takes to start. Written by \`npm run generate\`; not edited by hand.
 */
import type { CliCommand } from './verb.ts';

export const COMMANDS: readonly { names: string[]; load(): Promise<CliCommand> }[] = [
${entries.join('\n')}
];
`;
}
