/**
 * A process on three pipes, in a session and process group of its own. They are made here and not by Node, whose
 * "pipes" are always socket pairs; which of the two a process needs, its spec says. And reading goes through one
 * buffer for good, so that a flood of output does not become a flood of garbage.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { pipe, socketPair } from '../../process/libc.ts';
import type { ProcessExit, ProcessSpec, Stdio } from '../shim-protocol.ts';
import { type Child, type Enclose, type Output, SpawnFailed } from './child.ts';
import { readInto } from './reading.ts';

/**
 * @param enclose calls its argument so that what that starts is contained
 * @param onPid called before anything else can happen, so that the reaper never takes this child for an orphan
 * @throws SpawnFailed
 */
export async function spawnOnPipes(
  file: string,
  spec: ProcessSpec,
  stdio: Stdio,
  enclose: Enclose,
  onPid: (pid: number) => void,
  output: Output,
): Promise<Child> {
  const pipes = openPipes(stdio);
  let child: ChildProcess;
  try {
    child = enclose(() =>
      spawn(file, spec.argv.slice(1), {
        argv0: spec.argv[0],
        cwd: spec.cwd,
        env: spec.env,
        detached: true,
        stdio: pipes.theirs,
      }),
    );
    if (child.pid === undefined) throw (await once(child, 'error'))[0];
  } catch (error) {
    for (const fd of [...pipes.ours, ...pipes.theirs]) closeSync(fd);
    throw new SpawnFailed(`${file} could not be started: ${(error as Error).message}.`, { cause: error });
  }
  onPid(child.pid);
  for (const fd of pipes.theirs) closeSync(fd);
  const exited = new Promise<ProcessExit>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  child.on('error', () => undefined);

  const [input, out, err] = pipes.ours;
  const stdin = new Socket({ fd: input, readable: false, writable: true });
  // The callback of a write tells its caller that the reader went away.
  stdin.on('error', () => undefined);
  const stdout = new Socket({ fd: out, writable: false, onread: readInto((chunk) => output('out', chunk)) });
  const stderr = new Socket({ fd: err, writable: false, onread: readInto((chunk) => output('err', chunk)) });
  void exited.then(() => stdin.destroy());
  return {
    pid: child.pid,
    exited,
    drained: Promise.all([ended(stdout), ended(stderr)]).then(() => undefined),
    write: (data) =>
      new Promise<void>((resolve, reject) => {
        stdin.write(data, (error) => (error ? reject(error) : resolve()));
        // A write that was under way when the process died may never be called back.
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

type Three = [number, number, number];

/** Descriptors of stdin, stdout and stderr at either end. */
function openPipes(stdio: Stdio): { ours: Three; theirs: Three } {
  const err = pipe();
  if (stdio === 'socketpair') {
    const [stdin, stdout] = [socketPair(), socketPair()];
    return { ours: [stdin.ours, stdout.ours, err.read], theirs: [stdin.theirs, stdout.theirs, err.write] };
  }
  const [stdin, stdout] = [pipe(), pipe()];
  return { ours: [stdin.write, stdout.read, err.read], theirs: [stdin.read, stdout.write, err.write] };
}

function ended(stream: Socket): Promise<void> {
  return new Promise((resolve) => {
    stream.on('error', () => stream.destroy());
    stream.once('close', () => resolve());
    // Nothing flows through the stream itself, but its end does.
    stream.resume();
  });
}
