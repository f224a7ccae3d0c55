/** What this machine has of Claude Code: the program, its version, and a log-in in the environment. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { scriptFault } from '../../host/script.ts';
import type { Detection } from '../runtime.ts';
import { BINARY_VARIABLE, findBinary, INSTALL_HINT } from './binary.ts';
import { LOG_IN_HINT, logInOf } from './login.ts';

/** The oldest version whose structured channel was verified to be what the observer reads. */
export const VERSION_MIN = '2.1.329';
const VERSION_TIMEOUT_MS = 10_000;

export async function detectClaudeCode(environment: Record<string, string | undefined>): Promise<Detection> {
  const missing: Detection['missing'] = [];
  const named = environment[BINARY_VARIABLE];
  const binary = findBinary(named, environment.PATH);
  const version = binary === null ? null : await versionOf(binary);
  if (binary === null) {
    const what = named
      ? `${BINARY_VARIABLE} does not name an executable file (an absolute path is needed)`
      : 'the claude program was not found on PATH';
    missing.push({ what, mend: INSTALL_HINT });
  } else if (version === null) {
    const fault = scriptFault(binary);
    missing.push({
      what: fault?.message.replace(/\.$/, '') ?? `${binary} does not tell its version`,
      mend: fault?.next ?? INSTALL_HINT,
    });
  } else if (isOlder(version, VERSION_MIN)) {
    missing.push({
      what: `claude ${version} is older than ${VERSION_MIN}, the oldest one this was verified with`,
      mend: 'claude update, or npm install -g @anthropic-ai/claude-code@latest',
    });
  }
  const usableBinary = missing.length === 0;
  const canLogIn = logInOf(environment) !== null;
  if (!canLogIn) missing.push({ what: 'no log-in for Claude Code in the environment', mend: LOG_IN_HINT });
  return {
    runtime: 'claude-code',
    usable: usableBinary && canLogIn,
    binary,
    version,
    canLogIn,
    model: true,
    missing,
  };
}

/** `claude --version` in a clean room: it must neither find nor leave anything. */
async function versionOf(binary: string): Promise<string | null> {
  const dir = await mkdtemp(join(tmpdir(), 'aether-detect-'));
  try {
    const env = {
      PATH: '/usr/bin:/bin',
      HOME: dir,
      TMPDIR: dir,
      CLAUDE_CONFIG_DIR: dir,
      DISABLE_AUTOUPDATER: '1',
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    };
    // Loaded here: it is needed once, after the host is up.
    const { execa } = await import('execa');
    // A program that fails or hangs tells no version: that is the finding, not an error of ours.
    const { stdout, failed } = await execa(binary, ['--version'], {
      env,
      extendEnv: false,
      cwd: dir,
      timeout: VERSION_TIMEOUT_MS,
      killSignal: 'SIGKILL',
      stdin: 'ignore',
      maxBuffer: 64 * 1024,
      reject: false,
    });
    const output = failed ? '' : (stdout ?? '');
    return /(\d+\.\d+\.\d+\S*)/.exec(output)?.[1] ?? null;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

function isOlder(version: string, than: string): boolean {
  const parts = (text: string) => text.split('.').map((part) => Number.parseInt(part, 10));
  const [have, want] = [parts(version), parts(than)];
  for (let index = 0; index < want.length; index++) {
    const difference = (have[index] ?? 0) - want[index]!;
    if (difference !== 0) return difference < 0;
  }
  return false;
}
