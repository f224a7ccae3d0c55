/** `aether host`: the supervisor itself, without a terminal. Started by `up --detach` and `mcp`, or by an init system. */
import { type Command, InvalidArgumentError } from 'commander';
import { AetherError } from '../../errors.ts';
import { requireHome } from '../../written-path.ts';
import { ANOTHER_HOST, ensureStateDirectory } from '../detached-host.ts';
import { ExitCode, exitCodeOf } from '../exit-codes.ts';
import { frontDoor } from '../front-door.ts';
import { onInterrupt } from '../interrupt.ts';
import { invocation } from '../invocation.ts';
import { surviveFullDisk } from '../last-resort.ts';
import { note, printError } from '../output.ts';
import { runOnHostNode } from '../own-node.ts';
import type { HostOptions, RunningHost } from '../running-host.ts';
import { type CliCommand, globalsOf } from '../verb.ts';

export const commands: CliCommand[] = [{ names: ['host'], place: 210, register: registerHost }];

function registerHost(program: Command): void {
  program
    .command('host', { hidden: true })
    .description('run the host in this process; agents keep running when it is told to end')
    .option('-f, --file <file>', 'the configuration (default: none, for outside clients only)')
    .option('--state <dir>', 'the state directory')
    .option('--apply', 'apply the whole configuration, also edits that give a known agent more')
    .option('--idle-exit <ms>', 'end after this time without agents and clients', milliseconds)
    .action(async (options: { file?: string; apply?: boolean; idleExit?: number }, command: Command) => {
      runOnHostNode();
      const globals = globalsOf(command);
      const invoked = invocation(globals);
      try {
        const running = await startHost({
          configFile: globals.file === undefined ? null : invoked.configFile,
          stateDir: invoked.stateDir,
          asked: options.apply ?? false,
          ...(options.idleExit === undefined ? {} : { idleExit_ms: options.idleExit }),
        });
        // The agents stay: they belong to their shims, and the next host adopts them.
        onInterrupt((count) => {
          if (count > 1) process.exit(ExitCode.failed);
          running.shutdown(false).catch((error: unknown) => {
            printError(error);
            process.exit(ExitCode.failed);
          });
        });
        process.exitCode = await running.stopped;
      } catch (error) {
        if (!(error instanceof AetherError && error.code === 'host.running')) throw error;
        note(error.message);
        process.exitCode = ANOTHER_HOST;
      }
    });
}

/**
 * The host, in this process. One that fails in the middle of its start ends the process: the runs it has taken
 * back by then would keep it alive, holding the state directory without a client.
 */
export async function startHost(options: HostOptions): Promise<RunningHost> {
  surviveFullDisk();
  requireHome(process.env);
  ensureStateDirectory(options.stateDir);
  const { runHost } = await frontDoor();
  try {
    return await runHost(options);
  } catch (error) {
    if (error instanceof AetherError && error.code === 'host.running') throw error;
    printError(error);
    process.exit(exitCodeOf(error));
  }
}

function milliseconds(given: string): number {
  const value = Number(given);
  if (Number.isInteger(value) && value > 0) return value;
  throw new InvalidArgumentError('A positive whole number of milliseconds.');
}
