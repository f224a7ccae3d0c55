/**
 * The four tools of the memory with whatever a client may send: each call is answered or refused in one sentence with a
 * code, nothing is half done, and what is kept stays in order.
 */
import fs from 'node:fs';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { MemoryView } from '../../src/host/api.ts';
import { AetherError } from '../../src/host/errors.ts';
import { limits } from '../../src/host/limits.ts';
import { VirtualClock } from '../support/clock.ts';
import { LONG } from '../support/run-tree.ts';
import { caller, Rig, tempDir } from './rig.ts';

let clock: VirtualClock;
let rig: Rig;
/** Each example of a property has names of its own. */
let agents = 0;

beforeEach(() => {
  clock = new VirtualClock();
  rig = new Rig(tempDir(), { clock });
});

afterEach(async () => {
  await rig.close();
  fs.rmSync(rig.dir, { recursive: true });
});

/** Of a property: a third in the short form. */
const examples = (count: number) => (LONG ? count : Math.ceil(count / 3));

const TOOLS = {
  aether_memory_store:
    'text key layer tags scope importance supersedes derived_from contradicts valid_from expires if_version',
  aether_memory_search: 'query limit budget_tokens layer scope tags author since state cursor',
  aether_memory_get: 'id key history',
  aether_memory_forget: 'id key',
};
type ToolName = keyof typeof TOOLS;

/** Half a surrogate pair, NUL, what JSON and SQL mean something by, and long ones. */
const odd = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom(
    '\u0000',
    'a\u0000b',
    '\ud800',
    'x\udc00y',
    "'; DROP TABLE memories; --",
    '%',
    '__proto__',
    '💥',
    ' ',
  ),
  fc
    .constantFrom(1_000, limits.memory_text_bytes_max, limits.memory_text_bytes_max + 1)
    .map((n) => 'é'.repeat(n)),
);
const anything = fc.oneof(
  odd,
  fc.integer(),
  fc.double(),
  fc.boolean(),
  fc.constant(null),
  fc.array(odd, { maxLength: 5 }),
  fc.dictionary(odd, fc.integer(), { maxKeys: 3 }),
);
const call = fc.constantFrom(...(Object.keys(TOOLS) as ToolName[])).chain((tool) =>
  fc.tuple(
    fc.constant(tool),
    fc.dictionary(
      fc.oneof(
        { weight: 8, arbitrary: fc.constantFrom(...TOOLS[tool].split(' ')) },
        { weight: 1, arbitrary: odd },
      ),
      anything,
      {
        maxKeys: 5,
      },
    ),
  ),
);

// biome-ignore lint/suspicious/noExplicitAny: a test reads whatever came
type Answered = { ok: boolean; code: string; answer: any };

/** @returns the answer, or the error's code */
async function answered(tool: string, args: unknown, by = caller()): Promise<Answered> {
  try {
    return { ok: true, code: '', answer: await rig.call(tool, by, args) };
  } catch (error) {
    if (!(error instanceof AetherError)) throw error;
    expect(error.message).toMatch(/\S/);
    expect(error.next).toMatch(/\S/);
    return { ok: false, code: error.code, answer: null };
  }
}

/** What must be true of the tables at any time. */
function sound(): void {
  const one = (sql: string) => rig.store.db.prepare(sql).pluck().get();
  expect(one('PRAGMA integrity_check')).toBe('ok');
  expect(
    one(`SELECT count(*) FROM (SELECT 1 FROM memories WHERE key IS NOT NULL AND forgotten_ms IS NULL AND superseded_ms IS NULL
         GROUP BY scope, key HAVING count(*) > 1)`),
  ).toBe(0);
  expect(
    one("SELECT count(*) FROM memories WHERE forgotten_ms IS NOT NULL AND (text <> '' OR key IS NOT NULL)"),
  ).toBe(0);
  expect(
    one(`SELECT count(*) FROM memory_scopes s WHERE memories <> (SELECT count(*) FROM memories m
         WHERE m.scope = s.scope AND m.forgotten_ms IS NULL AND m.superseded_ms IS NULL)`),
  ).toBe(0);
  expect(
    one(`SELECT count(*) FROM memory_scopes s WHERE bytes <> coalesce((SELECT sum(octet_length(text) + octet_length(tags)
         + coalesce(octet_length(key), 0)) FROM memories m WHERE m.scope = s.scope AND m.forgotten_ms IS NULL), 0)`),
  ).toBe(0);
}

it('any arguments are answered or refused with a code, and leave the tables sound', {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 6 }), async (calls) => {
      for (const [tool, args] of calls) {
        const { ok, code, answer } = await answered(tool, args);
        if (!ok) expect(code).toMatch(/^(tool|memory|cursor)\./);
        else expect(JSON.parse(JSON.stringify(answer))).toEqual(answer);
      }
      sound();
    }),
    { numRuns: examples(150) },
  );
});

it('what was stored is read as it was stored, well-formed', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.string({ unit: 'binary', maxLength: 64 }),
      async (text, key) => {
        const { ok, answer } = await answered('aether_memory_store', { text, key });
        if (!ok) return;
        const read = await rig.call('aether_memory_get', caller(), { id: answer.memory.id });
        expect(read.memory.text).toBe(text.toWellFormed());
        expect((await rig.call('aether_memory_get', caller(), { key })).memory.id).toBe(answer.memory.id);
      },
    ),
    { numRuns: examples(120) },
  );
});

/** A history of one scope, against a model of it that a reader can follow. */
const act = fc.oneof(
  fc.record({
    do: fc.constant('store' as const),
    key: fc.option(fc.constantFrom('a', 'b'), { nil: undefined }),
    from: fc.array(fc.nat(12), { maxLength: 3 }),
    supersedes: fc.array(fc.nat(12), { maxLength: 2 }),
    brief: fc.boolean(),
  }),
  fc.record({ do: fc.constant('forget' as const), which: fc.nat(12) }),
  fc.record({ do: fc.constant('wait' as const), days: fc.integer({ min: -3, max: 3 }) }),
);

it('what rests on something that is not true any more is never live, whatever the order and the clock', {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(act, { maxLength: 14 }), async (acts) => {
      const by = caller({ principal: `agent:a${++agents}`, agent: `a${agents}`, run: `run_${agents}` });
      const again = () => ({ ...by, sequence: caller().sequence });
      const ids: string[] = [];
      const rests = new Map<string, string[]>();
      const replaced = new Map<string, string[]>();
      const at = (n: number) => ids[n % Math.max(1, ids.length)];
      const named = (all: number[]) => [...new Set(all.flatMap((n) => at(n) ?? []))];
      for (const one of acts) {
        if (one.do === 'wait') clock.advance(one.days * 86_400_000);
        if (one.do === 'forget' && ids.length > 0)
          await answered('aether_memory_forget', { id: at(one.which) }, again());
        if (one.do !== 'store') continue;
        const args = {
          text: `statement ${ids.length}`,
          derived_from: named(one.from),
          supersedes: named(one.supersedes),
          ...(one.key === undefined ? {} : { key: one.key }),
          ...(one.brief ? { expires: '1d' } : {}),
        };
        const { ok, answer } = await answered('aether_memory_store', args, again());
        if (!ok) continue;
        ids.push(answer.memory.id);
        rests.set(answer.memory.id, args.derived_from);
        replaced.set(answer.memory.id, answer.superseded ?? []);
      }
      const views = new Map<string, MemoryView>();
      for (const id of ids) {
        const { ok } = await answered('aether_memory_get', { id }, again());
        if (ok) views.set(id, rig.memory.get(by, { id }).memory);
      }
      for (const [id, sources] of rests) {
        if (views.get(id)?.state !== 'live') continue;
        for (const source of sources) {
          // A statement is not made stale by what it replaces itself, and so by nothing that rested on that.
          const { state = 'forgotten', stale } = views.get(source) ?? {};
          const own = replaced.get(id)!.some((one) => one === source || one === stale?.source);
          expect([id, own || state === 'live']).toEqual([id, true]);
        }
      }
      sound();
    }),
    { numRuns: examples(100) },
  );
});
it('of writers that saw one version one wins, and the others are told what is there', {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(4), { minLength: 2, maxLength: 20 }), async (seen) => {
      const key = `k${++agents}`;
      let version = 0;
      for (const [n, if_version] of seen.entries()) {
        const { ok, code, answer } = await answered('aether_memory_store', {
          text: `by ${n}`,
          key,
          if_version,
        });
        expect(ok).toBe(if_version === version);
        if (!ok) expect(code).toBe('memory.conflict');
        else expect(answer.memory.version).toBe(++version);
      }
    }),
    { numRuns: examples(40) },
  );
});

it('ten thousand links hold nothing up for long, and more than a memory may name are refused', {
  timeout: 120_000,
}, async () => {
  const { memory: base } = await rig.call('aether_memory_store', caller(), { text: 'the base', key: 'base' });
  let last = base.id;
  for (let n = 0; n < 10; n += 1) {
    const level: string[] = [];
    rig.store.transaction(() => {
      for (let m = 0; m < 1_000; m += 1)
        level.push(
          rig.memory.store(caller(), { text: `level ${n} of ${m}`, derived_from: [last] }).memory.id,
        );
    });
    last = level[500]!;
  }
  const { answer } = await answered('aether_memory_store', { text: 'another base', key: 'base' });
  expect(answer.madeStale).toBe(10_000);
  const many = Array.from({ length: 10_000 }, (_, n) => `id-${n}`);
  expect(await answered('aether_memory_store', { text: 'x', derived_from: many })).toMatchObject({
    ok: false,
  });
  sound();
});
