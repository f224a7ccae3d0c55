/**
 * The `aether` command. Every verb is a thin client of the control socket, except the three that work without a
 * host (init, plan, doctor) and the two that become one (up, host). Started by aether.cjs.
 */
import { Command, CommanderError } from 'commander';
import { COMMANDS } from './commands.ts';
import { ExitCode, exitCodeOf } from './exit-codes.ts';
import { hintFor, useHint } from './hints.ts';
import { invocation, userInvocation, version } from './invocation.ts';
import { printError, surviveClosedPipe } from './output.ts';
import { addGlobalOptions, globalsOf, unknownVerb } from './verb.ts';

const EPILOGUE = `
Exit codes: 0 done · 1 failed · 2 wrong usage or configuration · 3 no host is running · 130 interrupted
Begin with \`aether init\`, then \`aether plan\`, then \`aether up\`.`;

/** @param word the first argument; anything but a verb (an option, a misspelling, `help`) needs all of them */
async function buildProgram(word: string | undefined): Promise<Command> {
  const program = new Command('aether')
    .description(
      'Supervises AI agents as real processes, serves them aether_* tools, and lets you take over.',
    )
    .version(version(), '-V, --version')
    .enablePositionalOptions()
    .exitOverride()
    .showHelpAfterError('See `aether --help`.')
    .addHelpText('after', EPILOGUE)
    .helpCommand(false)
    .hook('preAction', (_program, verb) => {
      const options = globalsOf(verb);
      useHint(hintFor(verb.name() === 'mcp' ? userInvocation(options) : invocation(options)));
    });
  addGlobalOptions(program);
  const typed = COMMANDS.filter(({ names }) => word !== undefined && names.includes(word));
  for (const { load } of typed.length > 0 ? typed : COMMANDS) (await load()).register(program);
  program
    .command('help [verb]')
    .description('the same as `aether VERB --help`')
    .action((word?: string) => {
      const verb = word === undefined ? program : program.commands.find((one) => one.name() === word);
      if (verb) verb.outputHelp();
      else unknownVerb(program, word!);
    });
  return program;
}

// Any process of the user may send it, and Node would open its inspector: `attach` and `logs -f` run for long.
process.on('SIGUSR1', () => undefined);
surviveClosedPipe();
void main();

async function main(): Promise<void> {
  try {
    await (await buildProgram(process.argv[2])).parseAsync(process.argv);
  } catch (error) {
    if (error instanceof CommanderError) {
      // It has printed its sentence already; --help and --version end here too.
      process.exitCode = error.exitCode === 0 ? ExitCode.ok : ExitCode.usage;
    } else {
      printError(error);
      process.exitCode = exitCodeOf(error);
    }
  }
}
