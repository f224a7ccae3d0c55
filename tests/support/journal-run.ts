/**
 * A run as the host has it, over a journal that the test writes: the real reading, store, event log and sink;
 * only a shim and its engine are missing.
 */
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agents } from '../../src/host/agents/agents.ts';
import { Approvals } from '../../src/host/approvals/approvals.ts';
import { systemClock } from '../../src/host/clock.ts';
import type { AgentConfig } from '../../src/host/config/types.ts';
import { Events } from '../../src/host/events/events.ts';
import { randomIds } from '../../src/host/ids.ts';
import { openLog } from '../../src/host/log.ts';
import { Gates } from '../../src/host/operations/gate/gates.ts';
import { policiesOf } from '../../src/host/operations/gate/policies.ts';
import { Recalls } from '../../src/host/operations/recall/recall.ts';
import { showActivity } from '../../src/host/operations/turn/activity.ts';
import type { Wiring } from '../../src/host/operations/wiring.ts';
import { Run } from '../../src/host/runs/run.ts';
import { Runs } from '../../src/host/runs/runs.ts';
import { localSandbox } from '../../src/host/sandboxes/local.ts';
import { encodeRecord, segmentPath } from '../../src/host/shim/format.ts';
import { RecordType } from '../../src/host/shim/shim-protocol.ts';
import { AgentTable } from '../../src/host/store/agents.ts';
import { InjectionTable } from '../../src/host/store/injections.ts';
import { newFloor, newGate, newTurn } from '../../src/host/store/run-parts.ts';
import { unconfined } from '../../src/host/store/run-sandbox.ts';
import { newTree, type RunRecord, RunTable } from '../../src/host/store/runs.ts';
import { Store } from '../../src/host/store/store.ts';
import type { Runtime } from '../../src/runtimes/runtime.ts';
import { factsSink } from './facts-sink.ts';

const EXIT = { code: 0, signal: null, cause: 'exited', killed: 0, survivors: 0 };

export class JournalRun {
  readonly dir = fs.mkdtempSync(join(tmpdir(), 'aether-journal-'));
  readonly journal = join(this.dir, 'journal');
  readonly store = new Store(join(this.dir, 'aether.db'));
  readonly table = new RunTable(this.store);
  readonly events: Events;
  readonly approvals: Approvals;
  readonly run: Run;
  /** Runs that were said to have ended. */
  readonly ended: string[] = [];
  #length = 0;

  constructor(runtime: Runtime, io: 'pipes' | 'pty' = 'pipes') {
    fs.mkdirSync(this.journal);
    const parts = { store: this.store, clock: systemClock, ids: randomIds, log: openLog(undefined) };
    this.events = new Events(parts);
    this.approvals = new Approvals({ ...parts, events: this.events });
    const agents = new Agents({ store: this.store, table: new AgentTable(this.store), clock: systemClock });
    agents.configure({ name: 'a', runtime: runtime.name, autostart: true } as unknown as AgentConfig, 'hash');
    const runs = new Runs(this.table);
    const wiring = {
      ...parts,
      events: this.events,
      approvals: this.approvals,
      agents,
      runs,
      runTable: this.table,
      injections: new InjectionTable(this.store),
      touched: () => undefined,
      deliver: () => undefined,
      closing: () => false,
      gates: new Gates({
        ...{ ...parts, events: this.events, approvals: this.approvals, agents },
        policies: policiesOf(agents),
        show: (run, at_ms) => showActivity(wiring, run, at_ms),
      }),
    } as unknown as Wiring;
    wiring.recalls = new Recalls(wiring);
    const sink = factsSink(wiring);
    this.run = new Run({
      sandbox: localSandbox,
      record: newRecord(),
      runtime,
      paths: { journal: this.journal, shimSocket: '', doorSocket: '', mcpCommand: '', runDir: this.dir },
      store: this.store,
      table: this.table,
      clock: systemClock,
      log: parts.log,
      sink: {
        ...sink,
        swapped: () => undefined,
        exited: ({ id }) => void this.ended.push(id),
      },
    });
    this.table.put(this.run.record);
    runs.add(this.run);
    this.append(RecordType.spawned, { index: 0, role: 'engine', pid: 1, start_ticks: 1, io, running: true });
  }

  /** @returns the logical length of the journal afterwards */
  append(type: RecordType, payload: object | string | Buffer): number {
    const bytes =
      typeof payload === 'string' || payload instanceof Buffer
        ? Buffer.from(payload as string)
        : Buffer.from(JSON.stringify(payload));
    const record = encodeRecord(type, 0, Date.now(), bytes);
    fs.appendFileSync(segmentPath(this.journal, 0), record);
    this.#length += record.length;
    return this.#length;
  }

  /** Lines, in records as large as a shim makes them. */
  print(lines: readonly string[], record_bytes = 64 * 1024): void {
    const text = Buffer.from(lines.map((line) => `${line}\n`).join(''));
    for (let from = 0; from < text.length; from += record_bytes)
      this.append(RecordType.out, text.subarray(from, from + record_bytes));
  }

  exit(): void {
    this.append(RecordType.runExited, EXIT);
  }

  topics(topic: string): Record<string, unknown>[] {
    const { db } = this.store;
    const rows = db.prepare<[string], string>('SELECT data FROM events WHERE topic = ? ORDER BY seq').pluck();
    return rows.all(topic).map((data) => JSON.parse(data) as Record<string, unknown>);
  }

  close(): void {
    this.run.close();
    this.store.close();
    fs.rmSync(this.dir, { recursive: true });
  }
}

function newRecord(): RunRecord {
  const now = systemClock.now();
  return {
    id: randomIds.short('r'),
    agent: 'a',
    state: 'starting',
    state_ms: now,
    stateEvidence: { source: 'shim', grade: 'observed', what: '', at_ms: now },
    activity: 'starting',
    activityEvidence: null,
    requested: 'start',
    asked: null,
    shim: null,
    boot_id: null,
    journal_offset: 0,
    engine: { session: null },
    floor: newFloor([]),
    turn: newTurn(),
    gate: newGate(),
    tree: newTree(),
    sandbox: unconfined('r_1'),
    last: null,
    input_tokens: 0,
    output_tokens: 0,
    cost_usd: null,
    started_ms: now,
    exited_ms: null,
    exit: null,
  };
}
