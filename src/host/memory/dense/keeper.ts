/**
 * Keeps a vector of each memory behind the rows, where an embedding endpoint is configured: a few texts at a time, one
 * request after the other, in the background. What waits for it is in the database, so it takes no memory and outlives a
 * host. Another model, or another excluded scope, has what is there removed. An endpoint that fails is left alone for a
 * while, longer each time; searches go by words meanwhile, and say so.
 */
import type { Clock } from '../../clock.ts';
import { AetherError, messageOf } from '../../errors.ts';
import type { Events } from '../../events/events.ts';
import { limits } from '../../limits.ts';
import { MemoryVectorTable, type UnembeddedRow } from '../../store/memory-vectors.ts';
import type { Store } from '../../store/store.ts';
import { cutText } from '../../text.ts';
import { type Endpoint, embedded, modelOf } from './endpoint.ts';
import { quantised } from './vectors.ts';

/** Rows that one look for those without a vector passes over. */
const WINDOW = 2_000;
const REMOVED_AT_ONCE = 500;
const BACKOFF_MS = 5_000;
const BACKOFF_MS_MAX = 300_000;
/** A search waits no longer than that for the vector of its query. */
const QUERY_WAIT_MS = 2_000;
const QUERIES_KEPT = 200;
const QUERIES_AT_ONCE = 16;
/** So few without a vector are not worth a word. */
const BEHIND = 500;
const BY_HOST = { principal: 'host', grade: 'enforced' } as const;

export type QueryVector = { vector: Int8Array; note: string | null } | { vector: null; note: string | null };

export interface DenseParts {
  store: Store;
  clock: Clock;
  events: Pick<Events, 'append'>;
  /** Null: none is configured. */
  endpoint(): Endpoint | null;
}

export class DenseKeeper {
  readonly #o: DenseParts;
  readonly #table: MemoryVectorTable;
  readonly #queries = new Map<string, Int8Array>();
  /** Texts that the endpoint refuses by themselves, until the next start. */
  readonly #refused = new Set<number>();
  #asking = 0;
  #working: Promise<void> | null = null;
  #again = false;
  /** What this goes by now: the endpoint and what it excludes. */
  #form = '';
  /** Rows through this one have a vector, or need none. */
  #through = 0;
  #down: { until: number; wait_ms: number; why: string } | null = null;

  constructor(parts: DenseParts) {
    this.#o = parts;
    this.#table = new MemoryVectorTable(parts.store);
  }

  isOn(): boolean {
    return this.#o.endpoint() !== null;
  }

  /** A memory was stored, or some time has passed. */
  wake(): void {
    if (this.#o.endpoint() === null || this.#isDown()) return;
    this.#again = true;
    this.#working ??= this.#work().finally(() => {
      this.#working = null;
    });
  }

  /** Resolves when nothing is being done. */
  async settled(): Promise<void> {
    while (this.#working !== null) await this.#working;
  }

  /** Of a query, where it may be sent. `note`: why the search goes by words alone, or what it cannot find. */
  async query(text: string, scopes: readonly string[]): Promise<QueryVector> {
    const endpoint = this.#o.endpoint();
    if (endpoint === null || scopes.every((scope) => isExcluded(endpoint, scope)))
      return { vector: null, note: null };
    this.wake();
    const asked = `${modelOf(endpoint)}\n${cutText(text, { chars_max: limits.embedding_text_chars_max })}`;
    const known = this.#queries.get(asked);
    if (known !== undefined) return { vector: known, note: this.#behind() };
    if (this.#isDown()) return { vector: null, note: wordsAlone(this.#down!.why) };
    if (this.#asking >= QUERIES_AT_ONCE)
      return { vector: null, note: wordsAlone('The embedding endpoint has too much to do.') };
    this.#asking += 1;
    try {
      const wait_ms = Math.min(endpoint.timeout_ms, QUERY_WAIT_MS);
      const [vector] = await embedded(endpoint, [asked.slice(asked.indexOf('\n') + 1)], wait_ms);
      const made = quantised(vector!);
      if (this.#queries.size >= QUERIES_KEPT) this.#queries.delete(this.#queries.keys().next().value!);
      this.#queries.set(asked, made);
      this.#works(endpoint);
      return { vector: made, note: this.#behind() };
    } catch (error) {
      this.#failed(endpoint, error);
      return { vector: null, note: wordsAlone(messageOf(error)) };
    } finally {
      this.#asking -= 1;
    }
  }

  #behind(): string | null {
    const behind = this.#form === '' ? 0 : this.#table.lastMemory() - this.#through;
    return behind > BEHIND ? 'Some memories have no vector yet: those are found by their words alone.' : null;
  }

  #isDown(): boolean {
    return this.#down !== null && this.#o.clock.elapsed() < this.#down.until;
  }

  async #work(): Promise<void> {
    while (this.#again) {
      this.#again = false;
      const endpoint = this.#o.endpoint();
      if (endpoint === null) return;
      try {
        await this.#embedAll(endpoint);
      } catch (error) {
        this.#failed(endpoint, error);
        return;
      }
    }
  }

  async #embedAll(endpoint: Endpoint): Promise<void> {
    const generation = await this.#begin(endpoint);
    while (this.#through < this.#table.lastMemory()) {
      const to = Math.min(this.#through + WINDOW, this.#table.lastMemory());
      const rows = this.#table.waiting(this.#through, to, generation, endpoint.batch_max);
      const may = rows.filter(
        ({ rowid, scope }) => !isExcluded(endpoint, scope) && !this.#refused.has(rowid),
      );
      if (may.length > 0) await this.#embed(endpoint, generation, may);
      this.#through = rows.length < endpoint.batch_max ? to : rows.at(-1)!.rowid;
      await turn();
      // Changed meanwhile: what comes next may not go there any more.
      if (this.#formOf(this.#o.endpoint()) !== this.#form) {
        this.#again = true;
        return;
      }
    }
  }

  /** What is of another model, or may not be there, goes first. */
  async #begin(endpoint: Endpoint): Promise<number> {
    const generation = this.#table.use(modelOf(endpoint));
    const form = this.#formOf(endpoint);
    if (form === this.#form) return generation;
    this.#queries.clear();
    this.#refused.clear();
    this.#through = 0;
    while (this.#table.removeOutdated(generation, REMOVED_AT_ONCE) > 0) await turn();
    for (const scope of this.#table.ordinals().keys())
      while (isExcluded(endpoint, scope) && this.#table.removeOf(scope, REMOVED_AT_ONCE) > 0) await turn();
    this.#form = form;
    return generation;
  }

  #formOf(endpoint: Endpoint | null): string {
    return endpoint === null ? '' : `${modelOf(endpoint)} ${JSON.stringify(endpoint.exclude)}`;
  }

  async #embed(endpoint: Endpoint, generation: number, rows: readonly UnembeddedRow[]): Promise<void> {
    let vectors: number[][];
    try {
      vectors = await embedded(endpoint, rows.map(textOf));
    } catch (error) {
      if (!isOfText(error)) throw error;
      // One of them is too long for the model, or it takes no such text.
      if (rows.length === 1) this.#refused.add(rows[0]!.rowid);
      else for (const row of rows) await this.#embed(endpoint, generation, [row]);
      return;
    }
    const made = vectors.map(quantised);
    this.#o.store.transaction(() => {
      for (const [at, { rowid }] of rows.entries()) this.#table.put(rowid, generation, made[at]!);
    });
    this.#works(endpoint);
  }

  #works({ model }: Endpoint): void {
    if (this.#down === null) return;
    this.#down = null;
    this.#o.events.append({ ...BY_HOST, topic: 'memory.embeddings', data: { works: true, model } });
  }

  #failed({ model }: Endpoint, error: unknown): void {
    const why = messageOf(error);
    const before = this.#down;
    const wait_ms = before === null ? BACKOFF_MS : Math.min(BACKOFF_MS_MAX, before.wait_ms * 2);
    this.#down = { until: this.#o.clock.elapsed() + wait_ms, wait_ms, why };
    if (before?.why !== why)
      this.#o.events.append({ ...BY_HOST, topic: 'memory.embeddings', data: { works: false, model, why } });
  }
}

const wordsAlone = (why: string): string => `Found by words alone, not by meaning: ${why}`;

const textOf = ({ key, text, tags }: UnembeddedRow): string =>
  cutText([key, text, ...(JSON.parse(tags) as string[])].filter((part) => part !== null).join('\n'), {
    chars_max: limits.embedding_text_chars_max,
  });

/** @param scope as stored */
export function isExcluded({ exclude }: Pick<Endpoint, 'exclude'>, scope: string): boolean {
  const kind = scope === 'shared' ? 'fleet' : /^(workspace|branch):/.exec(scope)?.[1];
  return exclude.includes(kind ?? 'agent') || exclude.includes(scope);
}

/** A status that says something of the text, and nothing of the endpoint. */
function isOfText(error: unknown): boolean {
  const status = error instanceof AetherError ? error.details?.status : undefined;
  return status === 400 || status === 413 || status === 422;
}

/** Lets the host do what else there is. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
