/**
 * The limits of the system on arguments and environment of a program. Checked before the start, because execve says
 * only "too long".
 */
import type { Fault } from '../../runtimes/definition.ts';
import { limits } from '../limits.ts';

/**
 * @param texts what else its process is started with
 * @returns why a program cannot be given these, below the agent; empty where it can
 */
export function execFaults(
  env: Readonly<Record<string, string>>,
  texts: readonly { path: string[]; bytes: number }[],
): Fault[] {
  const variables = Object.entries(env).map(([name, value]) => ({
    path: ['env', name],
    bytes: Buffer.byteLength(name) + Buffer.byteLength(value) + 2,
  }));
  const given = [...variables, ...texts];
  const faults = given
    .filter(({ bytes }) => bytes > limits.exec_string_bytes_max)
    .map(({ path, bytes }) => ({
      code: 'exec-too-long',
      path,
      message: `${path.join('.')} has ${kilobytes(bytes)}; the system allows ${kilobytes(limits.exec_string_bytes_max)} for one argument or variable.`,
      next: 'Put it into a file, and give the program its path.',
    }));
  const total = given.reduce((sum, { bytes }) => sum + bytes, 0);
  if (faults.length === 0 && total > limits.exec_bytes_max)
    faults.push({
      code: 'exec-too-long',
      path: [],
      message: `Its env and command have ${kilobytes(total)} together; a program is given at most ${kilobytes(limits.exec_bytes_max)}.`,
      next: 'Put the largest into files, and give the program their paths.',
    });
  return faults;
}

function kilobytes(bytes: number): string {
  return `${Math.ceil(bytes / 1024)} KB`;
}
