/**
 * Inside and outside of a run. A plain command speaks MCP as the agent it is, through nothing but a path in its
 * environment; the same door is shut to the outside, and the operator's doors to everything inside.
 */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { AETHER, LiveFleet } from '../support/live-fleet.ts';

let fleet: LiveFleet;
let workspace: string;

const FACT = 'A shell script wrote this.';
const LINES = [
  {
    method: 'initialize',
    id: 1,
    params: {
      protocolVersion: '2025-06-18',
      capabilities: {},
      clientInfo: { name: 'sh', version: '1' },
    },
  },
  { method: 'notifications/initialized' },
  { method: 'tools/call', id: 2, params: { name: 'aether_agents_list', arguments: {} } },
  { method: 'tools/call', id: 3, params: { name: 'aether_memory_store', arguments: { text: FACT } } },
].map((message) => JSON.stringify({ jsonrpc: '2.0', ...message }));

const quote = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

/** Ways in which a process of a run may try to look like somebody else. */
const DISGUISES: Record<string, string> = {
  plain: '',
  unmarked: 'env -u AETHER_RUN -u AETHER_AGENT',
  bare: `env -i HOME="$HOME" PATH="$PATH"`,
  session: 'setsid -w env -u AETHER_RUN',
};

beforeAll(async () => {
  fleet = await LiveFleet.make({ agents: {} });
  workspace = join(fleet.project, 'workspaces', 'shell');
  const command = AETHER.map(quote).join(' ');
  const where = `--state ${quote(fleet.stateDir)}`;
  const attempts = Object.entries(DISGUISES).flatMap(([name, disguise]) =>
    Object.entries({ ps: `ps ${where}`, stop: `stop other ${where}`, mcp: `mcp --as spy ${where}` }).map(
      ([verb, args]) =>
        `${disguise} ${command} ${args} < /dev/null > ${name}-${verb}.out 2>&1; echo "code $?" >> ${name}-${verb}.out`,
    ),
  );
  const script = [
    '#!/bin/sh',
    `printf '%s\\n' ${LINES.map(quote).join(' ')} | "$AETHER_MCP_COMMAND" > answers.jsonl`,
    'echo "$AETHER_MCP_COMMAND" > command.path; env > env.txt',
    ...attempts,
    // The bridge again, at the door for clients outside, which lies beside the directory of the run.
    `sed "s#/[^/']*/mcp.sock'#/client.sock' --client spy#" "$AETHER_MCP_COMMAND" > spy.sh; chmod +x spy.sh`,
    `printf '%s\\n' ${LINES.map(quote).join(' ')} | env -u AETHER_RUN ./spy.sh > spy.jsonl 2> spy.err`,
    // An orphan twice over: its parents are gone, and it leads a session of its own.
    `(setsid sh -c '(sleep 0.2; env -u AETHER_RUN ${command.replaceAll("'", '"')} ps ${where.replaceAll("'", '"')} > orphan.part 2>&1; echo "code $?" >> orphan.part; mv orphan.part orphan-ps.out) &' &)`,
    'echo done > done.txt',
    'exec sleep 1000',
  ];
  fs.writeFileSync(join(fleet.project, 'agent.sh'), script.join('\n'), { mode: 0o755 });
  fleet.configure({
    agents: {
      // In a sandbox it would not see the doors: which of them it can reach is tried by the hostile agents.
      shell: { runtime: 'command', command: ['./agent.sh'], sandbox: 'none' },
      other: { runtime: 'command', command: ['sleep', '1000'] },
    },
  });
  await fleet.up();
  await eventually('the script is through', () => fs.existsSync(join(workspace, 'done.txt')), 60_000);
  await eventually('the orphan too', () => fs.existsSync(join(workspace, 'orphan-ps.out')), 20_000);
}, 120_000);

afterAll(() => fleet.close(), 60_000);

const read = (name: string) => fs.readFileSync(join(workspace, name), 'utf8');

test('a shell script speaks MCP by raw lines, as the agent that it is', async () => {
  const answers = read('answers.jsonl')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { id: number; result: Record<string, unknown> });
  expect(answers.map(({ id }) => id).sort()).toEqual([1, 2, 3]);
  const result = (id: number) => answers.find((answer) => answer.id === id)!.result;
  expect(result(1)).toMatchObject({ protocolVersion: '2025-06-18', serverInfo: { name: 'aether' } });
  expect(JSON.stringify(result(1).instructions)).toContain('the agent \\"shell\\"');
  const { agents } = result(2).structuredContent as { agents: { name: string; you: boolean }[] };
  expect(agents.map(({ name, you }) => [name, you]).sort()).toEqual([
    ['other', false],
    ['shell', true],
  ]);
  expect(result(3).structuredContent).toMatchObject({ memory: { text: FACT, author: 'agent:shell' } });
  const stored = (await fleet.events({ agent: 'shell', topics: ['memory.stored'] })).map(({ data }) => data);
  expect(stored).toHaveLength(1);
  // Nothing of the host's environment came along.
  expect(read('env.txt')).not.toContain('ANTHROPIC_API_KEY');
});

test('the door of the run is shut to whoever stands outside', async () => {
  const bridge = spawn(read('command.path').trim(), { stdio: ['pipe', 'pipe', 'inherit'] });
  let said = '';
  bridge.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  try {
    bridge.stdin.write(`${LINES.join('\n')}\n`);
    await eventually('all is refused', () => said.trim().split('\n').length >= 3, 20_000);
  } finally {
    bridge.kill('SIGKILL');
  }
  for (const line of said.trim().split('\n'))
    expect(JSON.parse(line)).toMatchObject({
      error: { message: expect.stringContaining('not part of this run') },
    });
  expect(await fleet.events({ topics: ['memory.stored'] })).toHaveLength(1);
});

test('nor is a process of a run a client from outside', () => {
  expect(read('spy.sh')).toMatch(/\/client\.sock' --client spy/);
  const answers = read('spy.jsonl').trim().split('\n');
  expect(answers).toHaveLength(3);
  for (const line of answers) {
    expect(JSON.parse(line)).toMatchObject({ error: { data: { refused: true } } });
    expect(line).toContain('part of agent shell');
  }
});

test.each([...Object.keys(DISGUISES), 'orphan'])(
  'an operator verb from inside is refused: %s',
  async (name) => {
    const verbs = name === 'orphan' ? ['ps'] : ['ps', 'stop', 'mcp'];
    for (const verb of verbs) {
      const said = read(`${name}-${verb}.out`);
      expect([verb, said]).toEqual([verb, expect.stringMatching(/may not operate|belongs to an agent/)]);
      expect([verb, said]).toEqual([verb, expect.not.stringContaining('code 0')]);
      expect(said).not.toContain('NAME');
    }
    expect((await fleet.agent('other')).state).toBe('running');
    expect((await fleet.agent('shell')).state).toBe('running');
  },
);
