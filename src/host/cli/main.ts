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
import { registerApprovals } from './verbs/approvals.ts';
import { registerAttach } from './verbs/attach.ts';
import { registerConsole } from './verbs/console.ts';
import { registerDoctor } from './verbs/doctor.ts';
import { registerDown } from './verbs/down.ts';
import { registerHold } from './verbs/hold.ts';
import { registerHost } from './verbs/host.ts';
import { registerInit } from './verbs/init.ts';
import { registerInject } from './verbs/inject.ts';
import { registerInterrupt } from './verbs/interrupt.ts';
import { registerLifecycle } from './verbs/lifecycle.ts';
import { registerLogs } from './verbs/logs.ts';
import { registerMail } from './verbs/mail.ts';
import { registerMcp } from './verbs/mcp.ts';
import { registerPause } from './verbs/pause.ts';
import { registerApply, registerPlan } from './verbs/plan.ts';
import { registerPs } from './verbs/ps.ts';
import { registerRun } from './verbs/run.ts';
import { registerService } from './verbs/service.ts';
import { registerUp } from './verbs/up.ts';

const EPILOGUE = `
Exit codes: 0 done · 1 failed · 2 wrong usage or configuration · 3 no host is running · 130 interrupted
Begin with \`aether init\`, then \`aether plan\`, then \`aether up\`.`;

function buildProgram(): Command {
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
  // In the order in which one meets them.
  for (const register of [
    registerInit,
    registerPlan,
    registerUp,
    registerApply,
    registerPs,
    registerLogs,
    registerRun,
    registerInject,
    registerAttach,
    registerLifecycle,
    registerInterrupt,
    registerHold,
    registerPause,
    registerApprovals,
    registerMail,
    registerConsole,
    registerMcp,
    registerDown,
    registerDoctor,
    registerService,
    registerHost,
  ]) {
    register(program);
  }
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

surviveClosedPipe();
try {
  await buildProgram().parseAsync(process.argv);
} catch (error) {
  if (error instanceof CommanderError) {
    // It has printed its sentence already; --help and --version end here too.
    process.exitCode = error.exitCode === 0 ? ExitCode.ok : ExitCode.usage;
  } else {
    printError(error);
    process.exitCode = exitCodeOf(error);
  }
}
