/** Whether a pid is a live process. For messages to people only, never for deciding which process holds a lock. */
import { readdirSync, readFileSync } from 'node:fs';

/** False for a zombie: it has ended, and only waits for its parent to notice. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  if (process.platform !== 'linux') return true;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name may hold anything, so the state is what follows its last parenthesis.
    if (stat[stat.lastIndexOf(')') + 2] !== 'Z') return true;
    // Only its first thread may have ended: the others still hold its locks and sockets.
    return readdirSync(`/proc/${pid}/task`).length > 1;
  } catch {
    return false; // it went away between the two looks
  }
}
