/**
 * A project whose path is 200 characters long, with spaces and quotes in it, and a key that is a secret:
 * everything works there, and the secret is nowhere but where it must be.
 */
import fs from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AETHER, aether, call, KEY, LiveFleet, processes, running } from '../support/live-fleet.ts';
import { LiveTerminal } from '../support/live-terminal.ts';
import { resultsIn, saidIn } from '../support/model-server/server.ts';

const PASSWORD = 'correct-horse-9f2b7c-battery-staple';
const FACT = 'The path was no obstacle.';
const NAME = `it's a "long" path/${'so deep '.repeat(40)}`;

let fleet: LiveFleet;

beforeAll(async () => {
  fleet = await LiveFleet.make({ agents: {} }, { project: 'short', env: { THE_PASSWORD: PASSWORD } });
  await fleet.close();
  const room = 200 - fleet.root.length - 1;
  const project = NAME.slice(0, room - 1)
    .trimEnd()
    .padEnd(room, 'x');
  fleet = await LiveFleet.make(
    {
      agents: {
        writer: {
          runtime: 'claude-code',
          goal: `Begin. ${aether('memory_store', { text: FACT })} ${call('Bash', { command: 'pwd > here.txt; env > env.txt', description: 'look' })} [[say begun]]`,
          env: { DATABASE_PASSWORD: `\${THE_PASSWORD}` },
          permissions: { allow: ['Bash'] },
        },
        shell: {
          runtime: 'command',
          command: [
            'sh',
            '-c',
            `printf '%s\\n' '${JSON.stringify({
              jsonrpc: '2.0',
              id: 1,
              method: 'initialize',
              params: {
                protocolVersion: '2025-06-18',
                capabilities: {},
                clientInfo: { name: 'sh', version: '1' },
              },
            })}' | "$AETHER_MCP_COMMAND" > answer.json; exec sleep 1000`,
          ],
        },
      },
    },
    { project, env: { THE_PASSWORD: PASSWORD } },
  );
}, 60_000);

afterAll(() => fleet.close(), 60_000);

test('everything works below a path of 200 characters with spaces and quotes', async () => {
  expect(fleet.project).toHaveLength(200);
  expect(fleet.project).toMatch(/it's a "long" path\//);
  expect(await fleet.ok('plan')).toContain('writer');
  await fleet.up();
  await fleet.turns('writer', 1);
  const writer = join(fleet.project, 'workspaces', 'writer');
  expect(fs.readFileSync(join(writer, 'here.txt'), 'utf8')).toBe(`${writer}\n`);
  expect(await fleet.ok('ps')).toMatch(/writer +claude-code +running/);
  const answered = fleet.model.requests.findLast((request) => saidIn(request).includes('Begin.'))!;
  expect(resultsIn(answered).join()).toContain(FACT);
  expect(
    JSON.parse(fs.readFileSync(join(fleet.project, 'workspaces', 'shell', 'answer.json'), 'utf8')),
  ).toMatchObject({ id: 1, result: { serverInfo: { name: 'aether' } } });

  const terminal = new LiveTerminal([...AETHER, 'attach', 'writer'], { cwd: fleet.project, env: fleet.env });
  try {
    await terminal.shows('manual mode on');
    await terminal.type('Typed far down. [[say heard]]');
    await fleet.event('message.assistant', ({ data }) => data.text === 'heard');
    terminal.press('\x1d');
    await terminal.shows('Note for writer');
    terminal.press('\r');
    expect(await terminal.exited).toMatchObject({ code: 0 });
  } finally {
    await terminal.close();
  }
  await fleet.killHost();
  await fleet.up();
  expect((await fleet.idle('writer')).restarts).toBe(0);
  await fleet.ok('inject', 'writer', 'Still here? [[say here]]', '--wait', 'acted');
}, 120_000);

test('no secret in any file, argument list or output', async () => {
  // The engine did have them: what follows proves something.
  const env = join(fleet.project, 'workspaces', 'writer', 'env.txt');
  expect(fs.readFileSync(env, 'utf8')).toContain(`DATABASE_PASSWORD=${PASSWORD}`);
  const used = fleet.model.requests.find(({ conversation }) => conversation !== null)!;
  expect(used.headers['x-api-key']).toBe(KEY);
  fs.rmSync(env); // written by the agent itself

  const leaks: string[] = [];
  const look = (what: string, text: string) => {
    for (const [name, secret] of Object.entries({ KEY, PASSWORD }))
      if (text.includes(secret)) leaks.push(`${name} in ${what}`);
  };
  for (const entry of fs.readdirSync(fleet.root, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) {
      const file = join(entry.parentPath, entry.name);
      look(file, fs.readFileSync(file, 'latin1'));
    }
  }
  for (const { pid, command } of processes()) look(`the arguments of ${pid}`, command);
  look('ps', await fleet.ok('ps', '--json'));
  look('plan', await fleet.ok('plan', '--json'));
  look('logs', await fleet.ok('logs', '--json', '--last', '1000'));
  expect(leaks).toEqual([]);

  // What only its owner may read is readable by its owner only.
  const open = fs
    .readdirSync(fleet.stateDir, { recursive: true, withFileTypes: true })
    // The /etc of a box is as open as the machine's, below directories that are not.
    .filter((entry) => entry.isFile() && !/\/agents\/|\/box\/etc/.test(entry.parentPath))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter(
      (file) => (fs.statSync(file).mode & 0o077) !== 0 && !/\.gitignore$|aether\.schema\.json$/.test(file),
    );
  expect(fs.statSync(fleet.stateDir).mode & 0o077).toBe(0);
  expect(open).toEqual([]);
  expect(running(fleet.hostPid)).toBe(true);
}, 60_000);
