/** Runs the real `aether` command as a process of its own, and waits for it with a deadline. */
import { type ChildProcess, spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { programFile } from './program-file.ts';

export const CLI = programFile('host/cli/main');

export interface CliResult {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface RunningCli {
  child: ChildProcess;
  stdout(): string;
  stderr(): string;
  /** Resolves when it has ended and everything it printed is read. */
  ended: Promise<CliResult>;
}

export interface CliOptions {
  cwd?: string;
  env?: Record<string, string>;
  /** Program and first arguments; default: node with the command's source. */
  program?: string[];
  deadline_ms?: number;
  input?: string;
}

/** What V8 made of the programs' code is kept: a sixth of what the start of a host costs. */
const COMPILED = join(tmpdir(), 'aether-compiled');

export const commandEnvironment = { PATH: process.env.PATH ?? '', NODE_COMPILE_CACHE: COMPILED };

/** Nothing of the caller's environment but PATH: what the command does depends on what the test says. */
export function startCli(args: string[], options: CliOptions = {}): RunningCli {
  const [file, ...first] = options.program ?? [process.execPath, CLI];
  const child = spawn(file!, [...first, ...args], {
    cwd: options.cwd ?? '/',
    env: {
      ...commandEnvironment,
      HOME: options.cwd ?? '/nonexistent',
      ...options.env,
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  child.stdin.on('error', () => undefined); // it may not read what it is given
  child.stdin.end(options.input ?? '');
  const deadline = setTimeout(() => child.kill('SIGKILL'), options.deadline_ms ?? 20_000);
  const ended = new Promise<CliResult>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(deadline);
      resolve({ code, signal, stdout, stderr });
    });
  });
  return { child, stdout: () => stdout, stderr: () => stderr, ended };
}

export function cli(args: string[], options: CliOptions = {}): Promise<CliResult> {
  return startCli(args, options).ended;
}
