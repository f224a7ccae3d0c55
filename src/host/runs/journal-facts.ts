/**
 * What a journal record says about the run, stored in the run's record and passed to the rest of the host. Runs inside
 * the transaction that saves how far the journal is processed.
 */
import type { EngineState, ObservedEvent, Runtime } from '../../runtimes/runtime.ts';
import type { Evidence, RunState } from '../api.ts';
import { AetherError, isStoreFailure, messageOf } from '../errors.ts';
import { limits } from '../limits.ts';
import {
  type JournalRecord,
  type ProcessExit,
  type ProcessStatus,
  RecordType,
  type RunExit,
  type SwapRecord,
} from '../shim/shim-protocol.ts';
import type { TerminalSize } from '../store/run-parts.ts';
import type { RunRecord } from '../store/runs.ts';
import * as floors from './floor.ts';
import { checked } from './observed.ts';
import { type Cut, cutLines } from './output-lines.ts';
import { leaveOut } from './quarantine.ts';
import { noteInTree, type Recorded } from './tree.ts';

export interface FactSink {
  observed(event: ObservedEvent, at_ms: number): void;
  recorded(event: Recorded): void;
  wrote(frame: string): void;
  /** The engine waits for an answer to this, and it could not be taken: it is refused. */
  refused(event: Asked, why: string): void;
  /** Runs `body`; when that throws, whatever it changed in the database and in the run's record is undone. */
  part<T>(body: () => T): T;
}

/** A fact on whose answer the engine waits. */
export type Asked = Extract<ObservedEvent, { kind: 'gate-asked' | 'permission-asked' }>;

/** One line of an engine or its transcript, and where it is from. */
interface Line {
  text: string;
  /** Bytes of its strings that are not in `text`. */
  cut: number;
  at_ms: number;
  of: 'line' | 'transcript';
  offset: number;
  read(state: EngineState): { state: EngineState; events: ObservedEvent[] };
}

export class RunFacts {
  readonly #record: RunRecord;
  readonly #runtime: Runtime;
  readonly #sink: FactSink;
  /** Observations of the record that is being looked at. */
  #observed = 0;
  /** Remarks in it: what is no line of the engine's protocol, such as its stderr. */
  #notes = 0;
  /** Each line and each fact is undone by itself when it fails, instead of the whole transaction. */
  #apart = false;
  #offset = 0;

  constructor(record: RunRecord, runtime: Runtime, sink: FactSink) {
    this.#record = record;
    this.#runtime = runtime;
    this.#sink = sink;
  }

  /**
   * @param apart what cannot be taken is left out, and the rest of the record is taken; otherwise this throws
   * @returns false for output that told of nothing
   */
  take(record: JournalRecord, apart: boolean): boolean {
    this.#observed = 0;
    this.#notes = 0;
    this.#apart = apart;
    this.#offset = record.end;
    const noted = noteInTree(this.#record.tree, record);
    if (noted !== null) this.#sink.recorded(noted);
    this.#take(record);
    return this.#observed > 0 || (record.type !== RecordType.out && record.type !== RecordType.err);
  }

  /** Lines of the engine's own transcript. @param apart as for `take` */
  transcript(
    lines: string[],
    read: (state: EngineState, text: string) => { state: EngineState; events: ObservedEvent[] },
    at_ms: number,
    apart: boolean,
  ): void {
    this.#notes = 0;
    this.#apart = apart;
    this.#offset = this.#record.journal_offset;
    for (const text of lines)
      this.#line({
        text,
        cut: 0,
        at_ms,
        of: 'transcript',
        offset: this.#offset,
        read: (state) => read(state, text),
      });
  }

  /** The whole record is left out. */
  leaveOut(record: JournalRecord, error: unknown): void {
    const { type, payload, end } = record;
    const output = type === RecordType.out || type === RecordType.err;
    // The line that was under way ends with it.
    if (output) floors.endLine(this.#record.floor, record.process, type === RecordType.out);
    const text = payload.toString('latin1', 0, limits.quarantine_excerpt_chars_max + 1);
    this.#leftOut({ of: 'record', offset: end, bytes: payload.length, text, error });
  }

  observe(event: ObservedEvent, at_ms: number): void {
    this.#observed += 1;
    this.#sink.observed(checked(event), at_ms);
  }

  #leftOut(what: Parameters<typeof leaveOut>[1]): void {
    this.#observed += 1;
    const told = leaveOut(this.#record, what);
    if (told !== null) this.#sink.recorded({ topic: 'record.quarantined', data: told });
  }

  #take(record: JournalRecord): void {
    const { floor } = this.#record;
    const json = <T>(): T => JSON.parse(record.payload.toString()) as T;
    switch (record.type) {
      case RecordType.spawned:
        this.#spawned(json<ProcessStatus>(), record);
        return;
      case RecordType.out:
      case RecordType.err:
        this.#output(record);
        return;
      case RecordType.in: {
        const frame = frameOf(record.payload);
        floors.written(floor, frame);
        this.#sink.wrote(frame);
        return;
      }
      case RecordType.exited: {
        const exit = json<ProcessExit>();
        floors.exited(floor, record.process);
        this.#sink.recorded({ topic: 'process.exited', data: { process: record.process, ...exit } });
        return;
      }
      case RecordType.resized: {
        floors.resized(floor, record.process, json<TerminalSize>());
        return;
      }
      case RecordType.swap: {
        const swap = json<SwapRecord>();
        this.#sink.recorded({ topic: `swap.${swap.phase}`, data: swap });
        return;
      }
      case RecordType.trouble:
        this.observe(
          { kind: 'note', level: 'error', text: String(json<{ cause: unknown }>().cause) },
          record.at_ms,
        );
        return;
      case RecordType.runExited:
        this.#exited(json<RunExit>(), record);
        return;
      default:
        return;
    }
  }

  #exited(exit: RunExit, { at_ms }: JournalRecord): void {
    const record = this.#record;
    setState(record, 'exited', { source: 'shim', what: exitSentence(exit), at_ms });
    record.exit = exit;
    record.exited_ms = at_ms;
    record.requested = null;
    record.activity = null;
    floors.allExited(record.floor);
    this.#sink.recorded({ topic: 'run.exited', data: exit });
  }

  #spawned(status: ProcessStatus, record: JournalRecord): void {
    floors.spawned(this.#record.floor, status, record.end);
    const { index, role, pid, io, beside } = status;
    const started = { process: index, role, pid, io, ...(beside ? { beside } : {}) };
    this.#sink.recorded({ topic: 'process.started', data: started });
    // What the agent does is not told by a process beside its engine.
    if (beside) return;
    if (status.role === 'engine') {
      const before = this.#record.engine;
      this.#record.engine = this.#runtime.observer.initial(before.session, before);
    }
    const evidence = { source: 'shim', what: `process ${status.pid} started`, at_ms: record.at_ms };
    if (this.#record.state !== 'stopping') setState(this.#record, 'running', evidence);
    // It runs: the host that asked for it may not have lived to say that the wish came true.
    if (this.#record.requested === 'start') this.#record.requested = null;
    this.observe(
      {
        kind: 'activity',
        activity: status.role === 'terminal' ? 'waiting-for-operator' : atFirst(status),
        evidence: evidence.what,
      },
      record.at_ms,
    );
  }

  #output(record: JournalRecord): void {
    const { floor } = this.#record;
    const { payload, end, at_ms } = record;
    const source = record.type === RecordType.out ? 'out' : 'err';
    const heard = floors.printed(floor, record.process, { payload, end, at_ms });
    // Only what has the floor speaks for the agent.
    if (heard === null || record.process !== floor.process) return;
    const { process, text } = heard;
    if (process.io === 'pty') {
      if (process.role === 'engine') this.#printed('out', { text, cut: 0 }, at_ms);
      return;
    }
    const cut = cutLines(floors.lineUnderWay(process, source), payload);
    floors.unfinishedLine(process, source, cut);
    if (source === 'err')
      floors.printedLines(
        process,
        cut.lines.map(({ text }) => text),
      );
    for (const { why, ...line } of cut.dropped)
      this.#leftOut({ of: 'line', offset: end, ...line, error: new Error(why) });
    for (const line of cut.lines) this.#printed(source, line, record.at_ms);
    const more = this.#notes - limits.notes_per_record_max;
    if (more > 0) {
      const text = `${more} further lines of this kind were left out; they are in the journal.`;
      this.observe({ kind: 'note', level: 'warn', text }, record.at_ms);
    }
  }

  #printed(source: 'out' | 'err', { text, cut }: Cut['lines'][number], at_ms: number): void {
    const { observer } = this.#runtime;
    this.#line({
      text,
      cut,
      at_ms,
      of: 'line',
      offset: this.#offset,
      read: (state) => observer.line(state, source, text),
    });
  }

  #line(line: Line): void {
    let events: ObservedEvent[] = [];
    this.#attempt(line, line.of, () => {
      events = this.#read(line);
    });
    for (const event of events) {
      // A program that prints nothing else must not fill the event log, and each costs the host time.
      if (event?.kind === 'note' && ++this.#notes > limits.notes_per_record_max) continue;
      const failed = this.#attempt(line, 'fact', () => {
        if (line.cut > 0 && isAsked(event)) throw new Error(`${line.cut} bytes of the call were left out`);
        this.observe(event, line.at_ms);
      });
      if (failed !== null) this.#refuse(event, failed.error);
    }
  }

  #read({ read }: Line): ObservedEvent[] {
    const result = read(this.#record.engine);
    // What cannot be stored fails here, where it is known which line it came from.
    if (this.#apart) {
      JSON.stringify(result.state);
      if (!Array.isArray(result.events)) throw new Error('the observer gave no list of facts');
    }
    this.#record.engine = result.state;
    return result.events;
  }

  /** @returns why it was left out; null when it was not */
  #attempt({ text, offset }: Line, of: 'fact' | Line['of'], body: () => void): { error: unknown } | null {
    if (!this.#apart) {
      body();
      return null;
    }
    try {
      this.#sink.part(body);
      return null;
    } catch (error) {
      if (isStoreFailure(error)) throw error;
      this.#leftOut({ of, offset, bytes: Buffer.byteLength(text), text, error });
      return { error };
    }
  }

  /** An engine that waits for an answer to a call that was left out is told that it does not run. */
  #refuse(event: ObservedEvent, error: unknown): void {
    if (!isAsked(event)) return;
    const { kind, requestId, tool } = event;
    const bare = { kind, requestId, tool: named(tool), toolUseId: named(event.toolUseId), input: {} };
    const why =
      error instanceof AetherError ? error.message : `the call could not be read: ${messageOf(error)}`;
    try {
      const asked = checked(bare as Asked) as Asked;
      this.#sink.part(() => this.#sink.refused(asked, `Not run: ${why}`));
    } catch (failure) {
      // Without an answer the tool does not run either.
      if (isStoreFailure(failure)) throw failure;
    }
  }
}

/** What is decided about must be all of what runs. */
const isAsked = (event: ObservedEvent): event is Asked =>
  event?.kind === 'gate-asked' || event?.kind === 'permission-asked';

/** A name that can be stored, whatever the engine gave. */
const named = (value: unknown): string =>
  typeof value === 'string' && value !== '' && value.length <= limits.observed_id_chars_max
    ? value.toWellFormed().replace(/\p{Cc}/gu, '?')
    : 'unknown';

export function setState(record: RunRecord, state: RunState, evidence: Omit<Evidence, 'grade'>): void {
  if (record.state !== state) {
    record.state = state;
    record.state_ms = evidence.at_ms;
  }
  record.stateEvidence = { ...evidence, grade: 'observed' };
}

/** A program in a terminal is up once it is spawned: it need never print, so nothing else would tell of it. */
const atFirst = ({ io }: ProcessStatus) => (io === 'pty' ? 'unknown' : 'starting');

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
