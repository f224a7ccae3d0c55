/** What leaves the disk, what stays, and what a wall clock that jumps does to that. */
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RETENTION } from '../../../../src/host/config/load.ts';
import type { RetentionConfig } from '../../../../src/host/config/types.ts';
import { Events } from '../../../../src/host/events/events.ts';
import { randomIds } from '../../../../src/host/ids.ts';
import { openLog } from '../../../../src/host/log.ts';
import { Retention } from '../../../../src/host/operations/upkeep/retention.ts';
import { bootId, startTicks } from '../../../../src/host/process/proc.ts';
import { Runs } from '../../../../src/host/runs/runs.ts';
import { ApprovalTable } from '../../../../src/host/store/approvals.ts';
import { CallTable } from '../../../../src/host/store/calls.ts';
import { type InjectionRecord, InjectionTable } from '../../../../src/host/store/injections.ts';
import { newRecord } from '../../../../src/host/store/memory-record.ts';
import { MemoryRows } from '../../../../src/host/store/memory-rows.ts';
import { MessageTable } from '../../../../src/host/store/messages.ts';
import { newFloor, newGate, newTurn } from '../../../../src/host/store/run-parts.ts';
import { unconfined } from '../../../../src/host/store/run-sandbox.ts';
import { newTree, type RunRecord, RunTable } from '../../../../src/host/store/runs.ts';
import { Store } from '../../../../src/host/store/store.ts';
import { VirtualClock } from '../../../support/clock.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const MB = 1_000_000;

let stateDir: string;
let store: Store;
let clock: VirtualClock;
let events: Events;
let runTable: RunTable;
let rules: RetentionConfig;
let retention: Retention;

beforeEach(() => {
  stateDir = fs.mkdtempSync(join(tmpdir(), 'aether-retention-'));
  fs.mkdirSync(join(stateDir, 'runs'));
  store = new Store(join(stateDir, 'aether.db'));
  clock = new VirtualClock();
  const log = openLog(undefined);
  events = new Events({ store, clock, ids: randomIds, log });
  runTable = new RunTable(store);
  rules = { ...RETENTION };
  retention = new Retention(
    { store, clock, events, runs: new Runs(runTable), runTable, log, stateDir },
    () => rules,
  );
});
afterEach(async () => {
  await retention.close();
  store.close();
  fs.rmSync(stateDir, { recursive: true });
});

function addRun(id: string, agent: string, change: Partial<RunRecord> = {}, bytes = MB): void {
  const now = clock.now();
  const evidence = { source: 'host', grade: 'observed' as const, what: '', at_ms: now };
  runTable.put({
    id,
    agent,
    state: 'exited',
    state_ms: now,
    stateEvidence: evidence,
    activity: null,
    activityEvidence: null,
    requested: null,
    asked: null,
    shim: null,
    boot_id: bootId(),
    journal_offset: 0,
    engine: { session: null },
    floor: { ...newFloor([]), process: 0 },
    turn: newTurn(),
    gate: newGate(),
    tree: newTree(),
    sandbox: unconfined('r_1'),
    last: null,
    input_tokens: 10,
    output_tokens: 1,
    cost_usd: 0.5,
    started_ms: now,
    exited_ms: now,
    exit: { code: 0, signal: null, cause: 'exited', killed: 0, survivors: 0 },
    ...change,
  });
  const journal = join(stateDir, 'runs', id, 'journal');
  fs.mkdirSync(journal, { recursive: true });
  fs.writeFileSync(join(journal, '0000000000000000.journal'), Buffer.alloc(bytes, 1));
}

const kept = () => fs.readdirSync(join(stateDir, 'runs')).sort();

test('ended runs go after their days; a run that lives never does', async () => {
  addRun('live', 'a', { exited_ms: null, exit: null, state: 'running' });
  addRun('old', 'b');
  clock.advance(10 * DAY);
  addRun('young', 'b');
  expect(await retention.sweep()).toMatchObject({ runs: [] });
  clock.advance(5 * DAY);
  expect((await retention.sweep()).runs).toEqual(['old']);
  expect(kept()).toEqual(['live', 'young']);
  expect(events.list({ topics: ['runs.removed'] })[0]?.data).toMatchObject({ runs: ['old'] });
  expect(events.list({ topics: ['runs.removed'] })[0]?.data.bytes).toBeGreaterThanOrEqual(MB);
  clock.advance(365 * DAY);
  await retention.sweep();
  expect(kept()).toEqual(['live']);
});

test('above their bytes the oldest go, and the last run of each agent at the end', async () => {
  rules.bytes = 3.2 * MB;
  for (const [id, agent] of [
    ['r1', 'a'],
    ['r2', 'b'],
    ['r3', 'b'],
    ['r4', 'b'],
    ['r5', 'b'],
  ] as const) {
    addRun(id, agent);
    clock.advance(1_000);
  }
  expect((await retention.sweep()).runs).toEqual(['r2', 'r3']);
  // r1 is the oldest, but all there is of its agent.
  expect(kept()).toEqual(['r1', 'r4', 'r5']);
  rules.bytes = MB / 2;
  expect((await retention.sweep()).runs).toEqual(['r4', 'r1', 'r5']);
});

test('a run whose shim still writes stays, whatever was given up about it', async () => {
  const shim = { pid: process.pid, start_ticks: startTicks(process.pid) };
  addRun('given-up', 'a', { shim });
  addRun('dead', 'b', { shim: { pid: process.pid, start_ticks: 1 } });
  rules.bytes = 0;
  await retention.sweep();
  expect(kept()).toEqual(['given-up']);
});

test('a directory no run is known of is left alone while a run may be beginning in it', async () => {
  rules.bytes = 0;
  fs.mkdirSync(join(stateDir, 'runs', 'begins'));
  const made = clock.now() / 1000;
  fs.utimesSync(join(stateDir, 'runs', 'begins'), made, made);
  clock.advance(2 * HOUR);
  await retention.sweep();
  expect(kept()).toEqual(['begins']);
  clock.advance(DAY);
  await retention.sweep();
  expect(kept()).toEqual([]);
});

test('a wall clock that jumps ages nothing until it has been steady for an hour', async () => {
  addRun('mine', 'a');
  clock.advance(2 * HOUR);
  await retention.sweep();
  clock.jump(400 * DAY);
  const sweepFor = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 60_000) {
      clock.advance(60_000);
      await retention.sweep();
    }
  };
  await sweepFor(HOUR / 2);
  expect(kept()).toEqual(['mine']);
  // Somebody noticed.
  clock.jump(-400 * DAY);
  await sweepFor(2 * HOUR);
  expect(kept()).toEqual(['mine']);
  clock.jump(-400 * DAY);
  await sweepFor(2 * HOUR);
  expect(kept()).toEqual(['mine']);
  // Where the new time stays it is taken for true: such a machine was off for a year.
  clock.jump(800 * DAY);
  await sweepFor(HOUR + 120_000);
  expect(kept()).toEqual([]);
});

test('rows of old runs go, and what they cost stays', async () => {
  addRun('r1', 'a');
  addRun('r2', 'a', { cost_usd: null });
  events.firstTime('r1', 'once');
  clock.advance(91 * DAY);
  addRun('r3', 'a');
  await retention.sweep();
  expect(runTable.get('r1')).toBeNull();
  expect(runTable.get('r3')).not.toBeNull();
  expect(runTable.totals('a')).toEqual({ input: 30, output: 3, cost_usd: 1, runs: 3 });
  expect(store.db.prepare('SELECT count(*) FROM facts').pluck().get()).toBe(0);
  // The last one of an agent tells how it ended, however long ago that is.
  clock.advance(1_000 * DAY);
  await retention.sweep();
  expect(runTable.newest('a')?.id).toBe('r3');
  expect(runTable.totals('a')).toMatchObject({ runs: 3 });
});

test('facts and receipts of what may still be asked for stay', async () => {
  addRun('live', 'a', { exited_ms: null, exit: null, state: 'running' });
  events.firstTime('live', 'once');
  const calls = new CallTable(store);
  const key = { caller: 'agent:a' as const, instance: 'i', sequence: 1 };
  calls.insert(key, 'tool', { done: true }, clock.now());
  // The clock is wrong for a moment: a call in flight must still be answered from its receipt.
  clock.jump(30 * DAY);
  await retention.sweep();
  expect(calls.get(key)).not.toBeNull();
  clock.jump(-30 * DAY);
  clock.advance(12 * HOUR);
  await retention.sweep();
  expect(calls.get(key)).not.toBeNull();
  clock.advance(13 * HOUR);
  await retention.sweep();
  expect(calls.get(key)).toBeNull();
  expect(events.firstTime('live', 'once')).toBe(false);
});

test('messages whose fate is settled go with the events, and so do those of runs that are over', async () => {
  const table = new InjectionTable(store);
  addRun('ended', 'a');
  addRun('lives', 'b', { exited_ms: null, exit: null, state: 'running' });
  const add = (id: string, run: string | null, state: InjectionRecord['state']) =>
    table.insert({
      id,
      agent: run === 'lives' ? 'b' : 'a',
      run,
      text: 'x',
      priority: 'next',
      principal: 'operator',
      state,
      steps: [],
      created_ms: clock.now(),
    });
  add('waits', null, 'queued');
  add('acted', 'lives', 'acted');
  for (const state of ['delivered', 'seen'] as const) {
    add(`${state}-lives`, 'lives', state);
    add(`${state}-ended`, 'ended', state);
  }
  clock.advance((rules.events_days + 1) * DAY);
  await retention.sweep();
  clock.advance(2 * HOUR);
  await retention.sweep();
  const left = [...table.list('a', 100), ...table.list('b', 100)].map(({ id }) => id).sort();
  expect(left).toEqual(['delivered-lives', 'seen-lives', 'waits']);
});

test('answers, acknowledged mail and forgotten memories go with the events; what is open or remembered stays', async () => {
  const approvals = new ApprovalTable(store);
  const messages = new MessageTable(store);
  const memories = new MemoryRows(store);
  const now = clock.now();
  for (const id of ['open', 'answered']) {
    const question = {
      kind: 'question',
      agent: 'a',
      run: null,
      title: id,
      detail: {},
      otherwise: '',
    } as const;
    const unanswered = { answer: null, answered_ms: null, answeredBy: null, delivered: false };
    approvals.insert({ id, ...question, request: id, state: 'open', opened_ms: now, ...unanswered });
  }
  approvals.settle('answered', 'answered', null, now, 'operator');
  for (const id of ['unread', 'read']) {
    const mail = { from: 'agent:b', to: 'agent:a', subject: id, body: id, replyTo: null } as const;
    messages.insert({ id, ...mail, sent_ms: now, acked_ms: null }, []);
  }
  messages.ack('read', now);
  for (const id of ['known', 'forgotten']) {
    memories.insert(newRecord({ id, scope: 'shared', text: id, author: 'agent:a', created_ms: now }));
  }
  memories.forget('forgotten', now);
  const rows = (table: string) => store.db.prepare(`SELECT id FROM ${table} ORDER BY id`).pluck().all();
  const left = () => ['approvals', 'messages', 'memories'].map(rows);
  const all = [
    ['answered', 'open'],
    ['read', 'unread'],
    ['forgotten', 'known'],
  ];
  clock.advance((rules.events_days - 1) * DAY);
  await retention.sweep();
  clock.advance(HOUR);
  await retention.sweep();
  expect(left()).toEqual(all);
  clock.advance(DAY);
  await retention.sweep();
  expect(left()).toEqual([['open'], ['unread'], ['known']]);
});

function say(text: string): void {
  const data = { level: 'info', text } as const;
  events.append({ topic: 'engine.note', principal: 'host', grade: 'observed', data });
}

test('the event log is cut by size, from its old end, and says so', async () => {
  rules.events_bytes = MB;
  const text = 'x'.repeat(1_000);
  for (let n = 0; n < 2_000; n += 1) say(text);
  const removed = (await retention.sweep()).rows.events!;
  expect(removed).toBeGreaterThan(1_000);
  const left = store.db
    .prepare<[], { count: number; bytes: number }>(
      'SELECT count(*) AS count, sum(octet_length(data)) AS bytes FROM events',
    )
    .get()!;
  expect(left.count).toBe(2_000 - removed + 1);
  expect(left.bytes).toBeLessThan(MB);
  expect(left.bytes).toBeGreaterThan(0.5 * MB);
  expect(events.verify()).toMatchObject({ broken: null, from: removed + 1 });
  const [cut] = events.list({ topics: ['events.pruned'] });
  expect(cut?.data).toMatchObject({ through: removed, removed, why: 'size' });
  // Nothing more to do: no event about nothing.
  const { seq } = events.list({ last: true, limit: 1 })[0]!;
  await retention.sweep();
  expect(events.list({ last: true, limit: 1 })[0]!.seq).toBe(seq);
});

test('events go after their days, once a day', async () => {
  for (let day = 0; day < 95; day += 1) {
    say(`day ${day}`);
    clock.advance(DAY);
  }
  await retention.sweep();
  const cuts = () => events.list({ topics: ['events.pruned'] });
  expect(cuts()).toHaveLength(1);
  expect(cuts()[0]?.data).toMatchObject({ removed: 5, why: 'age' });
  expect(events.list({ topics: ['engine.note'] })[0]?.data.text).toBe('day 5');
  for (let hour = 0; hour < 23; hour += 1) {
    clock.advance(HOUR);
    await retention.sweep();
  }
  expect(cuts()).toHaveLength(1);
  expect(events.verify().broken).toBeNull();
});
