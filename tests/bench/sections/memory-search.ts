/**
 * Searches of 1,000 to a million memories through `aether mcp`, and writes of several processes at once, beside the same
 * on a widely used memory server. Words of texts and queries are drawn by their frequency.
 */
import { once } from 'node:events';
import { createWriteStream, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { prepare } from '../../../src/host/memory/search/prepare.ts';
import { parseQuery } from '../../../src/host/memory/search/query.ts';
import { rank } from '../../../src/host/memory/search/rank.ts';
import { ShelfReader } from '../../../src/host/store/memory-shelves.ts';
import { Reader } from '../../../src/host/store/reader.ts';
import { Store } from '../../../src/host/store/store.ts';
import { engineProgram } from '../../support/engines.ts';
import { LiveFleet } from '../../support/live-fleet.ts';
import type { Bench, Scale } from '../bench.ts';
import { median, percentile } from '../figures.ts';
import { HostProbe, residentMB } from '../host-probe.ts';
import { privateDirectory } from '../private-directory.ts';
import { oneByOne, RawClient } from '../raw-client.ts';
import type { Row, Target } from '../report.ts';
import { Words } from '../words.ts';

const SECTION = '2b. Searches of memories and writes at once, beside server-memory';
const MEMORY = 'server-memory';
const CLIENT = 'bench';
/** Of each hundred memories one is in the client's own scope, the others are of the fleet. */
const OWN_SHARE = 100;
const VOCABULARY = 60_000;
const PROCESSES = 4;
const WRITES_EACH = 32;
const CANDIDATES = 200;
const CHECKED_QUERIES = 40;

interface Level {
  memories: number;
  /** Milliseconds that the issue of this search sets: median, p95. */
  all?: [number, number];
  scoped?: [number, number];
  common?: number;
  /** Whether server-memory reads a file of so many in a time that can be waited for. */
  beside: boolean;
}

const LEVELS: Level[] = [
  { memories: 1_000, beside: true },
  { memories: 10_000, all: [3, 8], beside: true },
  { memories: 100_000, all: [8, 20], beside: true },
];
const MILLION: Level = {
  memories: 1_000_000,
  ...{ all: [30, 75], scoped: [8, 20], common: 150, beside: false },
};

const SCALES: Record<Scale, { levels: Level[]; million: Level[]; queries: number }> = {
  full: { levels: LEVELS, million: [MILLION], queries: 400 },
  quick: { levels: LEVELS, million: [], queries: 150 },
  smoke: {
    levels: [{ memories: 800, beside: true }],
    million: [{ ...MILLION, memories: 1_500 }],
    queries: 5,
  },
};

export async function memorySearch(bench: Bench): Promise<Row[]> {
  const { levels, queries } = SCALES[bench.scale];
  const rows: Row[] = [];
  for (const level of levels) {
    const measuredRows = await measured(bench, level, queries, async (fleet, dir) =>
      level === levels[0] ? [await writes(bench, fleet, dir)] : [],
    );
    rows.push(...measuredRows);
  }
  return rows;
}

/** Minutes, most of them for the index: in the full form only. */
export async function memoryMillion(bench: Bench): Promise<Row[]> {
  const { million, queries } = SCALES[bench.scale];
  if (million.length === 0) bench.say('a million memories are searched in the full form only');
  const rows: Row[] = [];
  for (const level of million) rows.push(...(await measured(bench, level, queries, async () => [])));
  return rows;
}

async function measured(
  bench: Bench,
  level: Level,
  queries: number,
  then: (fleet: LiveFleet, dir: string) => Promise<Row[]>,
): Promise<Row[]> {
  const { memories } = level;
  bench.say(`memory: ${memories} memories`);
  const dir = privateDirectory();
  const probe = new HostProbe(dir.path);
  const program = [process.execPath, ...probe.flags, bench.product.command];
  const fleet = await LiveFleet.make({ agents: {} }, { program, env: { ...probe.env } });
  const words = new Words(VOCABULARY, 7);
  try {
    mkdirSync(fleet.stateDir, { recursive: true, mode: 0o700 });
    const file = join(fleet.stateDir, 'aether.db');
    fill(file, memories, words);
    bench.say(`memory: ${memories} memories are in the database; the host makes their index`);
    await fleet.up();
    await probe.ready();
    const client = new RawClient(
      [process.execPath, bench.product.command, 'mcp', '--as', CLIENT, '--state', fleet.stateDir],
      'modern',
      fleet.env,
    );
    try {
      const { delay, indexing_ms } = await indexed(client, probe);
      bench.say(`memory: the index of ${memories} is made`);
      const texts = Array.from({ length: queries }, () => words.text(3, 6));
      const rows = await searches({ level, client, probe, texts, words, indexing_ms, indexing: delay });
      rows.push(memoryOf(fleet, memories));
      const theirs = level.beside ? await besides(dir.path, memories, texts) : null;
      return [
        ...rows.map((row) => withReference(row, theirs)),
        candidates(file, memories, texts),
        ...(await then(fleet, dir.path)),
      ];
    } finally {
      await client.close();
    }
  } finally {
    probe.close();
    await fleet.close();
    dir.remove();
  }
}

/** As an earlier version of the host left them: rows without an index. */
export function fill(file: string, memories: number, words: Words): void {
  const store = new Store(file);
  const insert = store.db.prepare(
    `INSERT INTO memories (id, scope, key, text, tags, author, version, created_ms, updated_ms)
     VALUES (?, ?, NULL, ?, '[]', 'client:bench', 1, ?, ?)`,
  );
  const since_ms = Date.now() - memories;
  store.transaction(() => {
    for (let at = 0; at < memories; at += 1) {
      const scope = at % OWN_SHARE === 0 ? `client:${CLIENT}` : 'shared';
      insert.run(`mem-${at}`, scope, words.text(8, 38), since_ms + at, since_ms + at);
    }
  });
  store.close();
}

/** Until nothing is said to be left out. */
export async function indexed(
  client: RawClient,
  probe: HostProbe,
): Promise<{ delay: Delay; indexing_ms: number }> {
  const begun = performance.now();
  await probe.begin();
  for (;;) {
    const answer = JSON.stringify(await client.call('aether_memory_search', { query: 'anything', limit: 1 }));
    if (!answer.includes('not searched yet')) break;
    await sleep(250);
  }
  return { delay: await probe.read(), indexing_ms: performance.now() - begun };
}

type Delay = Awaited<ReturnType<HostProbe['read']>>;

interface Subject {
  level: Level;
  client: RawClient;
  probe: HostProbe;
  texts: string[];
  words: Words;
  indexing_ms: number;
  /** While the index was made. */
  indexing: Delay;
}

async function searches(subject: Subject): Promise<Row[]> {
  const { level, client, probe, texts, words, indexing_ms, indexing } = subject;
  const { memories, all, scoped, common } = level;
  const bytes: number[] = [];
  const search = async (query: string, more: object = {}) => {
    const result = await client.call('aether_memory_search', { query, ...more });
    bytes.push(JSON.stringify(result.structuredContent).length);
  };
  const timed = async (queries: readonly string[], more: object = {}) => {
    let next = 0;
    return oneByOne(queries.length, () => search(queries[next++]!, more));
  };
  await timed(texts.slice(0, 20));
  bytes.length = 0;
  await probe.begin();
  const unscoped = await timed(texts);
  const own = await timed(texts, { scope: 'agent' });
  const searching = await probe.read();
  const commonest = await timed(Array.from({ length: 10 }, () => words.commonest(5)));
  const row = (what: string, aether: number, target: Target | null = null, more: Partial<Row> = {}): Row => ({
    ...{ section: SECTION, what: `${count(memories)} memories: ${what}`, unit: 'ms' },
    ...{ aether, reference: null, ratio: null, target, note: '' },
    ...more,
  });
  const loop = (what: string, { host, idle }: Delay, more = '') =>
    row(what, host.p99_ms, most(30), {
      note: `an idle program beside it waited ${idle.p99_ms.toFixed(1)} ms${more}`,
    });
  const most = (limit: number | undefined): Target | null =>
    limit === undefined ? null : { of: 'value', at_most: limit };
  return [
    row('search, median', median(unscoped), most(all?.[0])),
    row('search, p95', percentile(unscoped, 95), most(all?.[1])),
    row('search in a scope of 1 %, median', median(own), most(scoped?.[0])),
    row('search in a scope of 1 %, p95', percentile(own, 95), most(scoped?.[1])),
    row('search for the five commonest words', median(commonest), most(common)),
    row('answer, median', median(bytes) / 1_000, null, { unit: 'KB' }),
    loop('event loop delay p99 while searched', searching),
    loop(
      'event loop delay p99 while the index is made',
      indexing,
      `; made in ${(indexing_ms / 1_000).toFixed(1)} s`,
    ),
  ];
}

function memoryOf(fleet: LiveFleet, memories: number): Row {
  const pid = Number(readFileSync(join(fleet.stateDir, 'host.pid'), 'utf8'));
  return {
    ...{ section: SECTION, what: `${count(memories)} memories: memory of the host`, unit: 'MB' },
    ...{ aether: residentMB(pid), reference: null, ratio: null, target: null },
    note: 'after the index was made and searched',
  };
}

interface Beside {
  times: number[];
  bytes: number[];
}

/** The same texts as observations of as many entities. */
async function besides(dir: string, memories: number, texts: readonly string[]): Promise<Beside> {
  const file = join(dir, `${memories}.jsonl`);
  const words = new Words(VOCABULARY, 7);
  const out = createWriteStream(file);
  for (let at = 0; at < memories; at += 1) {
    const observations = [words.text(8, 38)];
    const line = JSON.stringify({ type: 'entity', name: `mem-${at}`, entityType: 'note', observations });
    if (!out.write(`${line}\n`)) await once(out, 'drain');
  }
  await new Promise((resolve) => out.end(resolve));
  const client = serverMemory(file);
  try {
    await client.open();
    const bytes: number[] = [];
    let next = 0;
    const few = texts.slice(0, 20);
    const times = await oneByOne(few.length, async () => {
      // It looks for its query as it stands: of several words it finds nothing, so it is given one.
      const query = few[next++]!.split(' ')[0]!;
      bytes.push(JSON.stringify(await client.call('search_nodes', { query })).length);
    });
    return { times, bytes };
  } finally {
    await client.close();
  }
}

const serverMemory = (file: string): RawClient =>
  new RawClient([process.execPath, engineProgram('@modelcontextprotocol/server-memory')], 'legacy', {
    MEMORY_FILE_PATH: file,
  });

function withReference(row: Row, theirs: Beside | null): Row {
  if (theirs === null) return row;
  const value = row.what.endsWith('search, median')
    ? median(theirs.times)
    : row.what.endsWith('search, p95')
      ? percentile(theirs.times, 95)
      : row.what.endsWith('answer, median')
        ? median(theirs.bytes) / 1_000
        : null;
  return value === null ? row : { ...row, reference: { name: MEMORY, value }, ratio: row.aether / value };
}

/** How many of the ten that rank first of all are among the candidates that are ranked. */
function candidates(file: string, memories: number, texts: readonly string[]): Row {
  const reader = new Reader(file);
  try {
    const { shelves } = new ShelfReader(reader).read([`client:${CLIENT}`, 'shared']);
    const shares = texts.slice(0, CHECKED_QUERIES).flatMap((text) => {
      const prepared = prepare(parseQuery(text), shelves);
      const best = (picked: number) => rank(prepared, shelves, picked).ranked.slice(0, 10);
      const exhaustive = best(Math.min(memories, 100_000));
      const among = new Set(best(CANDIDATES).map(({ rowid }) => rowid));
      return exhaustive.length === 0
        ? []
        : [exhaustive.filter(({ rowid }) => among.has(rowid)).length / exhaustive.length];
    });
    const share = shares.reduce((sum, each) => sum + each, 0) / shares.length;
    return {
      section: SECTION,
      what: `${count(memories)} memories: the exhaustive top 10 among the candidates`,
      ...{ unit: '%', aether: 100 * share, reference: null, ratio: null },
      target: { of: 'value', at_least: 97 },
      note: `${shares.length} queries`,
    };
  } finally {
    reader.close();
  }
}

async function writes(bench: Bench, fleet: LiveFleet, dir: string): Promise<Row> {
  const argv = [process.execPath, bench.product.command, 'mcp', '--state', fleet.stateDir];
  const total = PROCESSES * WRITES_EACH;
  const ours = Array.from(
    { length: PROCESSES },
    (_, index) => new RawClient([...argv, '--as', `writer-${index}`], 'modern', fleet.env),
  );
  const file = join(dir, 'writes.jsonl');
  const theirs = Array.from({ length: PROCESSES }, () => serverMemory(file));
  try {
    await Promise.all([...ours, ...theirs].map((client) => client.open()));
    await together(ours, (client, name) =>
      client.call('aether_memory_store', { text: `written ${name}`, key: name, scope: 'fleet' }),
    );
    await together(theirs, (client, name) =>
      client.call('create_entities', {
        entities: [{ name, entityType: 'note', observations: [`written ${name}`] }],
      }),
    ).catch(() => undefined);
    const kept = await Promise.all(
      names().map((name) =>
        ours[0]!.call('aether_memory_get', { key: name }).then(
          () => 1,
          () => 0,
        ),
      ),
    );
    const value = readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line.includes('"entity"')).length;
    return {
      section: SECTION,
      what: `${PROCESSES} processes × ${WRITES_EACH} writes at once: writes kept`,
      ...{ unit: 'kept', aether: kept.reduce<number>((sum, one) => sum + one, 0) },
      reference: { name: MEMORY, value },
      ratio: total / Math.max(1, value),
      target: { of: 'value', at_least: total },
      note: `of ${total}`,
    };
  } finally {
    await Promise.all([...ours, ...theirs].map((client) => client.close()));
  }
}

const nameOf = (index: number, write: number): string => `note-${index}-${write}`;
const names = (): string[] =>
  Array.from({ length: PROCESSES * WRITES_EACH }, (_, at) =>
    nameOf(at % PROCESSES, Math.floor(at / PROCESSES)),
  );

async function together(
  clients: readonly RawClient[],
  write: (client: RawClient, name: string) => Promise<unknown>,
): Promise<void> {
  await Promise.all(
    clients.flatMap((client, index) =>
      Array.from({ length: WRITES_EACH }, (_, at) => write(client, nameOf(index, at))),
    ),
  );
}

const count = (memories: number): string => memories.toLocaleString('en');
