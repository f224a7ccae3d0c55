/**
 * The memories of scopes as search reads them: the parts of the index, and the newest rows, which have none yet, in a
 * part in memory. What was read stays decoded within a bound; removals alone change a part, and it counts them.
 */
import { type Documents, GrowingPart, type Part, type Postings } from '../memory/search/part.ts';
import type { Shelf } from '../memory/search/prepare.ts';
import { toJson } from './json.ts';
import { DamagedIndex, decodeDocuments, decodePostings } from './memory-codec.ts';
import { INDEX_FORM } from './memory-index.ts';
import { type StoredText, toIndexed } from './memory-parts.ts';
import type { Readable } from './reader.ts';

/** Rows without a part that are searched, the newest of them: reading more would take longer than a search may. */
const UNINDEXED_MAX = 2_000;
const UNINDEXED_BYTES_MAX = 4 * 1024 * 1024;
const TAILS_MAX = 64;
const LISTS_BYTES_MAX = 96 * 1024 * 1024;
/** Of a list that is kept, besides its numbers. */
const LIST_BYTES = 250;

interface PartRow {
  id: number;
  last_rowid: number;
  size: number;
  length_sum: number;
  changes: number;
}

interface Tail {
  part: GrowingPart;
  /** The last row of the part before it, and how many removals its scope had seen. */
  after: number;
  removals: number;
  lastSeen: number;
  bytes: number;
  unread: number;
}

export interface Shelves {
  shelves: Shelf[];
  /** Rows that are not searched, because their part of the index is still to be made. */
  unread: number;
}

export class ShelfReader {
  readonly #parts;
  readonly #documents;
  readonly #list;
  readonly #held;
  readonly #removals;
  readonly #newest;
  readonly #newer;
  readonly #count;
  readonly #known = new Map<string, Map<string, StoredPart>>();
  readonly #tails = new Map<string, Tail>();
  readonly #lists = new ListCache();

  constructor({ db }: Readable) {
    this.#parts = db.prepare<[string, string], PartRow>(
      `SELECT id, last_rowid, size, length_sum, changes FROM memory_parts
       WHERE scope = ? AND state = 'ready' AND form = ? ORDER BY first_rowid`,
    );
    this.#documents = db
      .prepare<[number], Buffer | null>('SELECT documents FROM memory_parts WHERE id = ?')
      .pluck();
    this.#list = db
      .prepare<[number, string], Buffer>('SELECT holders FROM memory_postings WHERE part = ? AND term = ?')
      .pluck();
    this.#held = db
      .prepare<[number, string], string>(
        'SELECT term FROM memory_postings WHERE part = ? AND term IN (SELECT value FROM json_each(?))',
      )
      .pluck();
    this.#removals = db
      .prepare<[string], number>('SELECT count FROM memory_removals WHERE scope = ?')
      .pluck();
    const columns = 'rowid, key, text, tags, layer, author, run, valid_from_ms, created_ms';
    const after = 'FROM memories INDEXED BY memories_of_scope WHERE scope = ? AND rowid > ?';
    this.#newest = db.prepare<[string, number], StoredText>(
      `SELECT ${columns} ${after} AND forgotten_ms IS NULL ORDER BY rowid DESC`,
    );
    this.#newer = db.prepare<[string, number], StoredText>(
      `SELECT ${columns} ${after} AND forgotten_ms IS NULL ORDER BY rowid`,
    );
    this.#count = db.prepare<[string, number], number>(`SELECT count(*) ${after}`).pluck();
  }

  /**
   * Called in one transaction with what is read from them.
   * @throws DamagedIndex
   */
  read(scopes: readonly string[]): Shelves {
    let unread = 0;
    const shelves = scopes.map((scope) => {
      const { parts, last_rowid } = this.#indexed(scope);
      const tail = this.#tail(scope, last_rowid);
      unread += tail.unread;
      return { parts: [...parts, tail.part].filter(({ size }) => size > 0) };
    });
    return { shelves, unread };
  }

  #indexed(scope: string): { parts: Part[]; last_rowid: number } {
    const rows = this.#parts.all(scope, INDEX_FORM);
    const before = this.#known.get(scope);
    const now = new Map<string, StoredPart>();
    for (const row of rows) {
      const version = `${row.id}.${row.changes}`;
      now.set(version, before?.get(version) ?? this.#load(row, version));
    }
    this.#known.set(scope, now);
    return { parts: [...now.values()], last_rowid: rows.at(-1)?.last_rowid ?? 0 };
  }

  #load(row: PartRow, version: string): StoredPart {
    const bytes = this.#documents.get(row.id);
    if (bytes === undefined || bytes === null) throw new DamagedIndex('a part of the index has no documents');
    const read = (term: string): Postings | null => {
      const key = `${version} ${term}`;
      const kept = this.#lists.get(key);
      if (kept !== undefined) return kept;
      const list = this.#list.get(row.id, term);
      const postings = list === undefined ? null : decodePostings(term, list);
      this.#lists.put(key, postings);
      return postings;
    };
    const heldOf = (terms: ReadonlySet<string>) => this.#held.all(row.id, toJson([...terms]));
    return new StoredPart(row, decodeDocuments(bytes, row.size), { read, heldOf });
  }

  #tail(scope: string, after: number): Tail {
    const removals = this.#removals.get(scope) ?? 0;
    let tail = this.#tails.get(scope);
    if (tail === undefined || tail.after !== after || tail.removals !== removals || isLong(tail, 2)) {
      tail = this.#freshTail(scope, after, removals);
    } else {
      for (const row of this.#newer.iterate(scope, tail.lastSeen)) {
        put(tail, row);
        if (isLong(tail, 2)) break;
      }
    }
    // The one that was used last is let go last.
    this.#tails.delete(scope);
    this.#tails.set(scope, tail);
    if (this.#tails.size > TAILS_MAX) this.#tails.delete(this.#tails.keys().next().value!);
    return tail;
  }

  #freshTail(scope: string, after: number, removals: number): Tail {
    const tail: Tail = { part: new GrowingPart(), after, removals, lastSeen: after, bytes: 0, unread: 0 };
    const rows: StoredText[] = [];
    let bytes = 0;
    for (const row of this.#newest.iterate(scope, after)) {
      rows.push(row);
      bytes += row.text.length;
      if (rows.length >= UNINDEXED_MAX || bytes >= UNINDEXED_BYTES_MAX) break;
    }
    const stopped = rows.length >= UNINDEXED_MAX || bytes >= UNINDEXED_BYTES_MAX;
    if (stopped) tail.unread = Math.max(0, (this.#count.get(scope, after) ?? 0) - rows.length);
    for (const row of rows.reverse()) put(tail, row);
    return tail;
  }
}

function put(tail: Tail, row: StoredText): void {
  tail.part.add(toIndexed(row));
  tail.lastSeen = row.rowid;
  tail.bytes += row.text.length;
}

const isLong = ({ part, bytes }: Tail, times: number): boolean =>
  part.size >= times * UNINDEXED_MAX || bytes >= times * UNINDEXED_BYTES_MAX;

interface Lists {
  read(term: string): Postings | null;
  heldOf(terms: ReadonlySet<string>): string[];
}

class StoredPart implements Part {
  readonly size: number;
  readonly lengthSum: number;
  readonly documents: Documents;
  readonly #lists: Lists;

  constructor(row: PartRow, documents: Documents, lists: Lists) {
    this.size = row.size;
    this.lengthSum = row.length_sum;
    this.documents = documents;
    this.#lists = lists;
  }

  postings(term: string): Postings | null {
    return this.#lists.read(term);
  }

  heldOf(terms: ReadonlySet<string>): string[] {
    return this.#lists.heldOf(terms);
  }
}

/** Two generations: what is asked for again in time goes to the young one, the rest leaves with the old one. */
class ListCache {
  #young = new Map<string, Postings | null>();
  #old = new Map<string, Postings | null>();
  #bytes = 0;

  get(key: string): Postings | null | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.put(key, old);
    return old;
  }

  put(key: string, list: Postings | null): void {
    this.#young.set(key, list);
    this.#bytes += LIST_BYTES + (list === null ? 0 : 3 * list.docs.length);
    if (this.#bytes < LISTS_BYTES_MAX / 2) return;
    this.#old = this.#young;
    this.#young = new Map();
    this.#bytes = 0;
  }
}
