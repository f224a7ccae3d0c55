/**
 * The id of a conversation is printed by a program that the agent may have taken over, or was stored by an older
 * version, and names files and arguments: what is not of an id's form stays out of both.
 */
import fs from 'node:fs';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { checked } from '../../src/host/runs/observed.ts';
import { builtinRuntime } from '../../src/runtimes/builtin/runtime.ts';
import { BINARY_VARIABLE } from '../../src/runtimes/claude-code/binary.ts';
import { claudeCodeRuntime } from '../../src/runtimes/claude-code/runtime.ts';
import type { EngineState, LaunchSpec, Runtime } from '../../src/runtimes/runtime.ts';
import { Desk } from '../support/drive.ts';

const HOSTILE = [
  '--dangerously-skip-permissions',
  '-p',
  '../../../other/agent/claude/settings',
  '/etc/passwd',
  '..',
  '.',
  '',
  'a/b',
  'x\u0000y',
  '3f2b8a52-5a55-4f0c-9a51-0d1c2b3a4f5e/../../../settings',
  '3f2b8a52-5a55-4f0c-9a51-0d1c2b3a4f5e\n',
  'ä'.repeat(36),
  'x'.repeat(10_000),
  7,
  null,
  {},
  ['a'],
];

let desk: Desk;
const claude = process.env[BINARY_VARIABLE];
beforeEach(() => {
  desk = new Desk('r_known');
  process.env[BINARY_VARIABLE] = '/bin/true';
});
afterEach(() => {
  if (claude === undefined) delete process.env[BINARY_VARIABLE];
  else process.env[BINARY_VARIABLE] = claude;
  desk.remove();
});

const SUBJECTS: {
  runtime: Runtime;
  known: string;
  prints: (session: unknown) => string;
  model: string | null;
}[] = [
  {
    runtime: claudeCodeRuntime,
    known: '6f9619ff-8b86-4d01-b42d-00cf4fc964ff',
    prints: (session_id) => JSON.stringify({ type: 'system', subtype: 'init', session_id, mcp_servers: [] }),
    model: null,
  },
  {
    runtime: builtinRuntime('1'),
    known: 'r_abc23def45',
    prints: (session) => JSON.stringify({ kind: 'session', session }),
    model: 'replay:talk.json',
  },
];

function everyPath(spec: LaunchSpec): string[] {
  return spec.files.map((file) => relative(desk.root, file.path));
}

for (const { runtime, known, prints, model } of SUBJECTS) {
  it(`${runtime.name}: a conversation that is no id is left out with a note, and the known one stays`, () => {
    for (const hostile of HOSTILE) {
      const before = runtime.observer.line({ session: known }, 'out', prints(known)).state;
      const { state, events } = runtime.observer.line(before, 'out', prints(hostile));
      expect(state.session, JSON.stringify(hostile)).toBe(known);
      expect(events).toContainEqual(expect.objectContaining({ kind: 'note', level: 'warn' }));
      expect(events.filter(({ kind }) => kind === 'session')).toEqual([]);
    }
    const next = runtime.observer.line({ session: null }, 'out', prints(known));
    expect(next.state.session).toBe(known);
    expect(next.events.map(checked)).toContainEqual({ kind: 'session', session: known });
  });

  it(`${runtime.name}: one that an older version stored reaches no path and no argument`, async () => {
    const agent = desk.agent(runtime, {
      model,
      auth: { ANTHROPIC_API_KEY: 'sk-ant-dummy-0123456789abcdefghijklmnopqrstuv' },
    });
    const size = { cols: 80, rows: 24 };
    const clean = await runtime.prepare(agent, desk.place, { session: null }, { note: 'on' });
    for (const hostile of HOSTILE.filter((value) => typeof value === 'string')) {
      const state: EngineState = { session: hostile };
      const specs = [
        await runtime.prepare(agent, desk.place, state, { note: 'on' }),
        await runtime.terminal!(agent, desk.place, state, size),
      ];
      expect(specs[0]!.process.argv).toEqual(clean.process.argv);
      for (const spec of specs) {
        for (const path of everyPath(spec)) expect(path).not.toMatch(/^\.\.|other/);
        if (hostile.length > 3) {
          expect(spec.process.argv).not.toContain(hostile);
          expect(spec.files.some(({ content }) => content.includes(hostile))).toBe(false);
        }
      }
      const tail = runtime.tail!(agent, desk.place, state);
      if (tail !== null) expect(relative(desk.root, tail.path)).not.toMatch(/^\.\.|other|settings/);
    }
    expect(fs.existsSync(join(desk.root, 'other'))).toBe(false);
  });
}

it('the host takes no such id from any runtime', () => {
  for (const hostile of HOSTILE)
    expect(() => checked({ kind: 'session', session: hostile as string }), JSON.stringify(hostile)).toThrow();
});
