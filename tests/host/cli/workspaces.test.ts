/** `plan`, `up` and `doctor` say which agent could edit the configuration, and which workspace none may have. */
import fs from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { LiveFleet } from '../../support/live-fleet.ts';

let fleet: LiveFleet;
afterEach(() => fleet.close());

const sleeper = (more: object) => ({ runtime: 'command', command: ['sleep', '1000'], ...more });

test('an agent that works beside the file without a sandbox is named, with what it could do', async () => {
  fleet = await LiveFleet.make({
    agents: { a: sleeper({ workspace: '.', sandbox: 'none' }), b: sleeper({}) },
  });
  const warning =
    /aether\.yaml:\d+:\d+: a works where this file is, and has no sandbox \(the configuration says so\): it can edit the file/;
  expect((await fleet.cli(['plan'])).stderr).toMatch(warning);
  expect((await fleet.cli(['up', '--detach'])).stderr).toMatch(warning);
  const doctor = await fleet.cli(['doctor']);
  expect(doctor.stdout).toMatch(warning);
  expect(doctor.stdout).not.toMatch(/b works where/);
  expect((await fleet.agent('a')).state).toBe('running');
}, 60_000);

test('a workspace that is the home, or holds a directory of PATH, is refused with its line', async () => {
  fleet = await LiveFleet.make({ agents: { a: sleeper({ workspace: '~' }) } });
  const home = /aether\.yaml:\d+:\d+: agents\.a\.workspace is your whole home/;
  for (const command of [['plan'], ['up', '--detach']]) {
    const { code, stderr } = await fleet.cli(command);
    expect([code, stderr]).toEqual([2, expect.stringMatching(home)]);
  }
  const doctor = await fleet.cli(['doctor']);
  expect([doctor.code, doctor.stdout]).toEqual([1, expect.stringMatching(home)]);

  fs.mkdirSync(join(fleet.project, 'bin'));
  fleet.configure({ agents: { a: sleeper({ workspace: '.' }) } });
  const PATH = `${join(fleet.project, 'bin')}:${process.env.PATH}`;
  const plan = await fleet.cli(['plan'], { env: { PATH } });
  expect(plan.stderr).toContain(`holds ${join(fleet.project, 'bin')}, a directory of PATH`);
}, 60_000);

test('a host does not look for programs where an agent can put one', async () => {
  const bin = 'node_modules/.bin';
  fleet = await LiveFleet.make({
    agents: {
      a: sleeper({
        workspace: '.',
        sandbox: 'none',
        command: ['sh', '-c', 'echo "PATH is $PATH"; sleep 1000'],
      }),
    },
  });
  fs.mkdirSync(join(fleet.project, bin), { recursive: true });
  const PATH = `${join(fleet.project, bin)}:${process.env.PATH}`;
  const { code } = await fleet.cli(['up', '--detach'], { env: { PATH } });
  expect(code).toBe(0);
  const { pid } = await fleet.agent('a');
  const environment = fs.readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  expect(environment.find((entry) => entry.startsWith('PATH='))).not.toContain(fleet.project);
}, 60_000);
