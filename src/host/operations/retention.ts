/**
 * Bounded disk: what ended is kept for days and within bytes (`retention` in aether.yaml), whichever is reached
 * first, and goes oldest first. What lives, is open or is remembered is never touched, and neither is anything of
 * an agent's own (its conversations, its workspace). The event log says of itself how far it was cut (chain.ts).
 *
 * Age is judged only on a clock that has been steady for an hour: a wrong date, for as long as somebody takes to
 * notice, must not cost two weeks of journals.
 */
import fs from 'node:fs/promises';
import path from 'node:path';
import type { RetentionConfig } from '../config/types.ts';
import { isDiskFull, messageOf } from '../errors.ts';
import { PRUNED } from '../events/chain.ts';
import type { PrunedData } from '../events/topics.ts';
import { bootId, isAlive } from '../process/proc.ts';
import { type OldEvent, RetentionTable } from '../store/retention.ts';
import { directoryBytes } from './disk-use.ts';
import type { Wiring } from './wiring.ts';

const SWEEP_MS = 60_000;
const DAY_MS = 24 * 3_600_000;
const STEADY_MS = 3_600_000;
/** Wall clock and elapsed time may part this much between two sweeps; more is somebody setting the clock. */
const DRIFT_MS = 5_000;
/** A receipt this old belongs to a bridge that is long gone; a run this old reports no fact twice. */
const SETTLED_MS = DAY_MS;
/** By size the log is cut to this part of its bound, by age once a day: each cut is an event of its own. */
const CUT_TO = 0.9;
/** Events looked at in one sweep. */
const EVENTS_PER_SWEEP_MAX = 20_000;

export interface Swept {
  runs: string[];
  bytes: number;
  events: number;
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
  readonly #table: RetentionTable;
  readonly #rules: () => RetentionConfig;
  /** Of ended runs, whose directories do not change any more. */
  readonly #bytes = new Map<string, number>();
  #events = { through: 0, bytes: 0 };
  #seen: { wall_ms: number; elapsed_ms: number; steady_since: number };
  /** Removed, and not yet in the event log. */
  #untold: { runs: string[]; bytes: number } = { runs: [], bytes: 0 };
  #sweeping: Promise<Swept> | null = null;
  #cancel = () => {};
  #closed = false;

  constructor(wiring: Needs, rules: () => RetentionConfig) {
    this.#wiring = wiring;
    this.#table = new RetentionTable(wiring.store);
    this.#rules = rules;
    const { clock } = wiring;
    this.#seen = { wall_ms: clock.now(), elapsed_ms: clock.elapsed(), steady_since: clock.elapsed() };
  }

  /** Sweeps from now on, once a minute. */
  start(): void {
    this.#cancel = this.#wiring.clock.after(SWEEP_MS, () => {
      this.sweep()
        .catch((error: unknown) => {
          // Without disk nothing can be noted down, and so nothing is removed: a later sweep does it.
          const level = isDiskFull(error) ? 'warn' : 'error';
          this.#wiring.log[level]({ error: messageOf(error) }, 'what is over could not be removed');
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
    await this.#sweeping?.catch(() => undefined); // whoever began it hears of it
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
    const swept: Swept = { runs: [], bytes: 0, events: 0 };
    await this.#runs(rules, now, steady, swept);
    if (this.#closed) return swept;
    if (steady) {
      const before = now - rules.events_days * DAY_MS;
      this.#table.forgetRuns(before);
      this.#table.forgetSettled(before);
      this.#table.forgetFacts(now - SETTLED_MS);
      this.#table.forgetReceipts(now - SETTLED_MS);
    }
    await this.#cutEvents(rules, now, steady, swept);
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
      const run = this.#table.run(id);
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

  /* ---------- the event log ---------- */

  async #cutEvents(rules: RetentionConfig, now: number, steady: boolean, swept: Swept): Promise<void> {
    for (let more = this.#table.measure(this.#events.through); more !== null; ) {
      this.#events = { through: more.last, bytes: this.#events.bytes + more.bytes };
      await breath();
      more = this.#table.measure(this.#events.through);
    }
    const before_ms = steady ? now - rules.events_days * DAY_MS : Number.NEGATIVE_INFINITY;
    const oldest = this.#table.events(0)[0];
    if (oldest === undefined || this.#closed) return;
    const large = this.#events.bytes > rules.events_bytes;
    if (!large && oldest.at_ms >= before_ms - DAY_MS) return;

    const target = large ? rules.events_bytes * CUT_TO : Number.POSITIVE_INFINITY;
    const cut = await this.#cut(before_ms, target);
    if (cut.last === null || this.#closed) return;
    const data: PrunedData = {
      through: cut.last.seq,
      hash: cut.last.hash,
      removed: cut.count,
      newest_ms: cut.last.at_ms,
      why: large ? 'size' : 'age',
    };
    // First the word, then the deed: whoever dies in between leaves a chain that explains itself.
    this.#wiring.events.append({ topic: PRUNED, principal: 'host', grade: 'enforced', data });
    for (let removed = 1; removed > 0 && !this.#closed; ) {
      removed = this.#table.forgetEvents(data.through);
      swept.events += removed;
      await breath();
    }
    this.#events.bytes -= cut.bytes;
  }

  /** The newest event of those that go. */
  async #cut(
    before_ms: number,
    bytes_max: number,
  ): Promise<{ last: OldEvent | null; count: number; bytes: number }> {
    const cut: { last: OldEvent | null; count: number; bytes: number } = { last: null, count: 0, bytes: 0 };
    while (cut.count < EVENTS_PER_SWEEP_MAX) {
      const page = this.#table.events(cut.last?.seq ?? 0);
      for (const event of page) {
        const goes = event.at_ms < before_ms || this.#events.bytes - cut.bytes > bytes_max;
        if (!goes) return cut;
        cut.last = event;
        cut.count += 1;
        cut.bytes += event.bytes;
      }
      if (page.length === 0) return cut;
      await breath();
    }
    return cut;
  }
}

/** When a directory without a run was made or changed; null when it is gone. */
async function changed(dir: string): Promise<number | null> {
  const stat = await fs.stat(dir).catch(() => null);
  return stat === null ? null : stat.mtimeMs;
}

/** The host does other things in between. */
function breath(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
