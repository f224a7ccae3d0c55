/** A host that cannot be started ends: one that stayed would hold the state directory, and serve nobody. */
import fs from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { LiveFleet, processes } from '../support/live-fleet.ts';

let fleet: LiveFleet;
afterEach(() => fleet.close());

test('a host that fails after it took back its runs lets go of the state directory', async () => {
  fleet = await LiveFleet.make({
    agents: { printer: { runtime: 'command', command: ['sh', '-c', 'while sleep 1; do date; done'] } },
  });
  await fleet.up();
  const { run, pid } = await fleet.agent('printer');
  await fleet.killHost();

  const control = join(fs.readFileSync(join(fleet.stateDir, 'sockets'), 'utf8').trim(), 'control.sock');
  fs.rmSync(control);
  fs.mkdirSync(join(control, 'in-the-way'), { recursive: true });
  const failed = await fleet.cli(['up', '--detach']);
  expect(failed.code).not.toBe(0);
  expect(failed.stderr).toContain('control.sock');
  const hosts = processes().filter(({ command }) => command.includes(`host --state ${fleet.stateDir}`));
  expect(hosts).toEqual([]);

  fs.rmSync(control, { recursive: true });
  await fleet.up();
  expect(await fleet.agent('printer')).toMatchObject({ run, pid, restarts: 0 });
}, 90_000);
