/** An agent is no outside client, also of a host that does not run it, and starts none. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import type { AgentView } from '../../../src/host/api.ts';
import { CLI } from '../../support/cli.ts';
import { eventually } from '../../support/eventually.ts';
import { type FleetDir, fleetDir } from '../../support/fleet-dir.ts';

let fleet: FleetDir;
afterEach(() => fleet.close());

it('is told so, whatever it takes out of its environment', async () => {
  fleet = fleetDir(`
agents:
  rebel: { runtime: command, command: [./rebel.sh], restart: never }
console: { enabled: false }
`);
  const log = join(fleet.dir, 'said');
  const mcp = (name: string) => `'${process.execPath}' '${CLI}' mcp --as ${name} </dev/null`;
  fleet.write(
    'rebel.sh',
    `#!/bin/sh
exec 2>>'${log}'
env -i HOME='${fleet.dir}' ${mcp('cleared')}; echo "cleared $?" >>'${log}'
setsid -f env -i HOME='${fleet.dir}' sh -c "sleep 1; ${mcp('fled')}; echo fled \\$? >>'${log}'"
exec sleep 1000
`,
  );
  await fleet.aether('up', '-d');
  const [rebel] = JSON.parse((await fleet.aether('ps', '--json')).stdout) as AgentView[];
  const said = () => readFileSync(log, { encoding: 'utf8', flag: 'a+' });
  await eventually('the rebel has tried', () => said().includes('fled '));
  expect(said()).toContain('This process belongs to an agent that Aether runs');
  expect(said()).toMatch(/^cleared 1$/m);
  // Without a control group, who has left his parents and his environment behind is known by nothing.
  if (rebel!.containment !== 'cgroup2' && rebel!.containment !== 'freezer') {
    await fleet.aether('down', '--state', join(fleet.dir, '.local', 'state', 'aether'));
    return;
  }
  expect(said()).toMatch(/^fled 1$/m);
  expect(existsSync(join(fleet.dir, '.local'))).toBe(false);
});
