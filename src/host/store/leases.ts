/** SQL of `leases`: who may write to an agent's run. The generation only grows, so an old holder is fenced. */
import type { Principal } from '../api.ts';
import { toJson } from './json.ts';
import type { Readable } from './reader.ts';
import { defineTable } from './table.ts';

export const leases = defineTable({ name: 'leases', leaves: 'never' });

export interface LeaseRecord {
  agent: string;
  generation: number;
  /** null: it is not held (the row stays for its generation). */
  holder: string | null;
  phase: 'pending' | 'held' | 'returning' | null;
  run: string | null;
  since_ms: number | null;
  expires_ms: number | null;
  /** What a restarted host needs to go on with the swap. */
  detail: LeaseDetail;
}

export interface LeaseDetail {
  when?: 'boundary' | 'now';
  /** Who asked for it; missing in rows of older versions. */
  by?: Principal;
  /** What its holder has beside the right to speak, each with what it is brought up with again. */
  surfaces?: LeaseSurfaces;
  waitingFor?: string | null;
  note?: string;
  /** Its holder vanished; the host hands it back. */
  expired?: boolean;
  /** The agent's turn was cut short by the takeover. */
  interrupted?: boolean;
}

/** One lease covers all of them; messages of others wait for it in any case. */
export interface LeaseSurfaces {
  terminal?: { cols: number; rows: number };
  desktop?: { width: number; height: number };
}

interface Row {
  agent: string;
  generation: number;
  holder: string | null;
  phase: string | null;
  run: string | null;
  since_ms: number | null;
  expires_ms: number | null;
  detail: string | null;
}

export class LeaseTable {
  readonly #all;
  readonly #put;

  constructor(store: Readable) {
    this.#all = store.db.prepare<[], Row>('SELECT * FROM leases');
    this.#put = store.db.prepare(
      'INSERT OR REPLACE INTO leases (agent, generation, holder, phase, run, since_ms, expires_ms, detail) VALUES (?,?,?,?,?,?,?,?)',
    );
  }

  all(): LeaseRecord[] {
    return this.#all.all().map((row) => ({
      ...row,
      phase: row.phase as LeaseRecord['phase'],
      detail: row.detail === null ? {} : (JSON.parse(row.detail) as LeaseDetail),
    }));
  }

  put(lease: LeaseRecord): void {
    this.#put.run(
      lease.agent,
      lease.generation,
      lease.holder,
      lease.phase,
      lease.run,
      lease.since_ms,
      lease.expires_ms,
      toJson(lease.detail),
    );
  }
}
