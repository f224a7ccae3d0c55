/**
 * Searches by meaning through `aether mcp`, with vectors of 384 dimensions from an endpoint beside it that costs nothing:
 * what is measured is the host's part, of searching and of making the vectors. Before it, the same searches by words.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Reader } from '../../../src/host/store/reader.ts';
import { EmbeddingServer } from '../../support/embedding-server.ts';
import { LiveFleet } from '../../support/live-fleet.ts';
import type { Bench, Scale } from '../bench.ts';
import { median, percentile } from '../figures.ts';
import { HostProbe } from '../host-probe.ts';
import { privateDirectory } from '../private-directory.ts';
import { oneByOne, RawClient } from '../raw-client.ts';
import type { Row, Target } from '../report.ts';
import { Words } from '../words.ts';
import { fill, indexed } from './memory-search.ts';

const SECTION = '2d. Searches of memories by meaning';
const DIMENSIONS = 384;
const BATCH = 16;
const TOPICS = 6;
const CLIENT = 'bench';
const LOOK_MS = 200;

const SCALES: Record<Scale, { levels: number[]; queries: number }> = {
  full: { levels: [10_000, 100_000], queries: 200 },
  quick: { levels: [10_000], queries: 100 },
  smoke: { levels: [300], queries: 5 },
};

export async function memoryMeaning(bench: Bench): Promise<Row[]> {
  const { levels, queries } = SCALES[bench.scale];
  const rows: Row[] = [];
  for (const memories of levels) rows.push(...(await measured(bench, memories, queries)));
  return rows;
}

async function measured(bench: Bench, memories: number, queries: number): Promise<Row[]> {
  bench.say(`memory: ${memories} memories by meaning`);
  const dir = privateDirectory();
  const server = await EmbeddingServer.open();
  server.more = DIMENSIONS - TOPICS;
  const probe = new HostProbe(dir.path);
  const program = [process.execPath, ...probe.flags, bench.product.command];
  const fleet = await LiveFleet.make({ agents: {} }, { program, env: { ...probe.env } });
  try {
    const words = new Words(20_000, 7);
    mkdirSync(fleet.stateDir, { recursive: true, mode: 0o700 });
    const file = join(fleet.stateDir, 'aether.db');
    fill(file, memories, words);
    await fleet.up();
    await probe.ready();
    const client = new RawClient(
      [process.execPath, bench.product.command, 'mcp', '--as', CLIENT, '--state', fleet.stateDir],
      'modern',
      fleet.env,
    );
    try {
      await indexed(client, probe);
      const texts = Array.from({ length: queries }, () => words.text(3, 6));
      const timed = async (asked: readonly string[]) => {
        let next = 0;
        return oneByOne(asked.length, () => client.call('aether_memory_search', { query: asked[next++]! }));
      };
      const byWords = await timed(texts);
      fleet.configure({
        agents: {},
        memory: { embeddings: { url: server.url, model: 'bench', batch_max: BATCH } },
      });
      const since_ms = performance.now();
      await probe.begin();
      await fleet.ok('apply');
      await made(file, memories);
      const making_ms = performance.now() - since_ms;
      const making = await probe.read();
      await timed(texts.slice(0, 3));
      await probe.begin();
      const both = await timed(texts);
      const searching = await probe.read();
      return rowsOf({ memories, byWords, both, making, making_ms, searching });
    } finally {
      await client.close();
    }
  } finally {
    probe.close();
    await fleet.close();
    await server.close();
    dir.remove();
  }
}

async function made(file: string, memories: number): Promise<void> {
  const reader = new Reader(file);
  const count = reader.db.prepare<[], number>('SELECT count(*) FROM memory_vectors').pluck();
  while (count.get()! < memories) await sleep(LOOK_MS);
  reader.close();
}

interface Measured {
  memories: number;
  byWords: number[];
  both: number[];
  making: Awaited<ReturnType<HostProbe['read']>>;
  making_ms: number;
  searching: Awaited<ReturnType<HostProbe['read']>>;
}

function rowsOf({ memories, byWords, both, making, making_ms, searching }: Measured): Row[] {
  const row = (what: string, aether: number, more: Partial<Row> = {}): Row => ({
    ...{ section: SECTION, what: `${memories.toLocaleString('en')} memories: ${what}`, unit: 'ms', aether },
    ...{ reference: null, ratio: null, target: null, note: '' },
    ...more,
  });
  const beside = (value: number, aether: number): Partial<Row> => ({
    reference: { name: 'by words alone', value },
    ratio: aether / value,
  });
  const loop: Target = { of: 'value', at_most: 30 };
  const idle = (p99_ms: number) => `an idle program beside it waited ${p99_ms.toFixed(1)} ms`;
  const seconds = (making_ms / 1_000).toFixed(1);
  return [
    row('search by meaning, median', median(both), beside(median(byWords), median(both))),
    row(
      'search by meaning, p95',
      percentile(both, 95),
      beside(percentile(byWords, 95), percentile(both, 95)),
    ),
    row('event loop delay p99 while searched by meaning', searching.host.p99_ms, {
      target: loop,
      note: idle(searching.idle.p99_ms),
    }),
    row('event loop delay p99 while vectors are made', making.host.p99_ms, {
      target: loop,
      note: `${idle(making.idle.p99_ms)}; ${DIMENSIONS} dimensions, ${BATCH} in a request, made in ${seconds} s`,
    }),
  ];
}
