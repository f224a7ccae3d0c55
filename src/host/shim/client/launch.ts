/**
 * Starts a shim so that nothing ties it to this host: its own session, no inherited descriptors, no inherited
 * environment. It gets its instructions on stdin, reports once that it is ready, and is independent from then on.
 */

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { extname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { AetherError, messageOf } from '../../errors.ts';
import type { Log } from '../../log.ts';
import { NO_INSPECTOR } from '../../node-flags.ts';
import { RUN_MARKER } from '../../process/marker.ts';
import type { ProcessIdentity } from '../../process/proc.ts';
import { endOfText } from '../../text.ts';
import type { ShimStart } from '../shim-protocol.ts';

const READY_MS = 15_000;
const OUTPUT_BYTES_MAX = 16 * 1024;

/** The same program as TypeScript in a checkout and as CommonJS when published, which starts sooner. */
const EXTENSION = extname(import.meta.url) === '.ts' ? '.ts' : '.cjs';
const PROGRAM = fileURLToPath(new URL(`../process/main${EXTENSION}`, import.meta.url));

/** A shim moves bytes: a small young generation costs it nothing and keeps it small under load. */
const NODE_FLAGS = [NO_INSPECTOR, '--max-semi-space-size=1', '--max-old-space-size=128', '--no-warnings'];

/** A shim that waits to be told what it is for. It ends by itself when the host that started it does. */
export interface WaitingShim {
  /**
   * Resolves when it listens on `start.socket`, with its identity, for the run's record.
   * @throws AetherError `shim.start-failed` with what it printed
   */
  begin(start: ShimStart): Promise<ProcessIdentity>;
  /** It is not needed after all; one that was told what it is for goes on. */
  abandon(): void;
}

interface Options {
  log?: Log;
  /** The shim's file, where it is not the one beside this module. */
  program?: string;
}

/** Starts the shim of a run and tells it what it is for. @throws as WaitingShim.begin */
export function launchShim(start: ShimStart, options: Options = {}): Promise<ProcessIdentity> {
  return startShim(start.run, options).begin(start);
}

/** Starts the shim of a run: it loads while the host still finds out what to tell it. */
export function startShim(run: string, options: Options = {}): WaitingShim {
  const child = spawn(process.execPath, [...NODE_FLAGS, options.program ?? PROGRAM], {
    detached: true,
    cwd: '/',
    // One allocator arena and one pool thread: it has nothing to do in parallel.
    env: {
      [RUN_MARKER]: run,
      MALLOC_ARENA_MAX: '1',
      UV_THREADPOOL_SIZE: '1',
      ...outwards(process.env),
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let printed = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    printed = endOfText(printed + text, OUTPUT_BYTES_MAX);
  });
  const answered = answerOf(child);
  // Told by begin, where that is called.
  answered.catch(() => undefined);
  let begun = false;
  /** From here on only the socket connects the two. */
  const letGo = () => {
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
    child.removeAllListeners('error').on('error', (error) => options.log?.warn({ err: error }, 'shim'));
    child.unref();
  };
  return {
    async begin(start) {
      begun = true;
      child.stdin.end(`${JSON.stringify(start)}\n`);
      const abort = new AbortController();
      try {
        const identity = await Promise.race([answered, tooLate(abort.signal)]);
        options.log?.debug({ run, shim: identity.pid }, 'shim started');
        return identity;
      } catch (error) {
        child.kill('SIGKILL');
        throw startFailed(run, `${messageOf(error)}. ${printed.trim()}`.trim(), error);
      } finally {
        abort.abort();
        letGo();
      }
    },
    abandon() {
      if (begun) return;
      child.kill('SIGKILL');
      letGo();
    },
  };
}

/** What it says once that it listens. */
function answerOf(child: ChildProcessWithoutNullStreams): Promise<ProcessIdentity> {
  return new Promise((resolve, reject) => {
    let answer = '';
    child.on('error', reject);
    child.stdin.on('error', reject);
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      answer += text;
      if (!answer.includes('\n')) return;
      try {
        resolve(JSON.parse(answer) as ProcessIdentity);
      } catch (error) {
        reject(error);
      }
    });
    child.on('close', (code, signal) => reject(new Error(`it exited with ${signal ?? code}`)));
  });
}

async function tooLate(signal: AbortSignal): Promise<never> {
  await sleep(READY_MS, undefined, { signal });
  throw new Error(`it was not ready within ${READY_MS} ms`);
}

function startFailed(run: string, why: string, cause: unknown): AetherError {
  return new AetherError(
    {
      code: 'shim.start-failed',
      who: 'host',
      message: `The shim of run ${run} did not start: ${why}`,
      next: 'Correct what it names, then start the agent again.',
    },
    { cause },
  );
}

/** What its proxy needs to resolve names and to know certificates as programs of the operator do. */
export function outwards(environment: Record<string, string | undefined>): Record<string, string> {
  const names = ['RES_OPTIONS', 'LOCALDOMAIN', 'NODE_EXTRA_CA_CERTS'];
  return Object.fromEntries(
    names.flatMap((name) => (environment[name] === undefined ? [] : [[name, environment[name]]])),
  );
}
