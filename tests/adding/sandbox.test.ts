/**
 * A kind of sandbox is added as a contributor would: its file, its name in the list, its conformance test. An agent is
 * started in it, calls a tool from inside, and is adopted by the next host.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { LiveFleet, running } from '../support/live-fleet.ts';
import { Scratch } from './scratch.ts';

const LIST = 'src/host/sandboxes/sandboxes.ts';

/** The small bubblewrap that the contract was proven with, as a file of the product. */
const KIND = readFileSync(new URL('../support/bubblewrap.ts', import.meta.url), 'utf8')
  .replaceAll("'../../src/host/sandboxes/sandbox.ts'", "'./sandbox.ts'")
  .replaceAll("'../../src/host/", "'../")
  .replace('export const bubblewrap', 'export const boxSandbox')
  .replace("name: 'bubblewrap'", "name: 'box'");

const CONFORMANCE = `/** The contract of a sandbox holds for boxes. */
import { boxSandbox } from '../../src/host/sandboxes/box.ts';
import { sandboxConformance } from './sandbox.ts';

sandboxConformance({ sandbox: boxSandbox, confinesFiles: true, confinesNetwork: true });
`;

/** What the agent says to the bridge for each line that it is told. */
const LINES = [
  {
    ...{ id: 1, method: 'initialize' },
    params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'sh', version: '1' } },
  },
  { method: 'notifications/initialized' },
  {
    ...{ id: 2, method: 'tools/call' },
    params: { name: 'aether_memory_store', arguments: { text: 'written from inside' } },
  },
]
  .map((message) => `'${JSON.stringify({ jsonrpc: '2.0', ...message })}'`)
  .join(' ');

/** A host whose agents are in boxes, but for one: what a configuration will say. */
const HOST = (source: string, stateDir: string, configFile: string) => `
const { runHost } = await import(${JSON.stringify(join(source, 'src/host/main.ts'))});
const { stopped } = await runHost({
  stateDir: ${JSON.stringify(stateDir)},
  configFile: ${JSON.stringify(configFile)},
  sandboxOf: (agent) => (agent === 'bare' ? 'none' : agent === 'odd' ? 'bottle' : 'box'),
});
process.exitCode = await stopped;
`;

let scratch: Scratch;
let fleet: LiveFleet | null = null;

beforeAll(() => {
  scratch = Scratch.make();
  scratch.write('src/host/sandboxes/box.ts', KIND);
  scratch.edit(LIST, '[localSandbox]', '[localSandbox, boxSandbox]');
  scratch.edit(
    LIST,
    "import { localSandbox } from './local.ts';",
    "import { boxSandbox } from './box.ts';\nimport { localSandbox } from './local.ts';",
  );
  scratch.write('tests/conformance/sandbox-box.test.ts', CONFORMANCE);
  scratch.generate();
}, 120_000);

afterAll(async () => {
  await fleet?.close();
  scratch.remove();
}, 60_000);

test('its file, the list and its conformance test are all that is written', () => {
  expect(scratch.touched()).toEqual({
    generated: [],
    written: ['src/host/sandboxes/box.ts', LIST, 'tests/conformance/sandbox-box.test.ts'],
  });
});

test('types and the import law hold', () => {
  scratch.typecheck();
  scratch.test('tests/architecture/law.test.ts');
}, 300_000);

/** The whole suite runs with the same sandbox in tests/conformance/sandbox-bubblewrap.test.ts. */
test('its test holds it to the contract', () => {
  scratch.test('tests/conformance/sandbox-box.test.ts', '--testNamePattern', 'as it is given|maps paths');
}, 300_000);

test('an agent runs in it, calls a tool from inside, and is there for the next host', async () => {
  const look = (name: string) =>
    `test -e "$STATE/aether.db" && echo seen > ${name}.txt || echo unseen > ${name}.txt`;
  const program = [process.execPath, join(scratch.directory, 'src/host/cli/main.ts')];
  fleet = await LiveFleet.make({ agents: {} }, { program });
  const env = { STATE: fleet.stateDir };
  const shell = (script: string) => ({ runtime: 'command', command: ['sh', '-c', script], env });
  fleet.configure({
    agents: {
      boxed: shell(
        `${look('boxed')}; while read -r line; do printf '%s\\n' ${LINES} | "$AETHER_MCP_COMMAND" > answer.json; done`,
      ),
      bare: shell(`${look('bare')}; exec sleep 600`),
      odd: shell('exec sleep 600'),
    },
  });
  const host = join(fleet.root, 'host.mjs');
  writeFileSync(host, HOST(scratch.directory, fleet.stateDir, fleet.configFile));
  const start = async () => {
    fleet!.begin([], { program: [process.execPath, '--no-warnings', host], deadline_ms: 120_000 });
    await eventually('the host answers', () =>
      fleet!.withHost((client) => client.call('info', {})).catch(() => null),
    );
  };
  await start();

  const isRunning = ({ state }: { state: string | null }) => state === 'running';
  const boxed = await fleet.until('boxed', 'running', isRunning);
  await fleet.until('bare', 'running', isRunning);
  const seen = (name: string) =>
    eventually(`${name} has looked`, () =>
      readFileSync(join(fleet!.project, 'workspaces', name, `${name}.txt`), 'utf8').trim(),
    );
  expect([await seen('boxed'), await seen('bare')]).toEqual(['unseen', 'seen']);
  expect([boxed.sandbox, (await fleet.agent('bare')).sandbox]).toEqual(['box', 'none']);
  expect(await fleet.ok('ps')).toMatch(/boxed .*\bbox\b/);

  /* A kind that this version does not have starts nothing, and leaves no run behind. */
  expect((await fleet.agent('odd')).problem).toMatchObject({ code: 'sandbox.unknown' });
  expect((await fleet.events({ agent: 'odd', topics: ['run.'] })).length).toBe(0);

  const calls = () => fleet!.events({ agent: 'boxed', topics: ['memory.stored'] });
  const call = async (count: number) => {
    await fleet!.ok('inject', 'boxed', 'go');
    await eventually(`${count} calls`, async () => (await calls()).length === count);
    expect((await calls()).at(-1)!.principal).toBe('agent:boxed');
  };
  await call(1);
  const before = fleet.hostPid;
  await fleet.killHost();
  expect(running(boxed.pid!)).toBe(true);
  await start();
  expect(fleet.hostPid).not.toBe(before);
  expect(await fleet.until('boxed', 'running', isRunning)).toMatchObject({ pid: boxed.pid, sandbox: 'box' });
  await call(2);
  await fleet.ok('stop', 'boxed');
  expect(running(boxed.pid!)).toBe(false);
  await fleet.ok('down');
}, 180_000);
