/**
 * Who may write to an agent's run. One lease covers terminal and inject; its generation only grows, so a holder from
 * before a crash, a hand-back or an expiry is refused.
 */
import type { LeaseView } from '../api.ts';
import type { Clock } from '../clock.ts';
import { AetherError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { LeaseDetail, LeaseRecord, LeaseTable } from '../store/leases.ts';
import type { Store } from '../store/store.ts';

/** A holder's client beats at least this often; longer silence means that it vanished. */
const BEAT_MS = 30_000;
/** A holder who has not beaten for this long may take the lease again from another window. */
const SILENT_MS = 15_000;

export class Leases {
  readonly #store: Store;
  readonly #table: LeaseTable;
  readonly #clock: Clock;
  readonly #records = new Map<string, LeaseRecord>();
  /** When each holder was last heard of, and when the time of a silent one is over: elapsed milliseconds. */
  readonly #beats = new Map<string, number>();
  readonly #ends = new Map<string, number>();

  constructor(options: { store: Store; table: LeaseTable; clock: Clock }) {
    this.#store = options.store;
    this.#table = options.table;
    this.#clock = options.clock;
    for (const record of options.table.all()) {
      this.#records.set(record.agent, record);
      // Whether its holder outlived the last host is not known yet: one beat says so.
      this.#beats.set(record.agent, options.clock.elapsed() - SILENT_MS);
      if (record.expires_ms === null) continue;
      const left_ms = Math.min(
        Math.max(record.expires_ms - options.clock.now(), 0),
        limits.lease_vanished_ms,
      );
      this.#ends.set(record.agent, options.clock.elapsed() + left_ms);
    }
  }

  /** The lease that is pending, held or being returned; null when there is none. */
  find(agent: string): LeaseRecord | null {
    const record = this.#records.get(agent);
    return record === undefined || record.holder === null ? null : record;
  }

  all(): LeaseRecord[] {
    return [...this.#records.values()].filter((record) => record.holder !== null);
  }

  take(agent: string, run: string, holder: string, detail: LeaseDetail): LeaseRecord {
    const record: LeaseRecord = {
      agent,
      generation: (this.#records.get(agent)?.generation ?? 0) + 1,
      holder,
      phase: 'pending',
      run,
      since_ms: this.#clock.now(),
      expires_ms: null,
      detail,
    };
    this.#put(record);
    this.beat(agent, record.generation);
    return record;
  }

  change(agent: string, generation: number, change: (record: LeaseRecord) => void): LeaseRecord {
    const record = this.require(agent, generation);
    const before = structuredClone(record);
    return this.#store.transaction(() => {
      this.#store.onRollback(() => Object.assign(record, before));
      change(record);
      this.#put(record);
      return record;
    });
  }

  release(agent: string): void {
    const record = this.#records.get(agent);
    if (record === undefined) return;
    this.#put({
      ...record,
      holder: null,
      phase: null,
      run: null,
      since_ms: null,
      expires_ms: null,
      detail: {},
    });
  }

  /** The lease of exactly this generation; a stale one is refused with who holds it now. */
  require(agent: string, generation: number): LeaseRecord {
    const record = this.find(agent);
    if (record !== null && record.generation === generation) return record;
    throw new AetherError({
      code: 'lease.stale',
      who: 'user',
      message:
        record === null
          ? `You no longer hold ${agent}: it was handed back.`
          : `You no longer hold ${agent}: ${record.holder} does.`,
      next: record === null ? 'Take over again.' : 'Wait until it is handed back.',
      details: { agent, generation, current: record?.generation ?? null },
    });
  }

  beat(agent: string, generation: number): void {
    const record = this.find(agent);
    if (record === null || record.generation !== generation) return;
    this.#beats.set(agent, this.#clock.elapsed());
    if (record.expires_ms !== null)
      this.change(agent, generation, (lease) => {
        lease.expires_ms = null;
      });
  }

  /** True when nothing was heard of the holder lately: its window may be gone. */
  silent(agent: string): boolean {
    return this.#silence(agent) >= SILENT_MS;
  }

  #silence(agent: string): number {
    return this.#clock.elapsed() - (this.#beats.get(agent) ?? Number.NEGATIVE_INFINITY);
  }

  /** Marks holders that went silent and returns the expired leases. */
  sweep(): LeaseRecord[] {
    const now = this.#clock.elapsed();
    const over: LeaseRecord[] = [];
    for (const record of this.all()) {
      if (record.phase !== 'held') continue;
      if (record.expires_ms === null && this.#silence(record.agent) > BEAT_MS) {
        this.change(record.agent, record.generation, (lease) => {
          lease.expires_ms = this.#clock.now() + limits.lease_vanished_ms;
        });
        this.#ends.set(record.agent, now + limits.lease_vanished_ms);
      } else if (record.expires_ms !== null && (this.#ends.get(record.agent) ?? now) <= now) {
        over.push(record);
      }
    }
    return over;
  }

  #put(record: LeaseRecord): void {
    this.#store.transaction(() => {
      const before = this.#records.get(record.agent);
      this.#store.onRollback(() => {
        if (before === undefined) this.#records.delete(record.agent);
        else this.#records.set(record.agent, before);
      });
      this.#table.put(record);
      this.#records.set(record.agent, record);
    });
  }
}

export function leaseView(record: LeaseRecord): LeaseView {
  return {
    agent: record.agent,
    generation: record.generation,
    holder: record.holder ?? '',
    phase: record.phase ?? 'pending',
    since_ms: record.since_ms ?? 0,
    expires_ms: record.expires_ms,
    waitingFor: record.detail.waitingFor ?? null,
  };
}
