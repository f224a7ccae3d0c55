/** Runs a shell command in the workspace. An interrupt or the time limit ends its whole tree. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { z } from 'zod';
import { afterAwake } from '../awake.ts';
import { CappedText } from './capped-text.ts';
import { localTool } from './local.ts';
import { killTree, MARK_VARIABLE } from './process-tree.ts';
import { type LoopTool, Unfinished } from './tool.ts';

const TIMEOUT_MS_DEFAULT = 120_000;
const TIMEOUT_MS_MAX = 600_000;
const OUTPUT_CHARS_MAX = 48 * 1024;
/** A command that left something running in the background keeps its output open: it is not waited for. */
const DRAIN_MS = 200;

/**
 * @param directory absolute path of the workspace
 * @param env of the commands; without log-ins
 */
export function runCommandTool(directory: string, env: Record<string, string>): LoopTool {
  return localTool({
    name: 'run_command',
    description: `Run a shell command in the workspace and return its output and exit code. It is ended after timeout_ms (${TIMEOUT_MS_DEFAULT} by default, at most ${TIMEOUT_MS_MAX}). It has no terminal and no input.`,
    input: z.strictObject({
      command: z.string().min(1).describe('The command line, for sh.'),
      timeout_ms: z.int().min(1).max(TIMEOUT_MS_MAX).default(TIMEOUT_MS_DEFAULT),
    }),
    readOnly: false,
    subject: ({ command }) => command,
    async run({ command, timeout_ms }, { signal, toolUseId }) {
      signal.throwIfAborted();
      const child = spawn('/bin/sh', ['-c', command], {
        cwd: directory,
        env: { ...env, [MARK_VARIABLE]: toolUseId },
        stdio: ['ignore', 'pipe', 'pipe'],
        // Its own group, so that the shell's ordinary children can be signalled in one go.
        detached: true,
      });
      const output = new CappedText(OUTPUT_CHARS_MAX);
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding('utf8');
        stream.on('data', (text: string) => output.add(text));
      }
      const closed = once(child, 'close');
      const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
      // Both reject when the command cannot be started; the second is awaited first.
      closed.catch(() => {});

      let cause: 'timeout' | 'abort' | null = null;
      let survivors: Promise<number> | null = null;
      const end = (why: 'timeout' | 'abort') => {
        if (cause !== null || child.pid === undefined) return;
        cause = why;
        survivors = killTree(child.pid, toolUseId);
      };
      const cancel = afterAwake(timeout_ms, () => end('timeout'));
      const abort = () => end('abort');
      signal.addEventListener('abort', abort);
      try {
        const [code, killedBy] = await exited;
        const left = (await survivors) ?? 0;
        await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, DRAIN_MS).unref())]);
        const text = report(output.toString(), { code, killedBy, cause, left, timeout_ms });
        // An exit code is an answer; a command that was ended has none.
        if (cause !== null) throw new Unfinished(text);
        return text;
      } finally {
        cancel();
        signal.removeEventListener('abort', abort);
        child.stdout.destroy();
        child.stderr.destroy();
      }
    },
  });
}

function report(
  output: string,
  end: {
    code: number | null;
    killedBy: NodeJS.Signals | null;
    cause: 'timeout' | 'abort' | null;
    left: number;
    timeout_ms: number;
  },
): string {
  const lines = output === '' ? [] : [output.trimEnd()];
  if (end.cause === 'timeout')
    lines.push(`[ended after ${end.timeout_ms} ms, with everything it had started]`);
  else if (end.cause === 'abort') lines.push('[interrupted; it and everything it had started were ended]');
  else if (end.killedBy !== null) lines.push(`[ended by ${end.killedBy}]`);
  else if (end.code !== 0) lines.push(`[exit code ${end.code}]`);
  else if (output === '') lines.push('[no output, exit code 0]');
  if (end.left > 0) lines.push(`[${end.left} processes could not be ended]`);
  return lines.join('\n');
}
