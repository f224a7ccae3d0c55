/** A host without a console, an edit of the console's keys, and a workspace that cannot be made: each is told. */
import { writeFileSync } from 'node:fs';
import { afterEach, expect, it } from 'vitest';
import { type FleetDir, fleetDir } from '../../support/fleet-dir.ts';

let fleet: FleetDir;
afterEach(() => fleet.close());

it('serves no console where the file says so, and says what an edit of that waits for', async () => {
  fleet = fleetDir('agents: {}\nconsole: { enabled: false }\n');
  const up = await fleet.aether('up', '--detach');
  expect([up.code, up.stdout.includes('Console')]).toEqual([0, false]);
  const link = await fleet.aether('console');
  expect(link.stderr).toContain('The console of this host is switched off.');
  expect(link.code).toBe(2);

  writeFileSync(fleet.configFile, 'agents: {}\nconsole: { port: 0 }\n');
  const plan = await fleet.aether('plan');
  expect(plan.stderr).toMatch(/changes below console apply from the next start of the host \(`aether down`/);
  expect((await fleet.aether('apply')).stderr).toContain('below console');
  await fleet.aether('down');
  expect((await fleet.aether('up', '--detach')).stdout).toContain('.localhost:');
  expect((await fleet.aether('plan')).stderr).toBe('');

  /* Links: of this start, and one for browsers that do not find its name. */
  const named = await fleet.aether('console');
  expect(named.stdout).toMatch(/^http:\/\/[a-z2-7]{20}\.localhost:\d+\/#link=\S+\n$/);
  expect(named.stderr).toContain('aether console --plain');
  const plain = await fleet.aether('console', '--plain');
  expect(plain.stdout).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/#link=\S+\n$/);
  expect(plain.stderr).toContain('Weaker');
});

it('names the workspace that cannot be made', async () => {
  // A directory is there, so the file is in order; nobody may make one in it.
  fleet = fleetDir('agents:\n  a: { runtime: command, command: [sleep, "9"], workspace: /proc/nowhere }\n');
  const up = await fleet.aether('up', '--detach');
  expect(up.stdout).toMatch(/^a failed: a cannot start: its directory \/proc\/nowhere cannot be made/m);
  expect(up.code).toBe(1);
});
