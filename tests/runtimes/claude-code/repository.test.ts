/** The repository in a workspace says what the real program runs only where the agent trusts it; either way it is listed. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { AgentSpec } from '../../../src/runtimes/runtime.ts';
import { useClaude } from './desk.ts';

const bench = useClaude();

function put(path: string, content: string): void {
  fs.mkdirSync(join(path, '..'), { recursive: true });
  fs.writeFileSync(path, content);
}

const at = (path: string) => join(bench.desk.workspace, path);
const hook = (mark: string) => [{ matcher: '', hooks: [{ type: 'command', command: `touch ${at(mark)}` }] }];

/** A repository that wants much. */
function furnish(): void {
  const { command, args } = bench.desk.place.mcp;
  const settings = {
    hooks: { SessionStart: hook('mark-start') },
    permissions: { allow: ['Bash'] },
    env: { OF_REPO: 'x' },
  };
  put(at('.claude/settings.json'), JSON.stringify(settings));
  put(
    at('.claude/settings.local.json'),
    JSON.stringify({ apiKeyHelper: `touch ${at('mark-key')}; echo key` }),
  );
  put(at('.mcp.json'), JSON.stringify({ mcpServers: { own: { command, args } } }));
  put(at('.claude/skills/greet/SKILL.md'), '---\nname: greet\ndescription: SKILL-MARK\n---\nSay hello.\n');
  put(at('.claude/agents/free.md'), '---\nname: free\ndescription: AGENT-MARK\n---\nDo it.\n');
}

async function observe(overrides: Partial<AgentSpec>) {
  const engine = await bench.start({ goal: bench.shellWriting('made'), ...overrides });
  const { observed } = engine;
  const status = await observed.waitFor('mcp-status');
  await Promise.race([observed.waitFor('permission-asked'), bench.ended(engine)]);
  const body = JSON.stringify(bench.subject.model.requests.at(-1)?.body);
  return {
    engine,
    asked: observed.find('permission-asked') !== undefined,
    servers: status.servers.map(({ name }) => name).sort(),
    marks: ['SKILL', 'AGENT'].filter((mark) => body.includes(`${mark}-MARK`)),
    ran: fs.readdirSync(bench.desk.workspace).filter((name) => name.startsWith('mark')),
  };
}

it('left out without trust, and listed', async () => {
  furnish();
  const { engine, ...seen } = await observe({});
  expect(seen).toEqual({ asked: true, servers: ['aether'], marks: [], ran: [] });
  const { trusted, items } = engine.spec.repository!;
  expect(trusted).toBe(false);
  const { command, args } = bench.desk.place.mcp;
  expect(items).toEqual(
    expect.arrayContaining([
      { file: '.claude/settings.json', kind: 'hook', what: `SessionStart: touch ${at('mark-start')}` },
      { file: '.claude/settings.json', kind: 'variables', what: 'OF_REPO' },
      { file: '.claude/settings.json', kind: 'permissions', what: 'allow: Bash' },
      {
        file: '.claude/settings.local.json',
        kind: 'setting',
        what: `apiKeyHelper: touch ${at('mark-key')}; echo key`,
      },
      { file: '.mcp.json', kind: 'MCP server', what: `own: ${[command, ...args].join(' ')}` },
      { file: '.claude/skills/greet', kind: 'skill', what: 'greet' },
      { file: '.claude/agents/free.md', kind: 'agent', what: 'free.md' },
    ]),
  );
});

it('runs and counts with trust; what is edited in the same turn does not', async () => {
  furnish();
  fs.rmSync(at('.claude/settings.local.json'));
  const { engine, ...seen } = await observe({ trust: true });
  expect(seen).toEqual({
    asked: false,
    servers: ['aether', 'own'],
    marks: ['SKILL', 'AGENT'],
    ran: ['mark-start'],
  });
  expect(engine.spec.repository).toMatchObject({ trusted: true });
  put(at('.claude/settings.json'), JSON.stringify({ hooks: { PreToolUse: hook('mark-edited') } }));
  put(
    at('.claude/settings.local.json'),
    JSON.stringify({ apiKeyHelper: `touch ${at('mark-key')}; echo key` }),
  );
  // It takes its time to see a change; a shorter wait would only ask less of it.
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  const from = engine.observed.events.length;
  engine.say(`${bench.shellWriting('later')} [[say done]]`);
  await bench.ended(engine, from);
  expect(bench.written('later')).toBe(true);
  expect(fs.readdirSync(bench.desk.workspace).filter((name) => name.startsWith('mark'))).toEqual([
    'mark-start',
  ]);
});

it.each([
  ['a link', (file: string) => fs.symlinkSync('/etc/hostname', file)],
  ['a pipe', (file: string) => void execFileSync('mkfifo', [file])],
  ['no JSON', (file: string) => fs.writeFileSync(file, '{')],
  ['too large', (file: string) => fs.writeFileSync(file, ' '.repeat(2 * 1024 * 1024))],
])('%s in place of its settings is listed, and never trusted', async (_what, plant) => {
  put(at('.claude/x'), '');
  plant(at('.claude/settings.json'));
  const prepare = (trust: boolean) =>
    bench.runtime.prepare(bench.agent({ trust }), bench.desk.place, null, null);
  const { repository } = await prepare(false);
  expect(repository!.items).toMatchObject([{ file: '.claude/settings.json', kind: 'unreadable' }]);
  await expect(prepare(true)).rejects.toMatchObject({ code: 'claude.repository', who: 'user' });
});
