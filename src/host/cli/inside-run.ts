/**
 * Whether an agent started this command. A host recognises its own runs by their processes; the user's own host, which
 * serves outside clients, cannot recognise runs of another host. So the command checks its environment, that of the
 * processes above it, and its control group. Best effort: an agent of the same user can get around it.
 */
import { readFileSync } from 'node:fs';

/** Levels that are looked at: an agent's shell is a handful deep. */
const ANCESTORS_MAX = 64;

export function isInsideRun(): boolean {
  if (process.env.AETHER_RUN) return true;
  // The group of a run: named by the state directory and the run.
  if (/\/aether-[0-9a-f]{16}\/r_/.test(read('/proc/self/cgroup'))) return true;
  let pid = process.ppid;
  for (let level = 0; level < ANCESTORS_MAX && pid > 1; level += 1) {
    if (/(?:^|\0)AETHER_RUN=[^\0]/.test(read(`/proc/${pid}/environ`))) return true;
    // pid (name) state ppid: the name may hold anything.
    const [, parent] = /^\d+ \(.*\) \S (\d+) /s.exec(read(`/proc/${pid}/stat`)) ?? [];
    if (parent === undefined) return false;
    pid = Number(parent);
  }
  return false;
}

/** Empty where there is no such file (no Linux, a process that has ended) or it is not ours to read. */
function read(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}
