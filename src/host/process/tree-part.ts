/**
 * A part of the tree below this process: listed and killed without touching the rest. A program that washes its
 * descent can leave its part where no control group holds it; it cannot leave the tree.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProcStat } from './proc.ts';
import { signalProcess } from './signal.ts';
import type { TreeEnd } from './tree.ts';

/** What can be ended step by step: a whole tree or a part of one. */
export interface TreeScope {
  /** Everything alive in it. */
  living(): ProcStat[];
  /** SIGKILL until nothing of it lives, at most this long. `onRound` reaps what was adopted. */
  kill(limit_ms: number, onRound: () => void): Promise<TreeEnd>;
}

/** @param chosen the living processes of the part, looked up again each time */
export function treePart(chosen: () => ProcStat[]): TreeScope {
  return {
    living: chosen,
    async kill(limit_ms, onRound) {
      const deadline = performance.now() + limit_ms;
      const killed = new Set<string>();
      for (let round = 0; ; round += 1) {
        const alive = chosen();
        if (alive.length === 0) return { killed: killed.size, survivors: 0 };
        if (performance.now() >= deadline) return { killed: killed.size, survivors: alive.length };
        // Stopped first: a parent that stands still puts no new child in place of the dead one.
        if (alive.length > 1) for (const entry of alive) signalProcess(entry, 'SIGSTOP');
        for (const entry of alive)
          if (signalProcess(entry, 'SIGKILL')) killed.add(`${entry.pid}:${entry.start_ticks}`);
        onRound();
        await sleep(round < 50 ? 0 : 10);
      }
    },
  };
}
