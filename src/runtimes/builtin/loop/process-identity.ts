/** Who a process id belongs to: ids are reused, so one alone proves nothing. */
import { readFileSync } from 'node:fs';

export interface ProcessIdentity {
  pid: number;
  /** Field 22 of /proc/PID/stat; 0 where there is no /proc. */
  start_ticks: number;
}

/** Parent and start time from /proc; null when the process is gone or there is no /proc. */
export function readStat(pid: number): { parent: number; start_ticks: number; state: string } | null {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return null;
  }
  // The second field is the program's name in parentheses and may itself contain both spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? '', parent: Number(fields[1]), start_ticks: Number(fields[19]) };
}

export function ownIdentity(): ProcessIdentity {
  return { pid: process.pid, start_ticks: readStat(process.pid)?.start_ticks ?? 0 };
}

/** Whether exactly this process still runs; a zombie does not. */
export function isAlive(identity: ProcessIdentity): boolean {
  const stat = readStat(identity.pid);
  if (stat) {
    return stat.state !== 'Z' && (identity.start_ticks === 0 || stat.start_ticks === identity.start_ticks);
  }
  if (identity.start_ticks !== 0) return false;
  try {
    process.kill(identity.pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
