/**
 * The `aether` command. Every verb is a thin client of the control socket, except the three that work without a
 * host (init, plan, doctor) and the two that become one (up, host). Started by aether.cjs.
 */
import { Command, CommanderError } from 'commander';
import { ExitCode, exitCodeOf } from './exit-codes.ts';
import { hintFor, useHint } from './hints.ts';
import { invocation, userInvocation, version } from './invocation.ts';
import { printError, surviveClosedPipe } from './output.ts';
import { addGlobalOptions, globalsOf, unknownVerb } from './verb.ts';

const EPILOGUE = `
Exit codes: 0 done · 1 failed · 2 wrong usage or configuration · 3 no host is running · 130 interrupted
Begin with \`aether init\`, then \`aether plan\`, then \`aether up\`.`;

/**
 * The verbs and the file that declares them, in the order in which one meets them. Only the file of the verb that is
 * typed is loaded: all of them together are a third of what it takes to start.
 */
const VERBS: readonly [names: string[], declare: () => Promise<(program: Command) => void>][] = [
  [['init'], async () => (await import('./verbs/init.ts')).registerInit],
  [['plan'], async () => (await import('./verbs/plan.ts')).registerPlan],
  [['up'], async () => (await import('./verbs/up.ts')).registerUp],
  [['apply'], async () => (await import('./verbs/plan.ts')).registerApply],
  [['ps'], async () => (await import('./verbs/ps.ts')).registerPs],
  [['logs'], async () => (await import('./verbs/logs.ts')).registerLogs],
  [['run'], async () => (await import('./verbs/run.ts')).registerRun],
  [['inject'], async () => (await import('./verbs/inject.ts')).registerInject],
  [['attach'], async () => (await import('./verbs/attach.ts')).registerAttach],
  [
    ['start', 'stop', 'kill', 'restart'],
    async () => (await import('./verbs/lifecycle.ts')).registerLifecycle,
  ],
  [['interrupt'], async () => (await import('./verbs/interrupt.ts')).registerInterrupt],
  [['hold'], async () => (await import('./verbs/hold.ts')).registerHold],
  [['pause', 'resume'], async () => (await import('./verbs/pause.ts')).registerPause],
  [['approvals'], async () => (await import('./verbs/approvals.ts')).registerApprovals],
  [['mail'], async () => (await import('./verbs/mail.ts')).registerMail],
  [['console'], async () => (await import('./verbs/console.ts')).registerConsole],
  [['mcp'], async () => (await import('./verbs/mcp.ts')).registerMcp],
  [['down'], async () => (await import('./verbs/down.ts')).registerDown],
  [['doctor'], async () => (await import('./verbs/doctor.ts')).registerDoctor],
  [['service'], async () => (await import('./verbs/service.ts')).registerService],
  [['host'], async () => (await import('./verbs/host.ts')).registerHost],
];

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
  const typed = VERBS.filter(([names]) => word !== undefined && names.includes(word));
  for (const [, declare] of typed.length > 0 ? typed : VERBS) (await declare())(program);
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
