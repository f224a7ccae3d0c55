/**
 * What is left of a run whose shim has died. Nobody is its ancestor any more, but everything that was started in
 * it carries the run's marker, and what washed that off descends from something that does. Linux only: elsewhere
 * nobody tells the environment of a process, and a terminal that is hung up has to be enough.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { RUN_MARKER } from './marker.ts';
import { descendants, environmentOf, everyProcess, type ProcStat } from './proc.ts';
import { signalProcess } from './signal.ts';

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
    for (const entry of alive)
      if (signalProcess(entry, 'SIGKILL')) killed.add(`${entry.pid}:${entry.start_ticks}`);
    if (alive.length === 0 || performance.now() >= deadline)
      return { killed: killed.size, survivors: alive.length };
    await sleep(PAUSE_MS);
  }
}

function remainsOf(run: string): ProcStat[] {
  const marker = `${RUN_MARKER}=${run}`;
  const found = new Map<number, ProcStat>();
  for (const entry of everyProcess()) {
    if (environmentOf(entry.pid)?.includes(marker) !== true) continue;
    for (const one of [entry, ...descendants(entry.pid)])
      if (!one.zombie && one.pid !== process.pid) found.set(one.pid, one);
  }
  return [...found.values()];
}
