/**
 * Slow or stuck? A turn is stuck when it made no progress for the configured time: the engine printed nothing, no tool
 * began or ended, no process came or went, and none used the CPU. Pure: it computes on numbers.
 */

/** One look at a run that is in the middle of a turn. */
export interface Look {
  at_ms: number;
  /** When the engine last printed anything. */
  heard_ms: number;
  /** Tool calls that run. */
  tools: string[];
  /** By 'pid:start': CPU ticks used so far, in units of 10 ms. */
  processes: Map<string, number>;
  /** Which of them is the engine itself. */
  engine: string | null;
}

/** Since when nothing has moved, and what was seen then. */
export interface Quiet {
  since: Look;
  last_ms: number;
}

/** An engine that waits has timers of its own: measured 0.7 to 1.1 ticks a second for Claude Code. */
const ENGINE_TICKS_PER_S_MAX = 5;
/** A tool or a server that waits uses nothing; a garbage collection now and then is forgiven. */
const OTHER_TICKS_PER_S_MAX = 0.1;
const TICKS_FORGIVEN = 2;

export function cpuSince(quiet: Quiet, now: Look): { engine: number; others: number } {
  let engine = 0;
  let others = 0;
  for (const [process, ticks] of now.processes) {
    const used = ticks - (quiet.since.processes.get(process) ?? 0);
    if (process === now.engine) engine += used;
    else others += used;
  }
  return { engine, others };
}

/**
 * @param before what the look before this one gave
 * @param look_ms how often it is looked: after a much longer gap it is not known whether something moved
 */
export function stillQuiet(before: Quiet | null, now: Look, look_ms: number): Quiet {
  const afresh = { since: now, last_ms: now.at_ms };
  if (before === null) return afresh;
  const { since, last_ms } = before;
  const gap_ms = now.at_ms - last_ms;
  if (gap_ms < 0 || gap_ms > 3 * look_ms) return afresh;
  if (now.heard_ms !== since.heard_ms || now.engine !== since.engine) return afresh;
  if (now.tools.join() !== since.tools.join()) return afresh;
  const same =
    now.processes.size === since.processes.size &&
    [...now.processes.keys()].every((process) => since.processes.has(process));
  if (!same) return afresh;
  const seconds = (now.at_ms - since.at_ms) / 1_000;
  const { engine, others } = cpuSince(before, now);
  const moved =
    engine > seconds * ENGINE_TICKS_PER_S_MAX + TICKS_FORGIVEN ||
    others > seconds * OTHER_TICKS_PER_S_MAX + TICKS_FORGIVEN;
  return moved ? afresh : { since, last_ms: now.at_ms };
}
