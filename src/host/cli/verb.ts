/** How every verb is declared: the same two options everywhere, an example in every --help. */
import type { Command } from 'commander';
import { nearest } from '../errors.ts';
import type { GlobalOptions } from './invocation.ts';

/** A command or several, as the file that has them exports them in its list `commands`. */
export interface CliCommand {
  /** What is typed. */
  names: string[];
  /** Where it stands in `aether --help`: in the order in which one meets them. */
  place: number;
  register(program: Command): void;
}

export interface VerbText {
  /** Name and arguments, as commander writes them: 'stop <agent...>'. */
  usage: string;
  summary: string;
  /** Shell lines, shown below --help. */
  examples: string[];
  /** Further lines below --help. */
  notes?: string[];
  /** Where the state directory is without --state; default: as for everything that is about a fleet. */
  state?: string;
  /** -f means something else here: the configuration is --file. */
  ownF?: boolean;
}

export function addGlobalOptions(
  command: Command,
  state = '.aether/ beside the file',
  ownF = false,
): Command {
  return command
    .option(`${ownF ? '' : '-f, '}--file <file>`, 'the configuration (default: ./aether.yaml)')
    .option('--state <dir>', `the state directory (default: $AETHER_HOME, then ${state})`);
}

export function declareVerb(parent: Command, text: VerbText): Command {
  const command = parent.command(text.usage).description(text.summary);
  const lines = [
    '',
    text.examples.length > 1 ? 'Examples:' : 'Example:',
    ...text.examples.map((example) => `  $ ${example}`),
    ...(text.notes ? ['', ...text.notes] : []),
  ];
  command.addHelpText('after', lines.join('\n'));
  command.showHelpAfterError(`See \`${pathOf(command)} --help\`.`);
  return addGlobalOptions(command, text.state, text.ownF);
}

function pathOf(command: Command): string {
  return command.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name();
}

/** Of a verb that has verbs of its own and does something without one: a misspelt one is told as one. */
export function refuseUnknownVerb(command: Command): void {
  const [word] = command.args;
  if (word !== undefined) unknownVerb(command, word);
}

/** Ends the command like any other wrong usage. */
export function unknownVerb(command: Command, word: string): never {
  const [near] = nearest(
    word,
    command.commands.map((one) => one.name()),
  );
  command.error(`error: unknown command '${word}'${near === undefined ? '' : `\n(Did you mean ${near}?)`}`);
}

/** -f and --state stand before the verb or after it; the one nearer to the verb wins. */
export function globalsOf(command: Command): GlobalOptions {
  const chain: Command[] = [];
  for (let at: Command | null = command; at; at = at.parent) chain.unshift(at);
  const merged: GlobalOptions = {};
  for (const { file, state } of chain.map((one) => one.opts<GlobalOptions>())) {
    if (file !== undefined) merged.file = file;
    if (state !== undefined) merged.state = state;
  }
  return merged;
}
