/**
 * Which program an engine's process is, so that it can be started from an execute-only copy (program-copies.ts): the
 * native program itself, or Node where the engine is a script for Node. A script itself cannot be execute-only, since
 * its interpreter reads it: its text stays readable, its process is undumpable all the same.
 */
import { execFile } from 'node:child_process';
import { closeSync, readSync, realpathSync } from 'node:fs';
import { access, constants } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { openFile } from '../files.ts';
import { NO_INSPECTOR } from '../node-flags.ts';
import type { ProcessSpec } from '../shim/shim-protocol.ts';

/** Of a script's first line; Linux reads as much. */
const HEAD_BYTES = 256;
const NODE_MS = 10_000;

export type EngineProgram =
  | {
      /** To be copied; no link. */
      file: string;
      /** The same command, run by a copy at this path. */
      argv(copy: string): string[];
    }
  /** The process cannot be protected in this way; a sentence for an operator. */
  | { file: null; why: string };

/** Looks at files and asks a Node that is not this one whether it knows the flag; starts nothing else. */
export async function engineProgram({
  argv,
  env,
  cwd,
}: Pick<ProcessSpec, 'argv' | 'env' | 'cwd'>): Promise<EngineProgram> {
  const [name = '', ...rest] = argv;
  const program = await find(name, env.PATH, cwd);
  if (program === null) return { file: null, why: `${name} was not found` };
  const head = headOf(program);
  if (isNative(head)) return { file: program, argv: (copy) => [copy, ...rest] };
  if (!head.startsWith('#!'))
    return { file: null, why: `${program} is neither a native program nor a script` };
  const interpreter = interpreterOf(head);
  const node = await find(interpreter.name, env.PATH, cwd);
  if (node === null || !/^node(js)?$/.test(basename(node)) || !isNative(headOf(node))) {
    return { file: null, why: `${program} is a script for ${interpreter.name}, which may start anything` };
  }
  if (!(await canRefuseDebuggers(node))) {
    return {
      file: null,
      why: `${node} opens a debugger for every program that sends it SIGUSR1: it is too old`,
    };
  }
  return { file: node, argv: (copy) => [copy, NO_INSPECTOR, ...interpreter.args, program, ...rest] };
}

/** Of an engine as it is installed, started without arguments. @returns why it cannot be protected; null: it can */
export async function openProgram(binary: string): Promise<string | null> {
  const { PATH = '/usr/bin:/bin' } = process.env;
  const program = await engineProgram({ argv: [binary], env: { PATH }, cwd: '/' });
  return program.file === null ? program.why : null;
}

/** @returns the real path of an executable file, or null */
async function find(name: string, path: string | undefined, cwd: string): Promise<string | null> {
  const candidates = name.includes('/')
    ? [resolve(cwd, name)]
    : (path ?? '').split(':').map((directory) => join(resolve(cwd, directory), name));
  for (const candidate of candidates) {
    try {
      await access(candidate, constants.X_OK);
      const real = realpathSync(candidate);
      headOf(real);
      return real;
    } catch {
      // Not here, or a directory, or not ours to read: the next one.
    }
  }
  return null;
}

function headOf(file: string): string {
  const fd = openFile(file, 'followed');
  try {
    const bytes = Buffer.alloc(HEAD_BYTES);
    return bytes.toString('latin1', 0, readSync(fd, bytes, 0, HEAD_BYTES, 0));
  } finally {
    closeSync(fd);
  }
}

const isNative = (head: string): boolean => head.startsWith('\x7fELF');

/** `#!/usr/bin/env node`, `#!/usr/bin/env -S node --flag`, `#!/usr/bin/node --flag`. */
function interpreterOf(head: string): { name: string; args: string[] } {
  const words = head.slice(2).split('\n', 1)[0]!.trim().split(/\s+/);
  if (basename(words[0]!) === 'env') words.shift();
  if (words[0] === '-S') words.shift();
  return { name: words[0] ?? '', args: words.slice(1) };
}

const answers = new Map<string, Promise<boolean>>();

/** Node's inspector opens on loopback at SIGUSR1, which any program of the agent may send, and runs code for it. */
function canRefuseDebuggers(node: string): Promise<boolean> {
  const known = answers.get(node);
  if (known !== undefined) return known;
  const answer = promisify(execFile)(node, [NO_INSPECTOR, '--version'], { env: {}, timeout: NODE_MS }).then(
    () => true,
    () => false,
  );
  answers.set(node, answer);
  return answer;
}
