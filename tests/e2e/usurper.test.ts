/**
 * A process of an agent asks the operator's door, with its shim alive and with its shim dead, while the host stands still
 * and afterwards: as root and as an ordinary user, who has no control groups. It is refused, and the operator is not.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EventView } from '../../src/host/api.ts';
import { descendants, isAlive } from '../../src/host/process/proc.ts';
import { sandboxNamed } from '../../src/host/sandboxes/sandboxes.ts';
import { eventually } from '../support/eventually.ts';
import { AETHER, LiveFleet, running } from '../support/live-fleet.ts';
import { shimOf } from '../support/run-tree.ts';
import { PROGRAMS } from '../support/shim.ts';

const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;

/** Whom the fleet runs as. Only root can be somebody else; an ordinary user's own case is the first then. */
const USERS = [
  { name: isRoot ? 'root' : 'an ordinary user', program: AETHER, uid: null },
  ...(isRoot
    ? [
        {
          name: 'an ordinary user',
          program: ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', ...AETHER],
          uid: NOBODY,
        },
      ]
    : []),
];

let fleet: LiveFleet;
let usurper: number | null = null;

async function close(): Promise<void> {
  // It has shed all that it could be found by.
  if (usurper !== null && running(usurper)) process.kill(usurper, 'SIGKILL');
  usurper = null;
  await fleet.close();
}

const node = process.execPath;
const orphan = (mode: string) =>
  `( env -i setsid '${node}' '${join(PROGRAMS, 'usurper.mjs')}' '${fleet.stateDir}' ${mode} </dev/null >/dev/null 2>&1 & ); exec sleep 1000`;

/** An agent for each way that the usurper has; each waits for its word. */
async function start(user: (typeof USERS)[number]): Promise<void> {
  fleet = await LiveFleet.make({ agents: {} }, { program: user.program });
  // In a sandbox they would not see the door; the last test is of one.
  const rogue = (mode: string) => ({
    ...{ runtime: 'command', command: ['sh', '-c', orphan(mode)], restart: 'never', sandbox: 'none' },
  });
  fleet.configure({ agents: { alive: rogue('alive'), dead: rogue('dead') } });
  if (user.uid !== null) execFileSync('chown', ['-R', `${user.uid}:${user.uid}`, fleet.root]);
  await fleet.up();
}

interface Answers {
  pid: number;
  answers: string[];
}

/** @param word what it waits for; then it asks */
async function answers(agent: 'alive' | 'dead', word: 'go' | 'again'): Promise<string[]> {
  const workspace = join(fleet.project, 'workspaces', agent);
  fs.writeFileSync(join(workspace, word), '');
  const file = join(workspace, word === 'go' ? 'answers.json' : 'again.json');
  await eventually('it has asked', () => fs.existsSync(file), 40_000);
  const told = JSON.parse(fs.readFileSync(file, 'utf8')) as Answers;
  usurper = told.pid;
  return told.answers;
}

async function events(topic: string): Promise<EventView[]> {
  const lines = (await fleet.ok('logs', '--json')).trim().split('\n');
  return lines.map((line) => JSON.parse(line) as EventView).filter((event) => event.topic === topic);
}

describe.each(USERS)('as $name', (user) => {
  beforeAll(() => start(user), 60_000);
  afterAll(close, 60_000);

  test('with its shim alive it is part of its agent, whatever it has washed off', async () => {
    for (const answer of await answers('alive', 'go')) expect(answer).toContain('it is part of agent alive');
    // By the command, as the fleet's user: the host refuses another one, root included.
    await fleet.ok('stop', 'alive');
    expect(running(usurper!)).toBe(false);
  }, 60_000);

  test('with its shim dead and the host standing still it is no operator, then or later', async () => {
    const told = await answers('dead', 'go');
    expect(told).toHaveLength(6);
    for (const answer of told) expect(answer).toMatch(/"control\.refused".*run r_\w+ of agent dead has lost/);

    /* It lives on, and it is not said that nothing does. */
    expect(running(usurper!)).toBe(true);
    const [lost] = await events('run.lost');
    expect(lost!.data).toMatchObject({ exact: false, certainty: expect.stringContaining('best effort') });

    /* The operator was there before; also for the next host, and for it the others are still in doubt. */
    await fleet.ok('ps');
    process.kill(fleet.hostPid, 'SIGKILL');
    await eventually('the host is gone', () => !running(fleet.hostPid));
    await fleet.up();
    await fleet.ok('ps');
    expect((await answers('dead', 'again')).join()).toContain('has lost its supervisor');
  }, 90_000);
});

describe('boxed', () => {
  afterAll(() => fleet.close(), 60_000);

  test('in a sandbox nothing of a run outlives its shim: its end is certain, and nobody is in doubt', async (context) => {
    if (!(await sandboxNamed('bubblewrap').probe()).usable)
      context.skip('bubblewrap does not work here: `aether doctor`.');
    fleet = await LiveFleet.make({ agents: {} });
    const washed = 'env -i setsid sh -c "sleep 1000 & sleep 1000" </dev/null >/dev/null 2>&1 &';
    const command = ['sh', '-c', `( ${washed} ); exec sleep 1000`];
    fleet.configure({
      agents: { boxed: { runtime: 'command', command, restart: 'never', sandbox: 'bubblewrap' } },
    });
    await fleet.up();
    const { run } = await fleet.agent('boxed');
    const shim = shimOf(run!)!;
    const tree = await eventually('its tree', () => {
      const found = descendants(shim);
      return found.length >= 5 ? found : null;
    });
    process.kill(shim, 'SIGKILL');
    const lost = await fleet.event('run.lost');
    expect(lost.data).toMatchObject({
      exact: true,
      survivors: 0,
      certainty: 'certain: no process outlives its sandbox',
    });
    await eventually('all of it is gone', () => tree.every((entry) => !isAlive(entry)));
    // An orphan that began after that run is an operator: in doubt it would not be.
    const late = `( ${AETHER.join(' ')} ps; echo $? >code.tmp; mv code.tmp code ) >/dev/null 2>&1 &`;
    spawnSync('sh', ['-c', late], { cwd: fleet.project, env: { ...fleet.env, PATH: process.env.PATH } });
    const code = await eventually('it has ended', () => {
      const file = join(fleet.project, 'code');
      return fs.existsSync(file) ? fs.readFileSync(file, 'utf8').trim() : null;
    });
    expect(code).toBe('0');
  }, 60_000);
});
