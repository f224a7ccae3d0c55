/** The house as it stands: who imports whom, and the few rules of form. Also proves that each rule can fail. */
import { globSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { formFaults } from './form.ts';
import { importsOf, packagesBehind, readSource, roomOf, violations } from './imports.ts';
import { leafPrograms, partOf, rooms } from './law.ts';
import { importLoops } from './loops.ts';

const SRC = fileURLToPath(new URL('../../src/', import.meta.url));
const files = globSync('**/*.{ts,tsx,cts,mts}', { cwd: SRC }).sort();

describe('the import law', () => {
  it('is about this house', () => {
    expect(files.length).toBeGreaterThan(50);
    expect(files).toContain('host/main.ts');
  });

  it('holds in every file', () => {
    expect(files.flatMap((file) => violations(file, readSource(SRC, file)))).toEqual([]);
  });

  it('lets no two files import each other in a loop', () => {
    expect(importLoops(new Map(files.map((file) => [file, readSource(SRC, file)])))).toEqual([]);
    const loop = new Map([
      ['a.ts', "import { b } from './b/b.ts'; export const a = b;"],
      ['b/b.ts', "import type { C } from './c.ts'; export const b = 1 as C;"],
      ['b/c.ts', "import type { a } from '../a.ts'; export type C = typeof a;"],
    ]);
    expect(importLoops(loop)).toEqual([['a.ts', 'b/b.ts', 'b/c.ts']]);
  });

  it('has no rule about a room that does not exist', () => {
    const names = new Set(rooms.map((room) => room.name));
    expect(names.size).toBe(rooms.length);
    const named = rooms
      .flatMap((room) => [...room.may, ...(room.types ?? [])])
      .filter((name) => name !== '*');
    expect(
      [...named, ...Object.keys(partOf), ...Object.values(partOf)].filter((name) => !names.has(name)),
    ).toEqual([]);
  });

  it.each([
    ['host/errors.ts', "import { systemClock } from './store/store.ts';", 'store'],
    ['host/store/agents.ts', "import { Runs } from '../runs/runs.ts';", 'runs'],
    ['host/memory/memory.ts', "import type { Mailboxes } from '../mailboxes/mailboxes.ts';", 'mailboxes'],
    ['host/memory/memory.ts', "const { Agents } = await import('../agents/agents.ts');", 'agents'],
    ['host/runs/run.ts', "import type { Agents } from '../agents/agents.ts';", 'agents'],
    [
      'host/runs/run.ts',
      "import { claudeCodeRuntime } from '../../runtimes/claude-code/runtime.ts';",
      'runtime-claude-code',
    ],
    [
      'host/operations/launch/launch.ts',
      "export { startConsole } from '../../../console/app.ts';",
      'console',
    ],
    ['host/operations/launch/launch.ts', "import { openUnixDoor } from '../../doors/unix-door.ts';", 'doors'],
    ['host/operations/turn/turn.ts', "import { Gate } from '../gate/gate.ts';", 'operations-gate'],
    [
      'host/operations/launch/launch.ts',
      "import type { Takeover } from '../takeover/takeover.ts';",
      'takeover',
    ],
    ['host/operations/notes.ts', "import { Launcher } from './launch/launch.ts';", 'operations-launch'],
    ['host/control/client.ts', "import { openUnixDoor } from '../doors/unix-door.ts';", 'doors'],
    ['host/runs/run.ts', "import { openUnixDoor } from '../doors/unix-door.ts';", 'as more than types'],
    ['host/rooms.ts', "import { openRunDoor } from '../mcp-tools/transports/run-door.ts';", 'mcp-server'],
    ['host/verbs/mail.ts', "import type { Mailboxes } from '../mailboxes/mailboxes.ts';", 'mailboxes'],
    ['host/verbs/mail.ts', "import { hostname } from 'node:os';", 'node:os'],
    ['host/control/client.ts', "import { verbs } from '../verbs/all.ts';", 'as more than types'],
    [
      'host/operations/messages/wake.ts',
      "import { Dispatcher } from '../../verbs/dispatch.ts';",
      'as more than types',
    ],
    ['console/web/main.tsx', "import { start } from '../../host/verbs/lifecycle.ts';", 'verbs'],
    [
      'console/console-protocol.ts',
      "import { start } from '../host/verbs/lifecycle.ts';",
      'as more than types',
    ],
    ['host/shim/process/main.ts', "import { limits } from '../../limits.ts';", 'ground'],
    ['host/shim/process/main.ts', "import { z } from 'zod';", 'the package zod'],
    ['mcp-tools/bridge/main.cts', "const { z } = require('zod');", 'the package zod'],
    ['mcp-tools/catalog/mail-send.ts', "import { Store } from '../../host/store/store.ts';", 'store'],
    [
      'mcp-tools/catalog/mail-send.ts',
      "import { McpServer } from '@modelcontextprotocol/server';",
      'the package',
    ],
    ['console/server.ts', "import { tools } from '../mcp-tools/tool.ts';", 'mcp-tools'],
    ['console/web/main.tsx', "import fs from 'node:fs';", 'node:fs'],
    ['console/web/main.tsx', "import { limits } from '../../host/limits.ts';", 'ground'],
    ['host/cli/verbs/ps.ts', "import { hostVerbs } from '../../rooms.ts';", 'rooms'],
    ['host/cli/verbs/ps.ts', "import { agents } from '../../verbs/agents.ts';", 'as more than types'],
    ['host/cli/verbs/ps.ts', "import { openControlDoor } from '../../control/server.ts';", 'control'],
    ['host/cli/verbs/ps.ts', "import { runHost } from '../../main.ts';", 'main'],
    ['host/cli/verbs/init.ts', "import { initConfig } from '../../config/init.ts';", 'as more than types'],
    ['runtimes/builtin/runtime.ts', "import { x } from '../claude-code/runtime.ts';", 'runtime-claude-code'],
    ['runtimes/builtin/runtime.ts', "import { Store } from '../../host/store/store.ts';", 'store'],
    ['runtimes/installed.ts', "import { x } from './builtin/runtime.ts';", 'runtime-builtin'],
    ['runtimes/command/definition.ts', "import { x } from '../../host/config/paths.ts';", 'config'],
    ['runtimes/command/definition.ts', "import { x } from '../builtin/models.ts';", 'builtin-models'],
    [
      'host/config/check.ts',
      "import { PROVIDERS } from '../../runtimes/builtin/models.ts';",
      'builtin-models',
    ],
    ['host/config/check.ts', "import { x } from '../../runtimes/command/definition.ts';", 'definition'],
    ['elsewhere/new.ts', 'export const x = 1;', 'no room'],
    ['host/clock.ts', "import x from '../../package.json';", 'outside src/'],
  ])('would catch %s: %s', (file, source, what) => {
    expect(violations(file, source).join('\n')).toContain(what);
  });

  it('lets pass what is allowed, so that the above is no accident', () => {
    expect(violations('host/memory/memory.ts', "import { Store } from '../store/store.ts';")).toEqual([]);
    expect(
      violations('host/cli/verbs/init.ts', "import type { InitResult } from '../../config/init.ts';"),
    ).toEqual([]);
    expect(
      violations('mcp-tools/catalog/x.ts', "import type { McpServer } from '@modelcontextprotocol/server';"),
    ).toEqual([]);
    expect(
      violations('host/process/tree.ts', "import { libc } from './libc.ts';\nimport fs from 'node:fs';"),
    ).toEqual([]);
  });

  it.each(leafPrograms)('keeps $entry small, whatever it imports imports', ({ entry, packages }) => {
    expect(packagesBehind(SRC, entry).filter((name) => !packages.includes(name))).toEqual([]);
    expect(packagesBehind(SRC, 'host/log.ts')).toEqual(['pino']);
  });

  it('sees every way of importing', () => {
    const source = `import a from './a.ts';
      import './b.css';
      export * from './c.ts';
      export { d } from './d.ts';
      import type { E } from './e.ts';
      import { type F } from './f.ts';
      const g = await import('./g.ts');
      type H = import('./h.ts').H;
      const text = "import x from './no.ts'"; // import y from './no.ts'
    `;
    expect(
      importsOf('x.ts', source)
        .map((one) => `${one.specifier}${one.typeOnly ? ' type' : ''}`)
        .sort(),
    ).toEqual([
      './a.ts',
      './b.css',
      './c.ts',
      './d.ts',
      './e.ts type',
      './f.ts type',
      './g.ts',
      './h.ts type',
    ]);
    expect(importsOf('x.cts', "const net = require('node:net') as typeof import('node:net');")).toEqual([
      { specifier: 'node:net', typeOnly: false, line: 1 },
      { specifier: 'node:net', typeOnly: true, line: 1 },
    ]);
  });

  it('decides by the longest path', () => {
    expect(roomOf('host/control/client.ts')?.name).toBe('control-client');
    expect(roomOf('host/control/server.ts')?.name).toBe('control');
    expect(roomOf('runtimes/builtin/loop/agent.ts')?.name).toBe('loop');
  });
});

describe('form', () => {
  it('holds in every file', () => {
    expect(files.flatMap((file) => formFaults(file, readSource(SRC, file)))).toEqual([]);
  });

  it.each([
    ['host/runs/long.ts', `/** Why. */\n${'x;\n'.repeat(401)}`, 'lines'],
    ['host/runs/index.ts', '/** Why. */\nexport const x = 1;', 'barrel'],
    ['host/runs/all.ts', "/** Why. */\nexport * from './run.ts';\nexport * from './runs.ts';", 'barrel'],
    ['host/runs/silent.ts', "import x from './run.ts';", 'comment'],
    ['host/runs/sql.ts', '/** Why. */\ndb.prepare("SELECT id FROM runs WHERE agent = ?");', 'SQL'],
    ['host/runs/cut.ts', '/** Why. */\nconst title = text.slice(0, TITLE_CHARS_MAX);', 'inside a character'],
    ['host/runs/cut.ts', '/** Why. */\nconst title = text.substring(0, 80);', 'inside a character'],
    [
      'host/runs/cut.ts',
      '/** Why. */\nconst part = data.slice(at, at + INPUT_CHARS_MAX);',
      'inside a character',
    ],
    [
      'host/runs/cut.ts',
      '/** Why. */\nlast = (last + text).slice(-limits.event_text_bytes_max);',
      'inside a character',
    ],
    ['host/runs/sql.ts', '/** Why. */\ndb.exec(`\n  UPDATE runs SET state = 1`);', 'SQL'],
    ['host/runs/run.ts', `/** Why. */\nfunction go() {\n${'x;\n'.repeat(69)}}`, 'go has 71 lines'],
    ['host/runs/run.ts', `/** Why. */\nclass A {\n  go() {\n${'x;\n'.repeat(69)}  }\n}`, 'go has 71 lines'],
    ['host/runs/run.ts', `/** Why. */\nconst go = () => {\n${'x;\n'.repeat(69)}};`, 'go has 71 lines'],
    ['host/runs/run.ts', `/** Why. */\non(() => {\n${'x;\n'.repeat(69)}});`, 'without a name has 71'],
    ['console/web/x.tsx', `/** Why. */\nfunction Go() {\n${'x;\n'.repeat(119)}}`, 'Go has 121 lines'],
  ])('would catch %s (%#)', (file, source, what) => {
    expect(formFaults(file, source).join('\n')).toContain(what);
  });

  it('lets a component be longer than a function', () => {
    const source = `/** Why. */\nfunction Go() {\n${'x;\n'.repeat(118)}}`;
    expect(formFaults('console/web/go.tsx', source)).toEqual([]);
    expect(formFaults('console/go.ts', source)).toHaveLength(1);
  });

  it('does not take a list for text', () => {
    const source = '/** Why. */\nconst few = names.slice(0, SHOWN_MAX);\nconst rest = names.slice(1);';
    expect(formFaults('host/runs/few.ts', source)).toEqual([]);
  });

  it('does not take prose for SQL', () => {
    const source =
      "/** Why. */\nconst text = 'Select an agent from the list, then delete from it.';\n// SELECT x FROM y";
    expect(formFaults('host/runs/prose.ts', source)).toEqual([]);
  });
});
