/**
 * Starts a shim so that nothing ties it to this host: its own session, no inherited descriptors, no inherited
 * environment. It is told what to do on stdin, says once that it is ready, and is on its own from then on.
 */

import { spawn } from 'node:child_process';
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

/**
 * Starts the shim of a run and resolves when it listens on `start.socket`.
 * @param options `program`: the shim's file, where it is not the one beside this module
 * @returns its identity, for the run's record
 * @throws AetherError `shim.start-failed` with what it printed
 */
export async function launchShim(
  start: ShimStart,
  options: { log?: Log; program?: string } = {},
): Promise<ProcessIdentity> {
  const child = spawn(process.execPath, [...NODE_FLAGS, options.program ?? PROGRAM], {
    detached: true,
    cwd: '/',
    // One allocator arena and one pool thread: it has nothing to do in parallel.
    env: {
      [RUN_MARKER]: start.run,
      MALLOC_ARENA_MAX: '1',
      UV_THREADPOOL_SIZE: '1',
      ...outwards(process.env),
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let printed = '';
  const ready = new Promise<ProcessIdentity>((resolve, reject) => {
    let answer = '';
    child.on('error', reject);
    child.stdin.on('error', reject);
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      printed = endOfText(printed + text, OUTPUT_BYTES_MAX);
    });
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
    child.stdin.end(`${JSON.stringify(start)}\n`);
  });
  const abort = new AbortController();
  try {
    const identity = await Promise.race([
      ready,
      sleep(READY_MS, undefined, { signal: abort.signal }).then(() => {
        throw new Error(`it was not ready within ${READY_MS} ms`);
      }),
    ]);
    options.log?.debug({ run: start.run, shim: identity.pid }, 'shim started');
    return identity;
  } catch (error) {
    child.kill('SIGKILL');
    throw new AetherError(
      {
        code: 'shim.start-failed',
        who: 'host',
        message: `The shim of run ${start.run} did not start: ${messageOf(error)}. ${printed.trim()}`.trim(),
        next: 'Mend what it names, then start the agent again.',
      },
      { cause: error },
    );
  } finally {
    abort.abort();
    // From here on only the socket connects the two.
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
    child.removeAllListeners('error').on('error', (error) => options.log?.warn({ err: error }, 'shim'));
    child.unref();
  }
}

/** What its proxy needs to resolve names and to know certificates as programs of the operator do. */
export function outwards(environment: Record<string, string | undefined>): Record<string, string> {
  const names = ['RES_OPTIONS', 'LOCALDOMAIN', 'NODE_EXTRA_CA_CERTS'];
  return Object.fromEntries(
    names.flatMap((name) => (environment[name] === undefined ? [] : [[name, environment[name]]])),
  );
}
