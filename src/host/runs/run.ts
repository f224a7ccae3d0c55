/**
 * One run as the host sees it: what is known of it, the connection to its shim, and who waits for what. Its journal
 * is turned into facts (journal-facts.ts) as far as it is processed (progress.ts). Writing goes through the shim as whole
 * frames with ids, which the shim deduplicates.
 */
import type { EngineState, Frame, ObservedEvent, Runtime } from '../../runtimes/runtime.ts';
import type { Evidence, RunState } from '../api.ts';
import type { Clock } from '../clock.ts';
import { AetherError, isStoreFailure } from '../errors.ts';
import type { Log } from '../log.ts';
import type { PeerCredentials } from '../process/peer.ts';
import type { Box, Sandbox } from '../sandboxes/sandbox.ts';
import type { ShimClient } from '../shim/client/client.ts';
import { type JournalRecord, RecordType, type SwapRecord } from '../shim/shim-protocol.ts';
import type { RunRecord, RunTable } from '../store/runs.ts';
import type { Store } from '../store/store.ts';
import { endLines, readTo } from './floor.ts';
import { type Asked, RunFacts, setState } from './journal-facts.ts';
import { Progress } from './progress.ts';
import type { Recorded } from './tree.ts';
import { rememberRecord } from './undo.ts';

/** What the rest of the host does with a run's facts. The first four run inside the transaction. */
export interface RunSink {
  observed(run: Run, event: ObservedEvent, at_ms: number): void;
  recorded(run: Run, event: Recorded): void;
  /** The shim has written this frame to the process that had the floor. */
  wrote(run: Run, frame: string): void;
  /** Its engine waits for an answer to a call that could not be taken: the tool is not to run. */
  refused(run: Run, asked: Asked, why: string): void;
  /** After commit. One that throws is called again: each must bear that. */
  swapped(run: Run, swap: SwapRecord): void;
  exited(run: Run): void;
  changed(run: Run): void;
  /** Its shim is connected. */
  attached(run: Run): void;
  /** How far others than the host itself have read its journal; null: none is behind. */
  readTo(run: Run): number | null;
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
  readonly #boxes: readonly Box[];
  readonly #clock: Clock;
  readonly #sink: RunSink;
  readonly #facts: RunFacts;
  readonly #progress: Progress;
  readonly #waiters = new Set<() => void>();
  #client: ShimClient | null = null;
  /** Its end was read and is told, or about to be. */
  #endTold = false;

  constructor(options: {
    record: RunRecord;
    runtime: Runtime;
    /** The one that the record names. */
    sandbox: Sandbox;
    paths: RunPaths;
    store: Store;
    table: RunTable;
    clock: Clock;
    log: Log;
    sink: RunSink;
  }) {
    const { record, runtime, sandbox, paths, store, table, clock, sink } = options;
    this.record = record;
    this.runtime = runtime;
    this.paths = paths;
    this.#boxes = record.sandbox.boxes.map((spec) => sandbox.box(spec));
    this.#clock = clock;
    this.#sink = sink;
    this.#facts = new RunFacts(record, runtime, {
      observed: (event, at_ms) => sink.observed(this, event, at_ms),
      recorded: (event) => sink.recorded(this, event),
      wrote: (frame) => sink.wrote(this, frame),
      refused: (asked, why) => sink.refused(this, asked, why),
      part: (body) =>
        store.part(() => {
          const undo = rememberRecord(record);
          store.onRollback(undo);
          return body();
        }),
    });
    this.#progress = new Progress({
      record,
      journal: paths.journal,
      store,
      table,
      clock,
      log: options.log.child({ run: record.id, agent: record.agent }),
      apply: (journalled, apart) => this.#facts.take(journalled, apart),
      leaveOut: (journalled, error) => this.#facts.leaveOut(journalled, error),
      passedOver: (from, to, why) => {
        endLines(record.floor);
        sink.recorded(this, { topic: 'journal.damaged', data: { from, to, why } });
      },
      unreadable: (why) => this.#unreadable(why),
      follow: (journalled) => this.#follow(journalled),
      client: () => this.#client,
      readTo: () => sink.readTo(this),
    });
  }

  get id(): string {
    return this.record.id;
  }

  get ended(): boolean {
    return this.record.exited_ms !== null;
  }

  /** True once this host has let go of it. */
  get closed(): boolean {
    return this.#progress.closed;
  }

  /** True while the store does not take what its journal holds, on a disk that is full for example. */
  get behind(): boolean {
    return this.#progress.behind;
  }

  /** True while its journal cannot be read: its events are missing. */
  get unreadable(): boolean {
    return this.#progress.unreadable !== null;
  }

  /** The box of this name, which a process of the run is started in. @throws where the run has none of it */
  box(name: string): Box {
    const box = this.#boxes.find(({ spec }) => spec.name === name);
    if (box !== undefined) return box;
    throw new Error(`run ${this.id} has no box named ${name}`);
  }

  /** True when the peer of a socket is a process of this run, in any of its boxes. */
  owns(peer: Pick<PeerCredentials, 'pid'>): boolean {
    const { shim } = this.record;
    return shim !== null && this.#boxes.some((box) => box.owns(peer, shim));
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
    this.#sink.attached(this);
    client.onNotice(() => this.#progress.noticed());
    client.onClose(() => {
      if (this.#client === client) this.#client = null;
      // The shim's last words are on disk before its socket closes.
      this.#progress.noticed();
    });
    this.#progress.noticed();
  }

  /** Calls back whenever the journal may have grown: viewers read it themselves. */
  onGrown(listener: () => void): () => void {
    return this.#progress.onGrown(listener);
  }

  /** Others have read the journal further: the shim may delete more of it. */
  readFurther(): void {
    this.#progress.readFurther();
  }

  /** Reads what is new; returns when everything that was there at the call is processed, or cannot be at present. */
  pump(): Promise<void> {
    return this.#progress.pump();
  }

  #follow(records: JournalRecord[]): (() => void)[] {
    const ends = this.ended && !this.#endTold;
    this.#endTold = this.ended;
    const swaps = records
      .filter(({ type }) => type === RecordType.swap)
      .map(({ payload }) => JSON.parse(payload.toString()) as SwapRecord);
    return [
      ...swaps.map((swap) => () => this.#sink.swapped(this, swap)),
      () => this.#sink.changed(this),
      // Last of these: those who wait look at what the others have changed.
      () => this.wake(),
      ...(ends ? [() => this.#sink.exited(this)] : []),
    ];
  }

  /** Something else that `until` may wait for has changed: a lease, a connection. */
  wake(): void {
    for (const waiter of this.#waiters) waiter();
  }

  /**
   * Facts from another source than the journal: lines of the engine's transcript. Same transaction rules.
   * @param read as an observer's `line`
   * @param at what is remembered of how far the transcript was read, once these lines are stored
   */
  observeTranscript(
    lines: string[],
    read: (state: EngineState, text: string) => { state: EngineState; events: ObservedEvent[] },
    at: RunRecord['floor']['tail'],
  ): void {
    const take = (apart: boolean) =>
      this.#progress.change(() => {
        this.#facts.transcript(lines, read, this.#clock.now(), apart);
        readTo(this.record.floor, at);
      });
    try {
      take(false);
    } catch (error) {
      if (isStoreFailure(error)) throw error;
      take(true);
    }
    this.#sink.changed(this);
    this.wake();
  }

  /** It can still be stopped; what it does meanwhile is not seen. */
  #unreadable(why: string | null): void {
    if (why !== null)
      this.#progress.change(() => this.#sink.recorded(this, { topic: 'journal.unreadable', data: { why } }));
    this.#sink.changed(this);
    this.wake();
  }

  setState(state: RunState, evidence: Omit<Evidence, 'grade'>): void {
    setState(this.record, state, evidence);
  }

  /** Saves a change made outside the journal (a request, a state). */
  save(change: (record: RunRecord) => void): void {
    this.#progress.change(() => change(this.record));
    this.#sink.changed(this);
    this.wake();
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
        else if (this.ended || this.closed) finish(false);
      };
      const cancel = this.#clock.after(limit_ms, () => finish(false));
      this.#waiters.add(check);
      check();
    });
  }

  /**
   * Writes one whole frame; resolves once the shim has journalled it.
   * @param process the one that has the floor, unless said otherwise
   */
  async write(frame: Frame, process = this.record.floor.process): Promise<void> {
    if (process === null) {
      throw new AetherError({
        code: 'run.no-process',
        who: 'host',
        message: `Run ${this.id} has no process to write to.`,
        next: 'Start the agent first.',
      });
    }
    await this.client.write(process, frame.id, frame.data);
  }

  /** Lets go: the shim and its processes go on without this host. */
  close(): void {
    this.#progress.close();
    this.#client?.close();
    this.#client = null;
    this.wake();
  }
}
