/** The exit codes of every command, as `aether --help` lists them. */
import { toWireError } from '../errors.ts';

export const ExitCode = {
  ok: 0,
  /** What was asked for did not happen. */
  failed: 1,
  /** The command line or the configuration is wrong; nothing was tried. */
  usage: 2,
  /** No host is running for the state directory. */
  noHost: 3,
  /** Interrupted by Ctrl-C. */
  interrupted: 130,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

export function exitCodeOf(error: unknown): ExitCode {
  const { code, who } = toWireError(error);
  if (code === 'host.absent') return ExitCode.noHost;
  if (who === 'config' || code.startsWith('usage')) return ExitCode.usage;
  return ExitCode.failed;
}
