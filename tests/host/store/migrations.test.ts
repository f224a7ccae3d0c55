/** A database made by the first version, and what becomes of it; a migration whose process is killed in the middle. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../../src/host/clock.ts';
import { Events } from '../../../src/host/events/events.ts';
import { randomIds } from '../../../src/host/ids.ts';
import { openLog } from '../../../src/host/log.ts';
import { AgentTable } from '../../../src/host/store/agents.ts';
import { LeaseTable } from '../../../src/host/store/leases.ts';
import { MessageTable } from '../../../src/host/store/messages.ts';
import { migrations } from '../../../src/host/store/migrations.ts';
import { newFloor, newGate, newTurn } from '../../../src/host/store/run-parts.ts';
import { RunTable } from '../../../src/host/store/runs.ts';
import { history } from '../../../src/host/store/schema.ts';
import { Store } from '../../../src/host/store/store.ts';
import { defineTable, inOrder, type Table } from '../../../src/host/store/table.ts';
import { tables } from '../../../src/host/store/tables.ts';
import { eventually } from '../../support/eventually.ts';

/** Left by a host of version 1 that ran the example: two agents, three runs, mail, a memory, an open question. */
const VERSION_1 = join(import.meta.dirname, '../../fixtures/databases/version-1.db');
const STORE = pathToFileURL(join(import.meta.dirname, '../../../src/host/store/store.ts')).href;
const MIGRATIONS = pathToFileURL(join(import.meta.dirname, '../../../src/host/store/migrations.ts')).href;

let dir: string;
let file: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'aether-store-'));
  file = join(dir, 'aether.db');
});
afterEach(() => rmSync(dir, { recursive: true }));

/** Every table with its columns, every index, every row count. */
function shape(database: string): { schema: unknown[]; version: number; rows: Record<string, number> } {
  const db = new Database(database, { readonly: true });
  const schema = db
    .prepare<[], { type: string; name: string; tbl_name: string }>(
      "SELECT type, name, tbl_name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name",
    )
    .all();
  const tables = schema.filter((entry) => entry.type === 'table');
  const columns = tables.map(({ name }) => [
    name,
    db.prepare(`SELECT name, type, "notnull", pk FROM pragma_table_info('${name}') ORDER BY name`).all(),
  ]);
  const rows = Object.fromEntries(
    tables.map(({ name }) => [name, db.prepare<[], number>(`SELECT count(*) FROM "${name}"`).pluck().get()!]),
  );
  const version = db.pragma('user_version', { simple: true }) as number;
  db.close();
  return { schema: [schema, columns], version, rows };
}

test('a database of version 1 becomes one of today, with all that was in it', () => {
  copyFileSync(VERSION_1, file);
  const before = shape(file);
  expect(before.version).toBe(1);
  const store = new Store(file);
  const agents = new AgentTable(store).all();
  const runs = new RunTable(store);
  expect(agents.map(({ name }) => name).sort()).toEqual(['scout', 'writer']);
  expect(agents.every(({ hold }) => hold === null)).toBe(true);
  expect(agents.map(({ config }) => config.options)).toEqual([
    { replay: expect.stringMatching(/^\//) },
    { replay: expect.stringMatching(/^\//) },
  ]);
  expect(agents.some(({ config }) => 'replay' in config || 'command' in config)).toBe(false);
  expect(runs.totals('scout')).toMatchObject({ runs: 2 });
  const newest = runs.newest('scout')!;
  expect(newest).toMatchObject({ state: 'exited', exit: { cause: 'stopped' } });
  // The later of the two, by the order in which they were begun.
  const started = store.db
    .prepare<[], string>("SELECT id FROM runs WHERE agent = 'scout' ORDER BY started_ms DESC")
    .pluck()
    .get();
  expect(newest.id).toBe(started);
  const mail = store.db.prepare<[], string>('SELECT id FROM messages').pluck().get()!;
  expect(new MessageTable(store).get(mail)).toMatchObject({ from: 'agent:scout', to: 'agent:writer' });
  const events = new Events({ store, clock: systemClock, ids: randomIds, log: openLog(undefined) });
  expect(events.verify()).toEqual({ broken: null, events: 112, from: 1 });
  // The chain goes on where the old host left it.
  events.append({ topic: 'agent.removed', principal: 'host', grade: 'enforced', data: {} });
  expect(events.verify()).toEqual({ broken: null, events: 113, from: 1 });
  store.close();
  const after = shape(file);
  // The index of the search is made of the memories.
  const kept = Object.entries(before.rows).filter(([table]) => !table.startsWith('memories_text'));
  for (const [table, count] of kept)
    expect([table, after.rows[table]]).toEqual([table, table === 'events' ? count + 1 : count]);
});

test('a migrated database is one that was made today', () => {
  copyFileSync(VERSION_1, file);
  new Store(file).close();
  const fresh = join(dir, 'fresh.db');
  new Store(fresh).close();
  expect(shape(file)).toMatchObject({ schema: shape(fresh).schema, version: migrations.length });
});

test('every table is defined once, with a rule of what leaves it', () => {
  const store = new Store(file);
  const found = store.db
    .prepare<[], string>(
      `SELECT name FROM pragma_table_list WHERE schema = 'main' AND type <> 'shadow' AND name NOT LIKE 'sqlite_%'`,
    )
    .pluck()
    .all();
  store.close();
  const defined = tables.flatMap(({ name, parts = [] }) => [name, ...parts]);
  expect(defined.sort()).toEqual(found.sort());
});

test('migrations of before tables had files of their own are what they were', () => {
  expect(history).toHaveLength(11);
  expect(createHash('sha256').update(JSON.stringify(history)).digest('hex')).toBe(
    '6d213ae499befa2b8338763c826479ca0db3070fb0f668d607fad6a5a8e8ce29',
  );
});

test('a table brings its versions after those, each once and without a gap', () => {
  const bringing = (name: string, migrations: Table['migrations']) =>
    defineTable({ name, leaves: 'never', ...(migrations === undefined ? {} : { migrations }) });
  const order = (...definitions: Table[]) => inOrder(['one', 'two'], definitions);
  expect(
    order(bringing('a', { 5: 'five', 3: 'three' }), bringing('b', { 4: 'four' }), bringing('c', undefined)),
  ).toEqual(['one', 'two', 'three', 'four', 'five']);
  expect(() => order(bringing('a', { 2: 'again' }))).toThrow(
    'of a has version 2, and the next free one is 3',
  );
  expect(() => order(bringing('a', { 3: 'x' }), bringing('b', { 3: 'y' }))).toThrow(
    'of b has version 3, and the next free one is 4',
  );
  expect(() => order(bringing('a', { 4: 'x' }))).toThrow('of a has version 4, and the next free one is 3');
});

test('a run whose floor held the turn and the gate has three records, with nothing of them lost', () => {
  const db = new Database(file);
  const FLOOR_HELD_ALL = 7;
  for (const migration of migrations.slice(0, FLOOR_HELD_ALL)) db.exec(migration);
  db.pragma(`user_version = ${FLOOR_HELD_ALL}`);
  const evidence = JSON.stringify({ source: 'shim', grade: 'observed', what: '', at_ms: 1 });
  const insert = db.prepare(
    `INSERT INTO runs (id, agent, state, state_ms, state_evidence, engine, floor, started_ms, ordinal)
     VALUES (?, ?, 'running', 1, ?, '{"session":"s"}', ?, 1, 1)`,
  );
  const cut = 'half a line \u0000 \ud83d "quoted" {"a":[1e3';
  const plain = { role: 'engine', pid: 7, io: 'pipes', cols: 80, rows: 24, partialOut: cut, partialErr: '' };
  const opening = [{ id: 'goal', data: '{"x":1}\n', handshake: true as const }];
  const call = { requestId: 'q', tool: 'Bash', toolUseId: 't', at_ms: 5, verdict: 'ask', approval: 'apr_1' };
  const says = { activity: 'tool', what: 'runs Bash', at_ms: 9 };
  const asked = { by: 'operator', at_ms: 3 };
  const full = {
    ...{ process: 2, ...plain, printed: 'last words', terminalFrom: 11, marks: [12, 13], opening },
    ...{ tail: { path: '/x', offset: 4 }, heard_ms: 8, gates: [call], passed: ['a', 'b'], says, asked },
    ...{ running: [{ toolUseId: 'b', tool: 'Read', subagent: 'sub' }], senders: ['agent:low'], goesOn: true },
    ...{ ungated: 'the tool call z', turnEnded: 'interrupted', untold: 'You were away.' },
  };
  insert.run('full', 'a', evidence, JSON.stringify(full));
  const before = { process: null, ...plain, terminalFrom: null, marks: [], tail: null, opening };
  insert.run('never-started', 'b', evidence, JSON.stringify(before));
  insert.run('without-a-gate', 'c', evidence, JSON.stringify({ ...before, process: 0 }));
  db.close();

  const store = new Store(file);
  const runs = new RunTable(store);
  const { gates: _gates, passed, running } = full;
  const size = { cols: 80, rows: 24 };
  const process = { role: 'engine', pid: 7, io: 'pipes', size, partialOut: cut, partialErr: '' };
  expect(runs.get('full')).toMatchObject({
    asked,
    turn: { says, senders: ['agent:low'], goesOn: true, ended: 'interrupted', untold: 'You were away.' },
    gate: {
      installed: true,
      waiting: [{ ...call, stage: 'gate' }],
      running,
      passed,
      ungated: 'the tool call z',
    },
    floor: {
      process: 2,
      processes: {
        2: { ...process, printed: 'last words', terminalFrom: 11, marks: [12, 13], heard_ms: 8 },
      },
      size,
      tail: { path: '/x', offset: 4 },
      opening,
    },
  });
  expect(runs.get('never-started')).toMatchObject({
    ...{ asked: null, turn: newTurn(), gate: newGate(), floor: newFloor(opening) },
  });
  expect(runs.get('without-a-gate')).toMatchObject({
    gate: { ...newGate(), installed: false },
    floor: { processes: { 0: { ...process, printed: '', terminalFrom: null, marks: [], heard_ms: null } } },
  });
  expect(runs.newestStarted('b')).toBeNull();
  expect(runs.newestStarted('c')?.id).toBe('without-a-gate');
  // Written as it was read, but for the half character that an older version let in.
  const record = runs.get('full')!;
  runs.put(record);
  record.floor.processes[2]!.partialOut = cut.toWellFormed();
  expect(runs.get('full')).toEqual(record);
  store.close();
});

test('opening what is up to date writes nothing', () => {
  new Store(file).close();
  const store = new Store(file);
  expect(store.db.prepare('SELECT total_changes()').pluck().get()).toBe(0);
  store.close();
});

test('a database of a newer Aether is refused in a sentence, and not touched', () => {
  new Store(file).close();
  const db = new Database(file);
  db.pragma(`user_version = ${migrations.length + 1}`);
  db.close();
  expect(() => new Store(file)).toThrow(
    new RegExp(`newer Aether \\(version ${migrations.length + 1}; this one knows ${migrations.length}\\)`),
  );
  expect(shape(file).version).toBe(migrations.length + 1);
});

test('a file that is no database is refused, and not touched', () => {
  copyFileSync(import.meta.filename, file);
  expect(() => new Store(file)).toThrow(/cannot be opened/);
});

test('whoever is killed in the middle of a migration leaves the old database whole', async () => {
  copyFileSync(VERSION_1, file);
  const before = shape(file);
  // The real migrations, then one that works for minutes and says so when it has begun.
  const program = `
    const { migrations } = await import(${JSON.stringify(MIGRATIONS)});
    const { Store } = await import(${JSON.stringify(STORE)});
    migrations.push('CREATE TABLE half (n INTEGER); INSERT INTO half WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 3000000000) SELECT n FROM c;');
    process.stdout.write('go');
    new Store(process.argv[1]);
  `;
  const child = spawn(process.execPath, ['--no-warnings', '--input-type=module', '-e', program, file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = new Promise((resolve) => child.once('exit', (_code, signal) => resolve(signal)));
  try {
    await new Promise((resolve) => child.stdout.once('data', resolve));
    // A transaction this large spills into the log before it is committed: it is truly under way.
    await eventually(
      'the migration writes',
      () => (statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 8e6,
      30_000,
    );
  } finally {
    child.kill('SIGKILL');
  }
  expect(await exited).toBe('SIGKILL');
  expect(shape(file)).toEqual(before);
  const store = new Store(file);
  expect(new AgentTable(store).all()).toHaveLength(2);
  store.close();
  expect(shape(file).version).toBe(migrations.length);
}, 60_000);

test('a lease with a size has it on its terminal', () => {
  const db = new Database(file);
  const SIZE_WAS_ALONE = 10;
  for (const migration of migrations.slice(0, SIZE_WAS_ALONE)) db.exec(migration);
  db.pragma(`user_version = ${SIZE_WAS_ALONE}`);
  const insert = db.prepare(
    "INSERT INTO leases (agent, generation, holder, phase, run, since_ms, detail) VALUES (?, 3, 'me', 'held', 'r', 1, ?)",
  );
  insert.run('sized', JSON.stringify({ when: 'now', cols: 90, rows: 30, waitingFor: null }));
  insert.run('without', JSON.stringify({ when: 'boundary' }));
  db.close();
  const store = new Store(file);
  expect(new LeaseTable(store).all().map(({ detail }) => detail)).toEqual([
    { when: 'now', waitingFor: null, surfaces: { terminal: { cols: 90, rows: 30 } } },
    { when: 'boundary' },
  ]);
  store.close();
});
