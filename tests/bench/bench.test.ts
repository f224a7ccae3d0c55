/** Every section of `npm run bench` runs to its end and reports what it promises; the figures are not judged here. */

import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundle } from '../../src/build/bundle.mjs';
import { LONG } from '../support/run-tree.ts';
import { type Bench, findProduct } from './bench.ts';
import { median, pairedRatio, percentile } from './figures.ts';
import { meets, type Row, summary, table } from './report.ts';
import { sections } from './sections.ts';

const CHECKOUT = fileURLToPath(new URL('../../', import.meta.url));
const ROWS: Record<string, RegExp[]> = {
  echo: [/one call at a time.*modern/, /one call at a time.*legacy/, /32 calls/, /PSS/, /cold start/],
  memory: [
    /aether_memory_get.*modern/,
    /aether_memory_get.*legacy/,
    /search, median/,
    /search, p95/,
    /in a scope of 1 %/,
    /five commonest/,
    /answer/,
    /event loop/,
    /among the candidates/,
    /writes kept/,
  ],
  'memory-million': [/search, median/, /memory of the host/, /the index is made/, /among the candidates/],
  'memory-suite': [
    /declared: updates/,
    /declared: cascades/,
    /undeclared: .*marked/,
    /undeclared: .*left alone/,
    /absence: unrelated/,
    /absence: answerable/,
    /scripts: thai/,
  ],
  'memory-meaning': [/by meaning, median/, /by meaning, p95/, /while searched/, /while vectors are made/],
  retrieval: [/turns, R@5/, /turns, R@10/, /multi-hop/, /isolated notes, R@5/],
  start: [/aether start/, /aether up --detach/],
  sandbox: [/a box of bubblewrap/, /network of its own/],
  footprint: [/Claude Code run/, /command in a terminal/],
  inject: [/idle agent/, /busy one/],
  openclaw: [/aether start/, /memory/, /aether stop/, /its model request/, /to its end/],
  network: [/added to a start/, /relay: one byte/, /relay: bytes/, /proxy: one byte/, /proxy: bytes/],
  curve: [/host memory per agent/, /event latency p99/, /event loop delay p99/],
  flood: [
    /event loop delay.*nobody/,
    /event loop delay.*somebody/,
    /host memory after/,
    /shim memory after/,
    /into the journal/,
  ],
  supervisors: [/killed runs again/, /restart on command/, /memory per supervised/],
  adoption: [/control socket answers/, /a write and a read/, /tool call/],
};

const CONVERSATIONS = fileURLToPath(new URL('../fixtures/conversations.json', import.meta.url));

let root: string;
let bench: Bench;

/** Of the sources as they are: the last build where it is of them. */
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'ae-bench-'));
  const dist = join(root, 'dist');
  // A link: what Node has kept of its compiled code is by the path of each file.
  if (process.env.AETHER_TEST_DIST === '1') symlinkSync(join(CHECKOUT, 'dist'), dist);
  else await bundle(join(CHECKOUT, 'src'), dist);
  mkdirSync(join(root, 'src', 'host', 'cli'), { recursive: true });
  for (const file of ['package.json', 'src/host/cli/aether.cjs'])
    cpSync(join(CHECKOUT, file), join(root, file));
  for (const name of ['node_modules', 'templates']) symlinkSync(join(CHECKOUT, name), join(root, name));
  bench = { product: findProduct(root), scale: 'smoke', file: CONVERSATIONS, say: () => undefined };
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Of OpenClaw three gateways are started, each tens of seconds of CPU: in the long form. */
const tried = sections.filter(({ name }) => LONG || name !== 'openclaw');

test.each(tried.map((section) => [section.name, section] as const))(
  'section %s',
  async (name, section) => {
    const rows = await section.run(bench);
    const promises = ROWS[name] ?? expect.fail('what this section promises is not written down above');
    for (const promised of promises) expect(rows.map(({ what }) => what).join('\n')).toMatch(promised);
    for (const row of rows) {
      // What is added to a start is a difference, which one round alone may show below nothing.
      if (name === 'sandbox' || row.what === 'added to a start') expect(row.aether, row.what).not.toBeNaN();
      else expect(row.aether, row.what).toBeGreaterThan(0);
      // Of some classes of cases the other memory passes none.
      if (row.ratio !== null && name !== 'sandbox' && row.what !== 'added to a start')
        expect(row.ratio, row.what).toBeGreaterThan(0);
    }
    expect(rows.some(({ target }) => target !== null)).toBe(true);
  },
  600_000,
);

test('each section says here what it promises', () => {
  expect(Object.keys(ROWS).sort()).toEqual(sections.map(({ name }) => name).sort());
});

test('a build that is not there is named, with what makes it', () => {
  expect(() => findProduct(join(root, 'nowhere'))).toThrow(/npm run build/);
});

test('figures', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(percentile([5, 1, 4, 2, 3], 99)).toBe(5);
  expect(percentile([5, 1, 4, 2, 3], 40)).toBe(2);
  // One round in which the whole machine was slow says nothing about either side.
  expect(pairedRatio([2, 2, 20], [1, 1, 10])).toBe(2);
  expect(() => pairedRatio([1], [])).toThrow();
});

test('a target is met, missed, or not set', () => {
  const row: Row = {
    section: 'S',
    what: 'calls',
    unit: 'ms',
    aether: 2,
    reference: { name: 'bare', value: 1 },
    ratio: 2,
    target: { of: 'ratio', at_most: 1.8 },
    note: 'p99',
  };
  const fast = { ...row, what: 'fast', ratio: 1.7 };
  const small: Row = { ...row, what: 'small', target: { of: 'value', at_most: 30 } };
  const many: Row = { ...row, what: 'many', target: { of: 'ratio', at_least: 1 } };
  expect([row, fast, small, many, { ...row, target: null }].map(meets)).toEqual([
    false,
    true,
    true,
    true,
    null,
  ]);
  expect(meets({ ...fast, ratio: Number.NaN })).toBe(false);
  expect(summary([row, fast, small])).toBe('2 of 3 targets met; short: calls');
  expect(summary([fast])).toBe('1 of 1 targets met');
  const lines = table([row, fast]).split('\n');
  expect(lines.find((line) => line.includes('calls'))).toMatch(
    /2\.000 ms +1\.000 ms bare +2\.00× +≤ 1\.8× +SHORT$/,
  );
  expect(lines.find((line) => line.includes('fast'))).toMatch(/pass$/);
});
