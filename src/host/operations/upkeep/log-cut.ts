/**
 * Cuts a table that only grows at its old end, by age and by bytes (`LogRows`). What the table takes is summed up as it
 * grows, so a sweep reads only what is new and what goes.
 */
import type { RetentionConfig } from '../../config/types.ts';
import type { LogTable, OldRow } from '../../store/retention.ts';
import { DAY_MS } from '../../store/table.ts';

/** By bytes a table is cut to this part of its bound, so that not every sweep cuts. */
const CUT_TO = 0.9;
/** Rows looked at in one sweep. */
const ROWS_PER_SWEEP_MAX = 20_000;

export interface Cut {
  /** Every row up to this one goes. */
  through: number;
  removed: number;
  newest_ms: number;
  why: 'age' | 'size';
}

export class LogCut {
  readonly name: string;
  readonly #table: LogTable;
  readonly #announce: ((cut: Cut) => void) | undefined;
  readonly #closed: () => boolean;
  #measured = { through: 0, bytes: 0 };

  /**
   * @param parts.announce says so before the rows go, so that a host that dies in between leaves a log that explains
   *   itself; such a table is cut by age once a day at most
   * @param parts.closed nothing may be removed any more
   */
  constructor(parts: {
    table: LogTable;
    announce: ((cut: Cut) => void) | undefined;
    closed: () => boolean;
  }) {
    this.name = parts.table.name;
    this.#table = parts.table;
    this.#announce = parts.announce;
    this.#closed = parts.closed;
  }

  /** @param now_ms null: the clock is not to be trusted, so no row is old. @returns how many rows went */
  async sweep(rules: RetentionConfig, now_ms: number | null): Promise<number> {
    await this.#measure();
    const kept = this.#table.rule.kept(rules);
    const before_ms = now_ms === null ? Number.NEGATIVE_INFINITY : now_ms - kept.age_ms;
    const oldest = this.#table.page(0)[0];
    if (oldest === undefined || this.#closed()) return 0;
    const large = this.#measured.bytes > kept.bytes;
    const due_ms = this.#announce === undefined ? before_ms : before_ms - DAY_MS;
    if (!large && oldest.at_ms >= due_ms) return 0;

    const cut = await this.#cut(before_ms, large ? kept.bytes * CUT_TO : Number.POSITIVE_INFINITY);
    if (cut.last === null || this.#closed()) return 0;
    this.#announce?.({
      through: cut.last.order,
      removed: cut.count,
      newest_ms: cut.last.at_ms,
      why: large ? 'size' : 'age',
    });
    let sum = 0;
    for (let removed = 1; removed > 0 && !this.#closed(); ) {
      removed = this.#table.remove(cut.last.order);
      sum += removed;
      await breath();
    }
    this.#measured.bytes -= cut.bytes;
    return sum;
  }

  async #measure(): Promise<void> {
    for (let more = this.#table.measure(this.#measured.through); more !== null; ) {
      this.#measured = { through: more.last, bytes: this.#measured.bytes + more.bytes };
      await breath();
      more = this.#table.measure(this.#measured.through);
    }
  }

  /** The newest row of those that go. */
  async #cut(
    before_ms: number,
    bytes_max: number,
  ): Promise<{ last: OldRow | null; count: number; bytes: number }> {
    const cut: { last: OldRow | null; count: number; bytes: number } = { last: null, count: 0, bytes: 0 };
    while (cut.count < ROWS_PER_SWEEP_MAX) {
      const page = this.#table.page(cut.last?.order ?? 0);
      for (const row of page) {
        const goes = row.at_ms < before_ms || this.#measured.bytes - cut.bytes > bytes_max;
        if (!goes) return cut;
        cut.last = row;
        cut.count += 1;
        cut.bytes += row.bytes;
      }
      if (page.length === 0) return cut;
      await breath();
    }
    return cut;
  }
}

/** The host does other things in between. */
function breath(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
