/** Vectors as the database keeps them, against a comparison that leaves nothing out. */
import fs from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { quantised, VectorReader } from '../../../../src/host/memory/dense/vectors.ts';
import { MemoryVectorTable } from '../../../../src/host/store/memory-vectors.ts';
import { Store } from '../../../../src/host/store/store.ts';
import { Random } from '../../../chaos/random.ts';
import { tempDir } from '../../../mcp-tools/rig.ts';

const DIMENSIONS = 48;
const ROWS = 1_500;

it('finds the nearest of several scopes, of what was added and what is gone as well', () => {
  const dir = tempDir();
  const store = new Store(join(dir, 'aether.db'));
  const random = new Random('vectors');
  const insert = store.db.prepare(
    `INSERT INTO memories (id, scope, text, tags, author, version, created_ms, updated_ms)
     VALUES (?, ?, 'x', '[]', 'client:x', 1, 1, 1)`,
  );
  const table = new MemoryVectorTable(store);
  const generation = table.use('m');
  let made = 0;
  const all = new Map<number, { scope: string; vector: number[] }>();
  const add = (count: number) => {
    for (let n = 0; n < count; n += 1) {
      const scope = random.pick(['shared', 'agent:a', 'agent:b']);
      made += 1;
      const rowid = Number(insert.run(`m${made}`, scope).lastInsertRowid);
      const vector = Array.from({ length: DIMENSIONS }, () => random.next() - 0.5);
      all.set(rowid, { scope, vector });
      table.put(rowid, generation, quantised(vector));
    }
  };
  const reader = new VectorReader(store);
  const check = () => {
    const query = Array.from({ length: DIMENSIONS }, () => random.next() - 0.5);
    const found = reader.near(['shared', 'agent:a'], quantised(query), 20);
    const exact = [...all]
      .filter(([, { scope }]) => scope !== 'agent:b')
      .map(([rowid, { vector }]) => ({ rowid, similarity: cosine(vector, query) }))
      .sort((a, b) => b.similarity - a.similarity);
    const best = new Set(exact.slice(0, 20).map(({ rowid }) => rowid));
    // A byte a dimension changes the order of what is nearly as near.
    expect(found.filter(({ rowid }) => best.has(rowid)).length).toBeGreaterThanOrEqual(18);
    expect(found[0]!.similarity).toBeCloseTo(exact[0]!.similarity, 1);
    expect(found.map(({ similarity }) => similarity)).toEqual(
      found.map(({ similarity }) => similarity).sort((a, b) => b - a),
    );
  };
  store.transaction(() => add(ROWS));
  for (let n = 0; n < 5; n += 1) check();
  const gone = [...all.keys()].filter((rowid) => rowid % 3 === 0);
  const forget = store.db.prepare('UPDATE memories SET forgotten_ms = 1 WHERE rowid = ?');
  for (const rowid of gone) {
    forget.run(rowid);
    all.delete(rowid);
  }
  store.transaction(() => add(200));
  for (let n = 0; n < 5; n += 1) check();
  expect(reader.near(['shared'], quantised([1, 2, 3]), 5)).toEqual([]);
  expect(reader.near(['nowhere'], quantised(Array(DIMENSIONS).fill(1)), 5)).toEqual([]);
  store.close();
  fs.rmSync(dir, { recursive: true });
});

function cosine(a: readonly number[], b: readonly number[]): number {
  const dot = (x: readonly number[], y: readonly number[]) =>
    x.reduce((sum, value, at) => sum + value * y[at]!, 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}
