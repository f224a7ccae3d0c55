/**
 * Ends a process and its tree step by step: by a request first, by SIGKILL last. The scope says which tree: the whole
 * run, the run without what was started beside, or one process of those.
 */
import { signalProcess } from '../../process/signal.ts';
import type { TreeEnd } from '../../process/tree.ts';
import type { TreeScope } from '../../process/tree-part.ts';
import type { StopLadder } from '../shim-protocol.ts';
import type { RunProcess } from './processes.ts';

const POLL_MS_MIN = 5;
const POLL_MS_MAX = 50;

/** For what a process left behind when it exited by itself. */
export const LEFTOVERS: StopLadder = { term_ms: 250, kill_ms: 10_000 };

export interface LadderTools {
  scope: TreeScope;
  /** It only makes a sandbox: asked to end it would end at once, and what runs inside with it. */
  launcher(pid: number): boolean;
  /** Reaps orphans, so that the dead do not linger. */
  sweep(): void;
}

/**
 * @param signal aborted when a more urgent ending takes over; the ladder then stops where it is
 * @returns what SIGKILL had to do; `survivors` of an aborted ladder is meaningless
 */
export async function climb(
  process: RunProcess | null,
  ladder: StopLadder,
  tools: LadderTools,
  signal: AbortSignal,
): Promise<TreeEnd> {
  const none = { killed: 0, survivors: 0 };
  const { scope } = tools;
  const asked = () => scope.living().filter(({ pid }) => !tools.launcher(pid));
  const gone = () => scope.living().length === 0;
  if (process?.status.running && ladder.close_stdin_ms !== undefined && process.status.io === 'pipes') {
    process.child.endInput();
    await until(() => !process.status.running, ladder.close_stdin_ms, signal);
  }
  if (signal.aborted) return none;
  if (ladder.term_ms > 0 && !gone()) {
    for (const entry of asked()) signalProcess(entry, 'SIGTERM');
    // A stopped process takes its SIGTERM only when it goes on.
    for (const entry of scope.living()) signalProcess(entry, 'SIGCONT');
    await until(gone, ladder.term_ms, signal);
  }
  if (signal.aborted) return none;
  return await scope.kill(ladder.kill_ms, () => tools.sweep());
}

async function until(done: () => boolean, wait_ms: number, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + wait_ms;
  for (let pause = POLL_MS_MIN; ; pause = Math.min(pause * 2, POLL_MS_MAX)) {
    if (signal.aborted || done()) return;
    const left = deadline - performance.now();
    if (left <= 0) return;
    await new Promise((resolve) => setTimeout(resolve, Math.min(pause, left)));
  }
}
