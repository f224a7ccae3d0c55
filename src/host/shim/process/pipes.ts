/** A process on three pipes, in a session and process group of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import type { ProcessExit, ProcessSpec } from '../wire.ts';
import { type Child, type Output, SpawnFailed } from './child.ts';

/**
 * @param onPid called before anything else can happen, so that the reaper never takes this child for an orphan
 * @throws SpawnFailed
 */
export async function spawnOnPipes(
  file: string,
  spec: ProcessSpec,
  onPid: (pid: number) => void,
  output: Output,
): Promise<Child> {
  const child = start(file, spec);
  const pid = child.pid;
  if (pid === undefined) {
    const [error] = (await once(child, 'error')) as [Error];
    throw new SpawnFailed(`${file} could not be started: ${error.message}.`);
  }
  onPid(pid);
  const exited = new Promise<ProcessExit>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  const { stdin, stdout, stderr } = child;
  // A reader that went away is told to whoever writes, by the callback of that write.
  stdin.on('error', () => undefined);
  child.on('error', () => undefined);
  stdout.on('data', (chunk: Buffer) => output('out', chunk));
  stderr.on('data', (chunk: Buffer) => output('err', chunk));
  return {
    pid,
    exited,
    drained: Promise.all([ended(stdout), ended(stderr)]).then(() => undefined),
    write: (data) =>
      new Promise<void>((resolve, reject) => {
        stdin.write(data, (error) => (error ? reject(error) : resolve()));
        // Node may never call back for a write that was under way when the process died.
        void exited.then(() => setImmediate(() => reject(new Error('the process has exited'))));
      }),
    queued: () => stdin.writableLength,
    endInput: () => stdin.end(),
    pause() {
      stdout.pause();
      stderr.pause();
    },
    resume() {
      stdout.resume();
      stderr.resume();
    },
    resize: () => undefined,
    discard() {
      stdout.destroy();
      stderr.destroy();
    },
  };
}

function start(file: string, spec: ProcessSpec) {
  try {
    return spawn(file, spec.argv.slice(1), {
      argv0: spec.argv[0],
      cwd: spec.cwd,
      env: spec.env,
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
  } catch (error) {
    throw new SpawnFailed(`${file} could not be started: ${(error as Error).message}.`, { cause: error });
  }
}

function ended(stream: Readable): Promise<void> {
  return new Promise((resolve) => {
    stream.once('close', () => resolve());
    stream.on('error', () => stream.destroy());
  });
}
