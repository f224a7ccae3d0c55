/** What counts as started: on numbers; and `up --detach` with programs that die at once, for good or only twice. */
import { afterEach, describe, expect, it } from 'vitest';
import type { AgentView } from '../../../src/host/api.ts';
import { settlesIn } from '../../../src/host/cli/settle.ts';
import { type FleetDir, fleetDir } from '../../support/fleet-dir.ts';

const view = (facts: Partial<AgentView>) =>
  ({ wanted: 'running', problem: null, exit: null, since_ms: 1_000, ...facts }) as AgentView;
const exit = { code: 7, signal: null, cause: 'exited', at_ms: 1_000 } as AgentView['exit'];

describe('settled is', () => {
  it('what has run for a moment, and for longer where it crashed before', () => {
    expect(settlesIn(view({ state: 'running' }), false, 1_100)).toBe(200);
    expect(settlesIn(view({ state: 'running' }), false, 1_400)).toBe(0);
    expect(settlesIn(view({ state: 'running' }), true, 1_400)).toBe(1_600);
    // Somebody has set the clock back by hours since: those are not waited for.
    expect(settlesIn(view({ state: 'running', since_ms: 10_000_000 }), true, 1_400)).toBe(0);
  });

  it('what has ended well, failed for good, or is not meant to run; not what waits to be started again', () => {
    expect(settlesIn(view({ state: 'exited', exit: { ...exit!, code: 0 } }), false, 1_000)).toBe(0);
    expect(settlesIn(view({ state: 'failed' }), true, 1_000)).toBe(0);
    expect(settlesIn(view({ state: 'stopped', wanted: 'stopped' }), false, 1_000)).toBe(0);
    expect(settlesIn(view({ state: 'exited', exit }), true, 9_000)).toBe(Number.POSITIVE_INFINITY);
    expect(settlesIn(view({ state: 'starting' }), false, 9_000)).toBe(Number.POSITIVE_INFINITY);
  });

  it('not what was lost and is to be started again; what cannot be reached, only after a while', () => {
    const lost = { code: null, signal: null, cause: 'lost', at_ms: 1_000 } as AgentView['exit'];
    expect(settlesIn(view({ state: 'unknown', exit: lost }), false, 90_000)).toBe(Number.POSITIVE_INFINITY);
    expect(settlesIn(view({ state: 'unknown' }), false, 2_000)).toBe(9_000);
    expect(settlesIn(view({ state: 'unknown' }), false, 11_000)).toBe(0);
    const problem = { message: 'Two processes are left.', next: 'End them.' } as AgentView['problem'];
    expect(settlesIn(view({ state: 'unknown', exit: lost, problem }), false, 2_000)).toBe(0);
  });
});

describe('up --detach', () => {
  let fleet: FleetDir;
  afterEach(() => fleet.close());

  it('waits out a restart: what comes up in the end has started', async () => {
    fleet = fleetDir(`
agents:
  second: { runtime: command, command: [./second-time.sh], restart: on-failure }
console: { enabled: false }
`);
    fleet.write(
      'second-time.sh',
      `#!/bin/sh\n[ -e ${fleet.dir}/been ] && exec sleep 600\n: > ${fleet.dir}/been\nexit 7\n`,
    );
    const up = await fleet.aether('up', '--detach');
    expect(up.stderr).toContain('second exited with code 7');
    expect(up.stdout).toMatch(/^second is running \(pid \d+\)$/m);
    expect(up.code).toBe(0);
  });

  it('1 for what dies at once and is not to be started again', async () => {
    fleet = fleetDir(`
agents:
  doomed: { runtime: command, command: [sh, -c, 'exit 7'], restart: never }
console: { enabled: false }
`);
    const up = await fleet.aether('up', '--detach');
    expect(up.stdout).toMatch(/^doomed failed: .*exited with code 7/m);
    expect(up.code).toBe(1);
  });
});
