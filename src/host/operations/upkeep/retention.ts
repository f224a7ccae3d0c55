/**
 * Bounds the disk: ended runs and old events are kept for a number of days and bytes (`retention` in aether.yaml),
 * whichever limit is reached first, and are removed oldest first. Live runs, open requests and memories are never
 * touched, and neither is anything of an agent's own (its conversations, its workspace). The event log records how far
 * it was cut (chain.ts).
 *
 * * Age is judged only on a clock that has been steady for an hour: a wrong date must not delete two weeks of journals
 * before an operator notices it.
 */
import fs from 'node:fs/promises';
import path from 'node:path';
import type { RetentionConfig } from '../../config/types.ts';
import { isDiskFull, messageOf } from '../../errors.ts';
import { bootId, isAlive } from '../../process/proc.ts';
import { logTables, SettledRemover } from '../../store/retention.ts';
import { DAY_MS } from '../../store/table.ts';
import type { Wiring } from '../wiring.ts';
import { directoryBytes } from './disk-use.ts';
import { type Cut, LogCut } from './log-cut.ts';

const SWEEP_MS = 60_000;
const STEADY_MS = 3_600_000;
/** Wall clock and elapsed time may part this much between two sweeps; more means that the clock was set. */
const DRIFT_MS = 5_000;
export interface Swept {
  runs: string[];
  bytes: number;
  /** Rows removed, by table: of those that are cut by bytes as well. */
  rows: Record<string, number>;
}

interface KeptRun {
  id: string;
  ended_ms: number;
  newest: boolean;
  bytes: number;
}

/** Of the host's parts. */
type Needs = Pick<Wiring, 'store' | 'clock' | 'events' | 'runs' | 'runTable' | 'log' | 'stateDir'>;

export class Retention {
  readonly #wiring: Needs;
  readonly #settled: SettledRemover;
  readonly #logs: LogCut[];
  readonly #rules: () => RetentionConfig;
  /** Of ended runs, whose directories do not change any more. */
  readonly #bytes = new Map<string, number>();
  #seen: { wall_ms: number; elapsed_ms: number; steady_since: number };
  /** Removed, and not yet in the event log. */
  #untold: { runs: string[]; bytes: number } = { runs: [], bytes: 0 };
  #sweeping: Promise<Swept> | null = null;
  #cancel = () => {};
  #closed = false;

  constructor(wiring: Needs, rules: () => RetentionConfig) {
    this.#wiring = wiring;
    const { clock, events, store } = wiring;
    this.#settled = new SettledRemover(store);
    const announce: Record<string, (cut: Cut) => void> = { events: (cut) => events.announceRemoval(cut) };
    this.#logs = logTables(store).map(
      (table) => new LogCut({ table, announce: announce[table.name], closed: () => this.#closed }),
    );
    this.#rules = rules;
    this.#seen = { wall_ms: clock.now(), elapsed_ms: clock.elapsed(), steady_since: clock.elapsed() };
  }

  /** Sweeps from now on, once a minute. */
  start(): void {
    this.#cancel = this.#wiring.clock.after(SWEEP_MS, () => {
      this.sweep()
        .catch((error: unknown) => {
          // Without disk nothing can be noted down, and so nothing is removed: a later sweep does it.
          const level = isDiskFull(error) ? 'warn' : 'error';
          this.#wiring.log[level]({ error: messageOf(error) }, 'what has expired could not be removed');
        })
        .finally(() => {
          if (!this.#closed) this.start();
        });
    });
  }

  /** Resolves once nothing of it is under way. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel();
    await this.#sweeping?.catch(() => undefined); // its own caller gets the error
  }

  /** Removes what is over now. @returns what went */
  sweep(): Promise<Swept> {
    this.#sweeping ??= this.#sweep().finally(() => {
      this.#sweeping = null;
    });
    return this.#sweeping;
  }

  async #sweep(): Promise<Swept> {
    const rules = this.#rules();
    const now = this.#wiring.clock.now();
    const steady = this.#steady();
    const swept: Swept = { runs: [], bytes: 0, rows: {} };
    await this.#runs(rules, now, steady, swept);
    if (this.#closed) return swept;
    if (steady) this.#settled.remove(rules, now);
    for (const log of this.#logs) swept.rows[log.name] = await log.sweep(rules, steady ? now : null);
    return swept;
  }

  #steady(): boolean {
    const { clock } = this.#wiring;
    const [wall_ms, elapsed_ms] = [clock.now(), clock.elapsed()];
    const drift = wall_ms - this.#seen.wall_ms - (elapsed_ms - this.#seen.elapsed_ms);
    const steady_since = Math.abs(drift) > DRIFT_MS ? elapsed_ms : this.#seen.steady_since;
    this.#seen = { wall_ms, elapsed_ms, steady_since };
    return elapsed_ms - steady_since >= STEADY_MS;
  }

  /* ---------- the directories of ended runs ---------- */

  async #runs(rules: RetentionConfig, now: number, steady: boolean, swept: Swept): Promise<void> {
    const kept = await this.#kept(steady ? now - DAY_MS : Number.NEGATIVE_INFINITY);
    let total = kept.reduce((sum, run) => sum + run.bytes, 0);
    // The last run of an agent is what one looks at first when something went wrong.
    kept.sort((a, b) => Number(a.newest) - Number(b.newest) || a.ended_ms - b.ended_ms);
    for (const run of kept) {
      const old = steady && run.ended_ms < now - rules.days * DAY_MS;
      if (!old && total <= rules.bytes) continue;
      if (this.#closed) break;
      if (!(await this.#removed(run.id))) continue;
      this.#bytes.delete(run.id);
      total -= run.bytes;
      for (const told of [swept, this.#untold]) {
        told.runs.push(run.id);
        told.bytes += run.bytes;
      }
    }
    // Afterwards: on a full disk there is room for it only now.
    if (this.#untold.runs.length === 0) return;
    this.#wiring.events.append({
      topic: 'runs.removed',
      principal: 'host',
      grade: 'enforced',
      data: this.#untold,
    });
    this.#untold = { runs: [], bytes: 0 };
  }

  /** A program can leave what cannot be removed, such as a tree deeper than a path can say: that run stays. */
  async #removed(run: string): Promise<boolean> {
    try {
      await fs.rm(this.#dir(run), { recursive: true, force: true });
      return true;
    } catch (error) {
      if (isDiskFull(error)) throw error;
      this.#wiring.log.warn(
        { run, error: messageOf(error) },
        'the directory of an ended run was not removed',
      );
      return false;
    }
  }

  #dir(run = ''): string {
    return path.join(this.#wiring.stateDir, 'runs', run);
  }

  /**
   * Ended runs that still have a directory.
   * @param made_ms a directory no run is known of counts when it is older: a newer one may be for a run that begins
   */
  async #kept(made_ms: number): Promise<KeptRun[]> {
    const names = await fs.readdir(this.#dir()).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
    const kept: KeptRun[] = [];
    for (const id of names) {
      const run = this.#wiring.runTable.ended(id);
      if (run === 'live' || this.#wiring.runs.byId(id) !== null || this.#shimLives(id)) continue;
      const ended_ms = run?.exited_ms ?? (await changed(this.#dir(id)));
      if (ended_ms === null || (run === null && ended_ms > made_ms)) continue;
      const bytes = this.#bytes.get(id) ?? (await directoryBytes(this.#dir(id)));
      this.#bytes.set(id, bytes);
      kept.push({ id, ended_ms, newest: run?.newest ?? false, bytes });
    }
    return kept;
  }

  /** A run that was given up may still have its shim, which writes. */
  #shimLives(id: string): boolean {
    if (this.#bytes.has(id)) return false;
    const record = this.#wiring.runTable.get(id);
    return record?.shim != null && record.boot_id === bootId() && isAlive(record.shim);
  }
}

/** When a directory without a run was made or changed; null when it is gone. */
async function changed(dir: string): Promise<number | null> {
  const stat = await fs.stat(dir).catch(() => null);
  return stat === null ? null : stat.mtimeMs;
}
