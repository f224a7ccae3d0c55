/** A host in the background: started detached from this terminal, and waited for until its doors are open. */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ControlClient } from '../control/client.ts';
import { AetherError, diskFull, messageOf } from '../errors.ts';
import { openOutput, readFromNow, sizeNow } from '../files.ts';
import { makeDirectories, statePaths } from '../paths.ts';
import { requireHome } from '../written-path.ts';
import { ExitCode } from './exit-codes.ts';
import { commandFile, findHost, type Invocation } from './invocation.ts';
import { hostEnvironment, hostFlags } from './own-node.ts';

const READY_MS = 30_000;
const POLL_MS = 20;
const STEP_BACK_MS = 200;
/** Of what a host that did not start has said. */
const LAST_LINES = 10;
const OUTPUT_BYTES_MAX = 1024 * 1024;
const SPACE_TO_SPEAK_BYTES = 64 * 1024;
/** Exit code of `aether host` when another host has the state directory: the client that started it connects to that one. */
export const ANOTHER_HOST = 75;

/** Its own directory, unreadable to others, and ignored by git when it lies inside a repository. @throws AetherError `usage.state` */
export function ensureStateDirectory(stateDir: string): void {
  if (existsSync(stateDir)) return;
  try {
    makeDirectories(stateDir);
    writeFileSync(join(stateDir, '.gitignore'), '*\n');
  } catch (error) {
    throw new AetherError(
      {
        code: 'usage.state',
        who: 'user',
        message: `The state directory ${stateDir} cannot be made: ${messageOf(error)}.`,
        next: 'Name one in a place you may write to with --state DIR (or AETHER_HOME).',
      },
      { cause: error },
    );
  }
}

/**
 * Connects to the host of the state directory, starting one when there is none. Two callers at once get one
 * host: the lock decides, the loser's host steps back and its caller connects to the winner's.
 * @throws AetherError `host.start` with what it printed, when it does not come up.
 */
export async function ensureHost(
  invoked: Invocation,
  options: { configFile: string | null; idleExit_ms: number | null; asked: boolean },
): Promise<{ client: ControlClient; started: boolean }> {
  const running = await findHost(invoked);
  if (running) return { client: running, started: false };

  requireHome(process.env);
  ensureStateDirectory(invoked.stateDir);
  const before = sizeNow(statePaths(invoked.stateDir).out);
  const args = ['host', '--state', invoked.stateDir];
  if (options.configFile !== null) args.push('--file', options.configFile);
  if (options.asked) args.push('--apply');
  if (options.idleExit_ms !== null) args.push('--idle-exit', String(options.idleExit_ms));

  const deadline = Date.now() + READY_MS;
  for (let child = launch(invoked.stateDir, args); ; ) {
    const client = await findHost(invoked);
    if (client) return { client, started: client.hello.pid === child.pid };
    const exit = child.exit();
    if (exit !== null && exit !== ANOTHER_HOST) {
      throw notStarted(invoked.stateDir, before, exit);
    }
    if (Date.now() > deadline) {
      throw notStarted(invoked.stateDir, before, null);
    }
    await sleep(POLL_MS);
    // The other host may have been on its way out: its place is free again.
    if (exit === ANOTHER_HOST) {
      await sleep(STEP_BACK_MS);
      child = launch(invoked.stateDir, args);
    }
  }
}

interface Launched {
  pid: number | undefined;
  /** Null while it runs. */
  exit(): number | null;
}

/** Detached from this terminal; what it prints before it has a log is kept in host.out. */
function launch(stateDir: string, args: string[]): Launched {
  const output = openOutput(statePaths(stateDir).out);
  const child = spawn(process.execPath, [...hostFlags(), commandFile, ...args], {
    detached: true,
    env: hostEnvironment(),
    stdio: ['ignore', output, output],
    cwd: stateDir,
  });
  closeSync(output);
  let failed = false;
  child.once('error', () => {
    failed = true;
  });
  child.unref();
  return {
    pid: child.pid,
    exit: () => (failed || child.signalCode !== null ? -1 : child.exitCode),
  };
}

function spaceLeft(dir: string): number {
  const { bavail, bsize } = statfsSync(dir);
  return bavail * bsize;
}

/** @param exit null: it is still there, but does not answer. */
function notStarted(stateDir: string, before: number, exit: number | null): AetherError {
  const { out, log } = statePaths(stateDir);
  const said = readFromNow(out, before, OUTPUT_BYTES_MAX)
    .toString('utf8')
    .replace(/^error: /, '')
    .trim();
  if (exit === ExitCode.usage) {
    // The configuration is wrong, and it has said where: that is the whole story.
    return new AetherError({
      code: 'usage.host-config',
      who: 'config',
      message: said,
      next: 'No host was started.',
    });
  }
  // A full disk has no room for what it said either.
  if (said === '' && spaceLeft(stateDir) < SPACE_TO_SPEAK_BYTES) return diskFull(stateDir, null);
  const how = exit === null ? `did not answer within ${READY_MS / 1_000} s` : `exited with code ${exit}`;
  const lines = said.split('\n').slice(-LAST_LINES).join('\n');
  return new AetherError({
    code: 'host.start',
    who: 'host',
    message: `The host ${how}.${lines === '' ? '' : ` It said:\n${lines}\n`}`,
    next: `See ${log}, or run \`aether up\` without --detach to watch the start.`,
  });
}
