/**
 * A program inside a run opens connections to every door in a loop. Meanwhile the operator's commands and a
 * sibling's new MCP connection work, and afterwards everything is released.
 */
import fs from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { LiveFleet } from '../support/live-fleet.ts';
import { LONG } from '../support/run-tree.ts';

const PROGRAM = (name: string) => fileURLToPath(new URL(`../fixtures/programs/${name}`, import.meta.url));
/** At least; each lasts until what is asked meanwhile is answered. */
const SECONDS = LONG ? 3 : 0.5;
/** Alone it is well under a second; the flood takes one core, and other tests take the other. */
const COMMAND_MS = 6_000;

let fleet: LiveFleet;
let sockets: string;
let port: number;

const workspace = (agent: string) => join(fleet.project, 'workspaces', agent);

beforeAll(async () => {
  fleet = await LiveFleet.make({
    agents: {
      // In a sandbox it would reach no door but its own.
      knocker: { runtime: 'command', command: ['node', PROGRAM('knocker.mjs')], sandbox: 'none' },
      caller: { runtime: 'command', command: ['node', PROGRAM('caller.mjs')] },
    },
  });
  await fleet.up();
  sockets = fs.readFileSync(join(fleet.stateDir, 'sockets'), 'utf8').trim();
  port = Number(new URL((await fleet.withHost((client) => client.call('info'))).console!).port);
}, 60_000);
afterAll(() => fleet.close(), 60_000);

const order = (agent: string, file: string, what: unknown) => {
  fs.writeFileSync(join(workspace(agent), `${file}.new`), JSON.stringify(what));
  fs.renameSync(join(workspace(agent), `${file}.new`), join(workspace(agent), file));
};

async function outcome<T>(agent: string, file: string): Promise<T> {
  const path = join(workspace(agent), file);
  await eventually(file, () => fs.existsSync(path), 20_000);
  const text = fs.readFileSync(path, 'utf8');
  fs.rmSync(path);
  return JSON.parse(text) as T;
}

/** Connections that the host has open: number and target of each descriptor. Its files come and go as it works. */
const descriptors = () =>
  fs.readdirSync(`/proc/${fleet.hostPid}/fd`).flatMap((fd) => {
    try {
      const target = fs.readlinkSync(`/proc/${fleet.hostPid}/fd/${fd}`);
      return target.startsWith('socket:') ? [`${fd} ${target}`] : [];
    } catch {
      return []; // closed between the two
    }
  });

interface Tally {
  connected: number;
  closed: number;
  errors: Record<string, number>;
}

const runSocket = async (agent: string, name: string) => join(sockets, (await fleet.agent(agent)).run!, name);
const shimSocket = async (agent: string) => join(sockets, `${(await fleet.agent(agent)).run!}.shim.sock`);

const doors: [string, () => Promise<object[]>][] = [
  ['the console, held open', async () => [{ target: { port, host: '127.0.0.1' }, hold: true }]],
  [
    'the console, with requests',
    async () => [
      {
        target: { port, host: '127.0.0.1' },
        bytes: `GET /api/agents HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\n\r\n`.repeat(50),
      },
    ],
  ],
  ['the control socket', async () => [{ target: { path: join(sockets, 'control.sock') } }]],
  [
    'the doors of clients and of a sibling',
    async () => [
      { target: { path: join(sockets, 'client.sock') } },
      { target: { path: await runSocket('caller', 'mcp.sock') } },
    ],
  ],
  [
    'its own door and shims',
    async () => [
      { target: { path: await runSocket('knocker', 'mcp.sock') }, hold: true },
      { target: { path: await shimSocket('knocker') } },
      { target: { path: await shimSocket('caller') } },
    ],
  ],
];

describe('a flood of connections from inside a run', () => {
  test.each(doors)(
    'to %s',
    async (_door, targets) => {
      const before = descriptors();
      order(
        'knocker',
        'knock.json',
        (await targets()).map((target) => ({ seconds: SECONDS, ...target })),
      );
      const flooding = outcome<Tally[]>('knocker', 'knocked.json');
      let most = 0;
      const times: number[] = [];
      const timed = async (what: () => Promise<unknown>) => {
        const began = performance.now();
        await what();
        times.push(Math.round(performance.now() - began));
        most = Math.max(most, descriptors().length);
      };
      // Under way before anything is asked.
      await new Promise((resolve) => setTimeout(resolve, LONG ? 500 : 250));
      await timed(() => fleet.withHost((client) => client.call('agents')));
      order('caller', 'call.json', {});
      await timed(() => fleet.ok('ps'));
      const called = await outcome<{ ms: number; tools: number }>('caller', 'called.json');
      await timed(() => fleet.withHost((client) => client.call('agents')));
      order('knocker', 'enough', {});
      const tallies = await flooding;

      expect(called.tools).toBeGreaterThan(5);
      expect(called.ms).toBeLessThan(COMMAND_MS);
      expect(Math.max(...times)).toBeLessThan(COMMAND_MS);
      for (const tally of tallies) expect(tally.connected).toBeGreaterThan(100);
      // What the host holds open for it is bounded by the doors, not by what is tried.
      expect(most - before.length).toBeLessThan(200);
      const kept = () => descriptors().filter((descriptor) => !before.includes(descriptor));
      await eventually(
        () => `everything is released but ${kept().join(', ')}`,
        () => descriptors().length <= before.length + 2,
        15_000,
      );
    },
    60_000,
  );

  test('is told of once, not for each connection', async () => {
    const floods = (await fleet.events({ topics: ['door.'] })).filter(({ topic }) => topic === 'door.shed');
    expect(floods.length).toBeGreaterThanOrEqual(2);
    expect(floods.length).toBeLessThan(30);
    expect(floods.map(({ agent }) => agent)).toContain('knocker');
    expect(fs.readFileSync(join(fleet.stateDir, 'host.log'), 'utf8').split('\n').length).toBeLessThan(300);
  });

  test('the host comes down in the middle of one', async () => {
    order('knocker', 'knock.json', [
      { target: { path: join(sockets, 'control.sock') }, seconds: 20 },
      { target: { port, host: '127.0.0.1' }, hold: true, seconds: 20 },
    ]);
    await new Promise((resolve) => setTimeout(resolve, 500));
    await fleet.ok('down');
    expect(fs.existsSync(join(sockets, 'control.sock'))).toBe(false);
  }, 60_000);
});
