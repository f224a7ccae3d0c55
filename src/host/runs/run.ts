/**
 * One run as the host sees it: reads the run's journal from the offset it has processed, turns it into facts,
 * and saves facts and offset in one transaction — so a host that dies anywhere repeats nothing and skips
 * nothing. Writing goes through the shim as whole frames with ids, which the shim deduplicates.
 */
import type { EngineState, Frame, ObservedEvent, Runtime } from '../../runtimes/runtime.ts';
import type { Evidence, RunState } from '../api.ts';
import type { Clock } from '../clock.ts';
import { AetherError, messageOf, toWireError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { Log } from '../log.ts';
import type { ShimClient } from '../shim/client/client.ts';
import { JournalReader } from '../shim/client/reader.ts';
import type { JournalRecord, ProcessExit, ProcessStatus, RunExit, SwapRecord } from '../shim/wire.ts';
import { RecordType } from '../shim/wire.ts';
import type { RunRecord, RunTable } from '../store/runs.ts';
import type { Store } from '../store/store.ts';
import { cutLines } from './lines.ts';
import { noteInTree } from './tree.ts';

const PRINTED_CHARS_MAX = 2_000;
const BATCH_BYTES = 256 * 1024;
/** Output that told of nothing is saved in steps: after so many bytes, or when the run is quiet for so long. */
const SAVE_EVERY_BYTES = 4 * 1024 * 1024;
const SAVE_AFTER_MS = 250;
/** An unfinished line larger than this is not saved as it grows, but read again by the next host. */
const PARTIAL_SAVED_CHARS_MAX = 64 * 1024;
/** Far below the journal's limit, far above one line. */
const ACK_EVERY_BYTES = 4 * 1024 * 1024;
const MARK_EVERY_BYTES = 128 * 1024;
const RETRY_MS_MIN = 250;
const RETRY_MS_MAX = 5_000;

/** What the rest of the host does with a run's facts. `observed` and `recorded` run inside the transaction. */
export interface RunSink {
  observed(run: Run, event: ObservedEvent, at_ms: number): void;
  recorded(run: Run, topic: string, data: Record<string, unknown>): void;
  /** The shim has written this frame to the process that had the floor. */
  wrote(run: Run, frame: string): void;
  /** After commit. */
  swapped(run: Run, swap: SwapRecord): void;
  exited(run: Run): void;
  changed(run: Run): void;
}

export interface RunPaths {
  journal: string;
  shimSocket: string;
  doorSocket: string;
  mcpCommand: string;
  runDir: string;
}

export class Run {
  readonly record: RunRecord;
  readonly runtime: Runtime;
  readonly paths: RunPaths;
  readonly #store: Store;
  readonly #table: RunTable;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #sink: RunSink;
  readonly #grown = new Set<() => void>();
  readonly #waiters = new Set<() => void>();
  #reader: JournalReader | null = null;
  #client: ShimClient | null = null;
  #pumping: Promise<void> | null = null;
  #again = false;
  #acked = 0;
  #closed = false;
  /** Journal offset that the database knows. */
  #saved: number;
  #cancelSave: (() => void) | null = null;
  /** What the records of this batch told the rest of the host; output alone tells nothing. */
  #told = 0;
  /** What is to follow a commit, until it has been done. */
  #following: (() => void)[] = [];
  #cancelRetry: (() => void) | null = null;
  #retry_ms = RETRY_MS_MIN;

  constructor(options: {
    record: RunRecord;
    runtime: Runtime;
    paths: RunPaths;
    store: Store;
    table: RunTable;
    clock: Clock;
    log: Log;
    sink: RunSink;
  }) {
    this.record = options.record;
    this.runtime = options.runtime;
    this.paths = options.paths;
    this.#store = options.store;
    this.#table = options.table;
    this.#clock = options.clock;
    this.#log = options.log.child({ run: options.record.id, agent: options.record.agent });
    this.#sink = options.sink;
    this.#saved = this.record.journal_offset;
  }

  get id(): string {
    return this.record.id;
  }

  get ended(): boolean {
    return this.record.exited_ms !== null;
  }

  /** True once this host has let go of it. */
  get closed(): boolean {
    return this.#closed;
  }

  /** The shim connection; throws a clear error while there is none. */
  get client(): ShimClient {
    if (this.#client !== null) return this.#client;
    throw new AetherError({
      code: 'run.unreachable',
      who: 'host',
      message: `The shim of run ${this.id} cannot be reached.`,
      next: 'Try again in a moment; if it stays so, `aether kill` the agent and start it again.',
    });
  }

  get connected(): boolean {
    return this.#client !== null;
  }

  attach(client: ShimClient): void {
    this.#client = client;
    client.onNotice(() => this.pump());
    client.onClose(() => {
      if (this.#client === client) this.#client = null;
      // The shim's last words are on disk before its socket closes.
      this.pump();
    });
    this.pump();
  }

  /** Calls back whenever the journal may have grown: viewers read it themselves. */
  onGrown(listener: () => void): () => void {
    this.#grown.add(listener);
    return () => this.#grown.delete(listener);
  }

  /** Reads what is new; returns when everything that was there at the call is processed. */
  pump(): Promise<void> {
    for (const listener of this.#grown) listener();
    this.#again = true;
    this.#pumping ??= this.#drain().finally(() => {
      this.#pumping = null;
    });
    return this.#pumping;
  }

  async #drain(): Promise<void> {
    while (this.#again && (!this.#closed || this.#following.length > 0)) {
      this.#again = false;
      try {
        this.#follow();
        while (!this.#closed) {
          this.#reader ??= new JournalReader(this.paths.journal, this.record.journal_offset);
          const records = this.#reader.read(BATCH_BYTES);
          if (records.length === 0) break;
          this.#process(records);
          this.#follow();
          await new Promise((resolve) => setImmediate(resolve));
        }
        this.#retry_ms = RETRY_MS_MIN;
      } catch (error) {
        this.#failed(error);
      }
    }
  }

  /** Nothing is skipped: the same records are read again from where the database stands, in a moment. */
  #failed(error: unknown): void {
    const { code } = toWireError(error);
    this.#log.error({ error: messageOf(error), code, retry_ms: this.#retry_ms }, 'the journal waits');
    this.#rewind();
    this.#cancelRetry?.();
    this.#cancelRetry = this.#clock.after(this.#retry_ms, () => void this.pump());
    this.#retry_ms = Math.min(this.#retry_ms * 2, RETRY_MS_MAX);
  }

  #process(records: JournalRecord[]): void {
    const swaps: SwapRecord[] = [];
    const ended = this.ended;
    this.#told = 0;
    this.#transaction(() => {
      for (const record of records) {
        if (record.type === RecordType.swap) swaps.push(JSON.parse(record.payload.toString()) as SwapRecord);
        if (record.type !== RecordType.out && record.type !== RecordType.err) this.#told += 1;
        this.#apply(record);
        this.record.journal_offset = record.end;
      }
      if (this.#told > 0 || this.#due()) this.#put();
      else this.#saveSoon();
    });
    this.#acknowledge();
    if (this.#told === 0) return;
    for (const swap of swaps) this.#following.push(() => this.#sink.swapped(this, swap));
    this.#following.push(() => this.#sink.changed(this));
    // Last of these: whoever waits looks at what they have changed.
    this.#following.push(() => this.#wake());
    if (this.ended && !ended) this.#following.push(() => this.#sink.exited(this));
  }

  /** What follows a commit is done once, also when the first attempt fails on a disk that is full. */
  #follow(): void {
    // Taken off before it is done: it may come back here.
    for (let next = this.#following.shift(); next !== undefined; next = this.#following.shift()) {
      try {
        next();
      } catch (error) {
        this.#following.unshift(next);
        throw error;
      }
    }
  }

  #wake(): void {
    for (const waiter of this.#waiters) waiter();
  }

  /** Changes the record and what belongs to it, or neither: after a failure it is what the database has. */
  #transaction(body: () => void): void {
    this.#store.transaction(() => {
      this.#store.onRollback(() => {
        const saved = this.#table.get(this.id);
        if (saved !== null) Object.assign(this.record, saved);
        this.#saved = this.record.journal_offset;
        this.#rewind();
      });
      body();
    });
  }

  /** The journal is read on from what the record says. */
  #rewind(): void {
    this.#reader?.close();
    this.#reader = null;
  }

  #put(): void {
    this.#table.put(this.record);
    this.#saved = this.record.journal_offset;
    this.#cancelSave?.();
    this.#cancelSave = null;
  }

  /** Whoever dies before it reads the same output again, which told of nothing then and will tell of nothing. */
  #due(): boolean {
    const unsaved = this.record.journal_offset - this.#saved;
    return unsaved >= (this.#growsLine() ? 2 * limits.engine_line_bytes_max : SAVE_EVERY_BYTES);
  }

  /** Saving an unfinished line again and again as it grows would cost its square. */
  #growsLine(): boolean {
    const { partialOut, partialErr } = this.record.floor;
    return partialOut.length + partialErr.length > PARTIAL_SAVED_CHARS_MAX;
  }

  #saveSoon(): void {
    this.#cancelSave ??= this.#clock.after(SAVE_AFTER_MS, () => {
      this.#cancelSave = null;
      if (this.#closed || this.#growsLine() || this.#saved === this.record.journal_offset) return;
      try {
        this.#transaction(() => this.#put());
        this.#acknowledge();
      } catch (error) {
        this.#failed(error);
      }
    });
  }

  /** Lets the shim delete what is processed; a lost acknowledgement is made good by the next one. */
  #acknowledge(): void {
    if (this.#client === null || this.#saved - this.#acked < ACK_EVERY_BYTES) return;
    this.#acked = this.#saved;
    this.#client
      .ack(this.#acked)
      .catch((error: unknown) => this.#log.debug({ error: messageOf(error) }, 'not acknowledged'));
  }

  #apply(record: JournalRecord): void {
    const { floor } = this.record;
    const json = <T>(): T => JSON.parse(record.payload.toString()) as T;
    const noted = noteInTree(this.record.tree, record);
    if (noted !== null) this.#sink.recorded(this, noted.topic, noted.data);
    switch (record.type) {
      case RecordType.spawned:
        this.#spawned(json<ProcessStatus>(), record);
        return;
      case RecordType.out:
      case RecordType.err:
        if (record.process === floor.process) this.#output(record);
        return;
      case RecordType.in: {
        const frame = frameOf(record.payload);
        floor.opening = floor.opening.filter((opening) => opening.id !== frame);
        this.#sink.wrote(this, frame);
        return;
      }
      case RecordType.exited: {
        const exit = json<ProcessExit>();
        this.#record('process.exited', { process: record.process, ...exit });
        if (record.process === floor.process) floor.pid = null;
        return;
      }
      case RecordType.resized: {
        const size = json<{ cols: number; rows: number }>();
        floor.cols = size.cols;
        floor.rows = size.rows;
        return;
      }
      case RecordType.swap: {
        const swap = json<SwapRecord>();
        this.#record(`swap.${swap.phase}`, { ...swap });
        return;
      }
      case RecordType.trouble:
        this.#observe(
          { kind: 'note', level: 'error', text: String(json<{ cause: unknown }>().cause) },
          record.at_ms,
        );
        return;
      case RecordType.runExited: {
        const exit = json<RunExit>();
        this.setState('exited', { source: 'shim', what: exitSentence(exit), at_ms: record.at_ms });
        this.record.exit = exit;
        this.record.exited_ms = record.at_ms;
        this.record.requested = null;
        this.record.activity = null;
        floor.pid = null;
        this.#record('run.exited', { ...exit });
        return;
      }
      default:
        return;
    }
  }

  #spawned(status: ProcessStatus, record: JournalRecord): void {
    const { floor } = this.record;
    floor.process = status.index;
    floor.role = status.role;
    floor.pid = status.pid;
    floor.io = status.io;
    floor.partialOut = '';
    floor.partialErr = '';
    floor.printed = '';
    floor.terminalFrom = status.io === 'pty' ? record.end : null;
    floor.marks = [];
    if (status.role === 'engine')
      this.record.engine = this.runtime.observer.initial(this.record.engine.session);
    const evidence = { source: 'shim', what: `process ${status.pid} started`, at_ms: record.at_ms };
    if (this.record.state !== 'stopping') this.setState('running', evidence);
    this.#record('process.started', {
      process: status.index,
      role: status.role,
      pid: status.pid,
      io: status.io,
    });
    this.#observe(
      {
        kind: 'activity',
        activity: status.role === 'engine' ? 'starting' : 'waiting-for-operator',
        evidence: evidence.what,
      },
      record.at_ms,
    );
  }

  #output(record: JournalRecord): void {
    const { floor } = this.record;
    if (floor.io === 'pty' || record.type === RecordType.err) {
      const tail = record.payload.subarray(-PRINTED_CHARS_MAX).toString('utf8');
      floor.printed = `${floor.printed ?? ''}${tail}`.slice(-PRINTED_CHARS_MAX);
    }
    if (floor.io === 'pty') {
      const mark = floor.marks.at(-1) ?? floor.terminalFrom ?? record.end;
      if (record.end - mark >= MARK_EVERY_BYTES) {
        floor.marks.push(record.end);
        const from = record.end - limits.terminal_replay_bytes_max;
        floor.marks = floor.marks.filter((offset) => offset >= from);
      }
      if (floor.role === 'engine') this.#line('out', record.payload.toString('utf8'), record.at_ms);
      return;
    }
    const source = record.type === RecordType.out ? 'out' : 'err';
    const key = source === 'out' ? 'partialOut' : 'partialErr';
    const cut = cutLines(floor[key], record.payload, limits.engine_line_bytes_max);
    floor[key] = cut.rest;
    if (cut.dropped > 0) {
      this.#observe(
        {
          kind: 'note',
          level: 'error',
          text: `A line of over ${limits.engine_line_bytes_max} bytes was left out; it is in the journal.`,
        },
        record.at_ms,
      );
    }
    for (const line of cut.lines) this.#line(source, line, record.at_ms);
  }

  #line(source: 'out' | 'err', text: string, at_ms: number): void {
    const result = this.runtime.observer.line(this.record.engine, source, text);
    this.record.engine = result.state;
    for (const event of result.events) this.#observe(event, at_ms);
  }

  #record(topic: string, data: Record<string, unknown>): void {
    this.#sink.recorded(this, topic, data);
  }

  #observe(event: ObservedEvent, at_ms: number): void {
    this.#told += 1;
    this.#sink.observed(this, event, at_ms);
  }

  /** Facts from another source than the journal (the engine's transcript). Same transaction rules. */
  observeElsewhere(body: () => { state: EngineState; events: ObservedEvent[] }): void {
    this.#transaction(() => {
      const result = body();
      this.record.engine = result.state;
      for (const event of result.events) this.#observe(event, this.#clock.now());
      this.#put();
    });
    this.#sink.changed(this);
    this.#wake();
  }

  setState(state: RunState, evidence: Omit<Evidence, 'grade'>): void {
    if (this.record.state !== state) {
      this.record.state = state;
      this.record.state_ms = evidence.at_ms;
    }
    this.record.stateEvidence = { ...evidence, grade: 'observed' };
  }

  /** Saves a change made outside the journal (a request, a state). */
  save(change: (record: RunRecord) => void): void {
    this.#transaction(() => {
      change(this.record);
      this.#put();
    });
    this.#sink.changed(this);
    this.#wake();
  }

  /** Resolves once `condition` holds; false after `limit_ms`, or when the run has ended without it. */
  until(condition: () => boolean, limit_ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const finish = (value: boolean) => {
        cancel();
        this.#waiters.delete(check);
        resolve(value);
      };
      const check = () => {
        if (condition()) finish(true);
        else if (this.ended || this.#closed) finish(false);
      };
      const cancel = this.#clock.after(limit_ms, () => finish(false));
      this.#waiters.add(check);
      check();
    });
  }

  /** Writes one whole frame to the process that has the floor; resolves once the shim has journalled it. */
  async write(frame: Frame): Promise<void> {
    const process = this.record.floor.process;
    if (process === null) {
      throw new AetherError({
        code: 'run.noProcess',
        who: 'host',
        message: `Run ${this.id} has no process to write to.`,
        next: 'Start the agent first.',
      });
    }
    await this.client.write(process, frame.id, frame.data);
  }

  /** Lets go: the shim and its processes go on without this host. */
  close(): void {
    this.#closed = true;
    this.#cancelSave?.();
    this.#cancelRetry?.();
    this.#client?.close();
    this.#client = null;
    this.#reader?.close();
    this.#reader = null;
    this.#wake();
  }
}

function frameOf(payload: Buffer): string {
  const end = payload.indexOf(10);
  return (JSON.parse(payload.toString('utf8', 0, end === -1 ? payload.length : end)) as { frame: string })
    .frame;
}

export function exitSentence(exit: {
  code: number | null;
  signal: string | null;
  cause: string;
  reason?: string;
}): string {
  const how = exit.signal !== null ? `ended by ${exit.signal}` : `exited with code ${exit.code}`;
  return exit.cause === 'stopped'
    ? `stopped on request (${exit.reason ?? 'stop'}); the engine ${how}`
    : `the engine ${how}`;
}
