/**
 * What is left of a run whose shim has died. Nobody is its ancestor any more, but everything that was started in
 * it carries the run's marker, and what washed that off descends from something that does. Linux only: elsewhere
 * nobody tells the environment of a process, and a terminal that is hung up has to be enough.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { RUN_MARKER } from './marker.ts';
import { descendants, type ProcStat, statOf } from './proc.ts';

const PAUSE_MS = 20;

/**
 * SIGKILL for all of it, until a look finds nothing; the shim itself included, should it still be there.
 * @returns how many processes were killed, and how many are left when the time is up
 */
export async function killRemains(
  run: string,
  timeout_ms: number,
): Promise<{ killed: number; survivors: number }> {
  const deadline = performance.now() + timeout_ms;
  const killed = new Set<string>();
  for (;;) {
    const alive = remainsOf(run);
    for (const entry of alive) if (end(entry)) killed.add(`${entry.pid}:${entry.start_ticks}`);
    if (alive.length === 0 || performance.now() >= deadline)
      return { killed: killed.size, survivors: alive.length };
    await sleep(PAUSE_MS);
  }
}

function remainsOf(run: string): ProcStat[] {
  const found = new Map<number, ProcStat>();
  for (const pid of marked(`${RUN_MARKER}=${run}`)) {
    for (const entry of [statOf(pid), ...descendants(pid)])
      if (entry !== null && !entry.zombie && entry.pid !== process.pid) found.set(entry.pid, entry);
  }
  return [...found.values()];
}

function marked(entry: string): number[] {
  let names: string[];
  try {
    names = readdirSync('/proc');
  } catch {
    return []; // no Linux
  }
  return names
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(entry);
      } catch {
        return false; // gone, or not ours
      }
    });
}

function end(entry: ProcStat): boolean {
  // The pid may be somebody else's by now: looked at as late as can be.
  if (statOf(entry.pid)?.start_ticks !== entry.start_ticks) return false;
  try {
    process.kill(entry.pid, 'SIGKILL');
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ESRCH' || code === 'EPERM') return false;
    throw error;
  }
}
