/**
 * A kind of sandbox is added as a contributor would: its file, its name in the list, its conformance test. An agent is
 * started in it, calls a tool from inside, and is adopted by the next host.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { LiveFleet, running } from '../support/live-fleet.ts';
import type { Addition } from './addition.ts';

const LIST = 'src/host/sandboxes/sandboxes.ts';
const NAMES = 'src/host/sandboxes/kinds.ts';

/** A kind of one's own that stands on another: what a kind is made of is that one's. */
const KIND = `/** bubblewrap under another name. */
import { bubblewrapSandbox } from './bubblewrap.ts';
import type { Sandbox } from './sandbox.ts';

export const boxSandbox: Sandbox = { ...bubblewrapSandbox, name: 'box' };
`;

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

export const sandbox: Addition = {
  name: 'a sandbox: its file, its name, the list and its conformance test are written',
  tests: ['tests/conformance/sandbox-box.test.ts'],
  add(scratch) {
    scratch.write('src/host/sandboxes/box.ts', KIND);
    scratch.edit(NAMES, "['bubblewrap', 'none']", "['bubblewrap', 'box', 'none']");
    scratch.edit(LIST, 'none: localSandbox }', 'box: boxSandbox, none: localSandbox }');
    scratch.edit(
      LIST,
      'import { bubblewrapSandbox }',
      "import { boxSandbox } from './box.ts';\nimport { bubblewrapSandbox }",
    );
    scratch.write('tests/conformance/sandbox-box.test.ts', CONFORMANCE);
    scratch.generate();
    expect(scratch.touched()).toEqual({
      generated: ['templates/aether.schema.json'],
      written: ['src/host/sandboxes/box.ts', NAMES, LIST, 'tests/conformance/sandbox-box.test.ts'],
    });
  },
  live(scratch) {
    test('an agent runs in a sandbox that was added, calls a tool from inside, and is there for the next host', async () => {
      const look = (name: string) =>
        `test -e "$STATE/aether.db" && echo seen > ${name}.txt || echo unseen > ${name}.txt`;
      const { program } = scratch();
      const fleet = await LiveFleet.make({ agents: {} }, { program });
      onTestFinished(() => fleet.close());
      const env = { STATE: fleet.stateDir };
      const shell = (script: string, sandbox: string) => ({
        ...{ runtime: 'command', command: ['sh', '-c', script], env, sandbox },
      });
      fleet.configure({
        agents: {
          boxed: shell(
            `${look('boxed')}; while read -r line; do printf '%s\\n' ${LINES} | "$AETHER_MCP_COMMAND" > answer.json; done`,
            'box',
          ),
          bare: shell(`${look('bare')}; exec sleep 600`, 'none'),
        },
      });
      await fleet.up();

      const isRunning = ({ state }: { state: string | null }) => state === 'running';
      const boxed = await fleet.until('boxed', 'running', isRunning);
      await fleet.until('bare', 'running', isRunning);
      const seen = (name: string) =>
        eventually(`${name} has looked`, () =>
          readFileSync(join(fleet.project, 'workspaces', name, `${name}.txt`), 'utf8').trim(),
        );
      expect([await seen('boxed'), await seen('bare')]).toEqual(['unseen', 'seen']);
      expect([boxed.sandbox, (await fleet.agent('bare')).sandbox]).toEqual(['box', 'none']);
      expect(await fleet.ok('ps')).toMatch(/boxed .*\bbox\b/);

      const calls = () => fleet.events({ agent: 'boxed', topics: ['memory.stored'] });
      const call = async (count: number) => {
        await fleet.ok('inject', 'boxed', 'go');
        await eventually(`${count} calls`, async () => (await calls()).length === count);
        expect((await calls()).at(-1)!.principal).toBe('agent:boxed');
      };
      await call(1);
      const before = fleet.hostPid;
      await fleet.killHost();
      expect(running(boxed.pid!)).toBe(true);
      await fleet.up();
      expect(fleet.hostPid).not.toBe(before);
      expect(await fleet.until('boxed', 'running', isRunning)).toMatchObject({
        pid: boxed.pid,
        sandbox: 'box',
      });
      await call(2);
      await fleet.act('stop', 'boxed');
      expect(running(boxed.pid!)).toBe(false);
      await fleet.ok('down');
    }, 180_000);
  },
};
