/** `aether logs` of a real command: with the host, with a dead one, and after the agent was removed. */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { CliResult } from '../../support/cli.ts';
import { eventually } from '../../support/eventually.ts';
import { type FleetDir, fleetDir } from '../../support/fleet-dir.ts';

/** Prints a progress bar and a colour, then a line for each that it is sent. */
const PROGRAM = `#!/bin/sh
printf '10%%\\r50%%\\r100%%\\n\\033[31mred\\033[0m line\\n'
while read -r line; do
  case "$line" in flood) seq 1 20000;; *) echo "heard $line";; esac
done
`;

let fleet: FleetDir;
const logs = (...args: string[]): Promise<CliResult> => fleet.aether('logs', ...args);
const lines = async (...args: string[]) => (await logs(...args)).stdout.trimEnd().split('\n');

beforeAll(async () => {
  fleet = fleetDir(
    'agents:\n  prints: { runtime: command, command: [./prints.sh], restart: { policy: never } }\nconsole: { enabled: false }\n',
  );
  fleet.write('prints.sh', PROGRAM);
  expect((await fleet.aether('up', '--detach')).stderr).toBe('');
  await eventually('it prints', async () => (await logs('prints')).stdout.includes('red line'));
}, 60_000);
afterAll(() => fleet?.close());

it('a progress bar is one line, colours are for terminals, and --raw is all of it', async () => {
  expect(await lines('prints')).toEqual(['100%', 'red line']);
  expect((await logs('prints', '--raw')).stdout).toBe('10%\r50%\r100%\r\n\x1b[31mred\x1b[0m line\r\n');
  const coloured = await fleet.start(['logs', 'prints'], { env: { FORCE_COLOR: '1' } }).ended;
  expect(coloured.stdout).toContain('\x1b[31mred\x1b[0m line\n');
  const none = await fleet.start(['logs', 'prints'], { env: { FORCE_COLOR: '1', NO_COLOR: '1' } }).ended;
  expect(none.stdout).toContain('red');
});

it('takes the options that people know', async () => {
  expect(await lines('prints', '-n', '1')).toEqual(['red line']);
  expect((await lines('prints', '-t', '--tail', '1'))[0]).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z red line$/);
  expect(await lines('prints', '--grep', 'RED|100')).toEqual(['100%']);
  expect(await lines('prints', '--since', '1h', '--until', '1h')).toEqual(['']);
  const [json] = await lines('prints', '--json', '-n', '1');
  expect(JSON.parse(json!)).toEqual({
    ...{ at_ms: expect.any(Number), topic: 'output', agent: 'prints' },
    ...{ run: expect.stringMatching(/^r_/), data: { text: 'red line' } },
  });
});

it('of a flood the end comes at once, and a reader that has enough ends it quietly', async () => {
  await fleet.aether('inject', 'prints', 'flood', '--wait', 'delivered');
  await eventually('the flood', async () => (await lines('prints', '-n', '1'))[0] === '20000');
  expect(await lines('prints', '-n', '3')).toEqual(['19998', '19999', '20000']);
  const running = fleet.start(['logs', 'prints', '-n', 'all']);
  running.child.stdout!.once('data', () => running.child.stdout!.destroy());
  const { code, stderr } = await running.ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
});

it('works with a dead host, follows what is printed meanwhile, and knows an agent that was removed', async () => {
  const following = fleet.start(['logs', 'prints', '-f', '-n', '1']);
  await eventually('it shows the past', () => following.stdout() === '20000\n');
  process.kill(fleet.hostPid()!, 'SIGKILL');
  await eventually('it is dead', async () => (await fleet.aether('ps')).code === 3);
  expect(await lines('prints', '-n', '2')).toEqual(['19999', '20000']);
  expect((await logs('--grep', 'started')).stdout).toContain('prints ● engine of run');
  const nobody = await logs('nobody');
  expect([nobody.code, nobody.stderr]).toEqual([
    1,
    expect.stringContaining('Nothing is recorded of an agent'),
  ]);
  expect((await logs('-f', '-n', '1')).stderr).toContain('No host runs: nothing follows.');

  writeFileSync(fleet.configFile, readFileSync(fleet.configFile, 'utf8').replace('prints:', 'other:'));
  await fleet.aether('up', '--detach');
  await fleet.aether('inject', 'other', 'hello', '--wait', 'delivered');
  await eventually('the new one prints', async () => (await lines('other', '-n', '1'))[0] === 'heard hello');
  expect(await lines('prints', '-n', '1')).toEqual(['20000']);
  following.child.kill('SIGINT');
  expect((await following.ended).code).toBe(130);
}, 60_000);
