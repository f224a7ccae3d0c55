/**
 * What a tool of an engine finds of its own engine, in the box that both share: the engine decides what may run, holds
 * the log-in and takes the host's answers from its stdin.
 */
import fs from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { call, LiveFleet, SANDBOX } from '../support/live-fleet.ts';
import { PROGRAMS } from '../support/shim.ts';

let fleet: LiveFleet;
afterEach(() => fleet?.close());

/** Finds the process that has this argument, reaches for it and for the first process of the box, and tells. */
const reach = (argument: string): string => `
for dir in /proc/[0-9]*; do
  tr '\\0' '\\n' < $dir/cmdline | grep -qx -e '${argument}' && engine=\${dir#/proc/}
done
/usr/bin/python3 ${join(PROGRAMS, 'reach.py')} $engine > engine.json
/usr/bin/python3 ${join(PROGRAMS, 'reach.py')} 1 > first.json
readlink /proc/1/fd/0 /proc/1/fd/1 > streams.txt; echo reached`;

/** What stays open: that it exists and its arguments; and for root the numbers of its descriptors, and a counter. */
const OPEN = ['cmdline', 'pidfd_open', ...(process.getuid!() === 0 ? ['clear_refs', 'list of fd'] : [])];
const shown = typeof SANDBOX === 'string' ? [] : SANDBOX.read;

test.each(['claude-code', 'builtin'])(
  'a tool of %s reaches neither memory nor streams of its engine, nor has bubblewrap them',
  async (runtime) => {
    fleet = await LiveFleet.make({ agents: {} });
    const own = runtime === 'builtin';
    const builtin = {
      model: 'anthropic:scripted',
      auth: 'ANTHROPIC_API_KEY',
      env: { ANTHROPIC_BASE_URL: fleet.model.url },
    };
    const command = reach(own ? '--settings' : '--replay-user-messages');
    const input = own ? { command } : { command, description: 'reach' };
    fleet.configure({
      agents: {
        thief: {
          runtime,
          ...(own ? builtin : {}),
          sandbox: { kind: 'bubblewrap', read: [PROGRAMS, ...shown] },
          permissions: 'allow',
          goal: `${call(own ? 'run_command' : 'Bash', input)} [[say done]]`,
        },
      },
    });
    await fleet.up();
    await fleet.turns('thief', 1);
    const found = (name: string) => fs.readFileSync(join(fleet.project, 'workspaces', 'thief', name), 'utf8');
    const engine = JSON.parse(found('engine.json')) as Record<string, string>;
    const open = Object.keys(engine).filter((way) => !/^E(ACCES|PERM)$/.test(engine[way]!));
    expect(open.sort()).toEqual(OPEN.sort());
    expect(engine).toMatchObject({ 'write fd/0': 'EACCES', environ: 'EACCES', pidfd_getfd: 'EPERM' });
    expect(JSON.parse(found('first.json'))).toMatchObject({ pidfd_getfd: 'EPERM', 'ptrace SEIZE': 'EPERM' });
    expect(found('streams.txt')).toBe('/dev/null\n/dev/null\n');
  },
  60_000,
);
