/**
 * What becomes of a run whose owner was killed: nothing of it is left, nothing that is not of it is touched, the
 * journal is whole up to its torn end, and the agent comes back by its policy. Reboots included.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, describe, expect, test } from 'vitest';
import {
  descendants,
  environmentOf,
  isAlive,
  type ProcStat,
  startTicks,
} from '../../src/host/process/proc.ts';
import { RecordType } from '../../src/host/shim/shim-protocol.ts';
import { BOX_PROCESSES, BOXED, LiveFleet, running } from '../support/live-fleet.ts';
import { saidIn } from '../support/model-server/server.ts';
import {
  CONTAINMENTS,
  everywhereWithout,
  groupsLeft,
  removeGroups,
  shimOf,
  treeOf,
  USUAL_CONTAINMENTS,
} from '../support/run-tree.ts';
import { Journal, PROGRAMS, until } from '../support/shim.ts';

let fleet: LiveFleet;
const strangers: ChildProcess[] = [];
afterEach(async () => {
  for (const stranger of strangers.splice(0)) stranger.kill('SIGKILL');
  await fleet.close();
});

/** Daemonised, in sessions of their own, with an empty environment. */
const escaping = { runtime: 'command', command: [join(PROGRAMS, 'daemon.sh'), 'stay'] };

/** The marker does not find them: only their descent does, while there is somebody to descend from. */
function washed(run: string): ProcStat[] {
  return treeOf(run).filter(
    ({ pid }) => environmentOf(pid)?.some((entry) => entry.startsWith('AETHER_RUN=')) === false,
  );
}

/** Where neither a group nor a box holds them, the shim has to have seen them once; orphans of a box stay in it. */
async function noted(run: string): Promise<void> {
  const journal = new Journal(join(fleet.stateDir, 'runs', run, 'journal'));
  await until('they are noted', () => journal.read().all(RecordType.adopted).length >= 2);
  journal.close();
}

const CERTAIN = { exact: true, certainty: 'certain: no process outlives its sandbox' };

const sql = (statement: string, ...values: unknown[]) => {
  const db = new Database(join(fleet.stateDir, 'aether.db'));
  db.prepare(statement).run(...values);
  db.close();
};

describe.each(CONTAINMENTS)('$name', ({ name, env }) => {
  test('kill -9 of the shim leaves nothing of what had escaped from everything else', async () => {
    fleet = await LiveFleet.make({ agents: { daemon: escaping } }, { env });
    await fleet.up();
    const { run } = await fleet.until('daemon', 'runs', (view) => view.state === 'running');
    await until('two daemons', () => washed(run!).length >= 2);
    if (env.AETHER_NO_CGROUP && !BOXED) await noted(run!);
    const tree = treeOf(run!);
    const killed_ms = Date.now();
    process.kill(shimOf(run!)!, 'SIGKILL');
    const lost = await fleet.event('run.lost');
    expect(lost.at_ms - killed_ms).toBeLessThan(2_000);
    for (const entry of tree) expect(isAlive(entry)).toBe(false);
    // Without a sandbox a process can leave its group: what is found is ended, and that is not called certain.
    const means = env.AETHER_NO_CGROUP ? /best effort: found by recorded/ : /the group that the kernel kept/;
    expect(lost.data).toMatchObject({
      ...{ why: 'its shim is gone', survivors: 0 },
      ...(BOXED ? CERTAIN : { exact: false, certainty: expect.stringMatching(means) }),
    });
    // A box has ended with its shim.
    if (!BOXED) expect(lost.data.killed).toBeGreaterThanOrEqual(tree.length);
    const again = await fleet.until('daemon', 'in a new run', (view) => view.run !== run);
    expect(again.run).not.toBe(run);
    expect(groupsLeft(fleet.stateDir).filter((path) => path.endsWith(run!))).toEqual([]);
  }, 60_000);

  const usual = USUAL_CONTAINMENTS.some((one) => one.name === name);
  test.runIf(usual)(
    'the same while no host lives, with a torn journal, from a paused run',
    async () => {
      fleet = await LiveFleet.make({ agents: { daemon: escaping } }, { env });
      await fleet.up();
      const { run } = await fleet.until('daemon', 'runs', (view) => view.state === 'running');
      await until('two daemons', () => washed(run!).length >= 2);
      const dir = join(fleet.stateDir, 'runs', run!, 'journal');
      if (env.AETHER_NO_CGROUP && !BOXED) await noted(run!);
      await fleet.act('pause', 'daemon');
      const tree = treeOf(run!);
      await fleet.killHost();
      process.kill(shimOf(run!)!, 'SIGKILL');
      await until('the shim to be gone', () => shimOf(run!) === null);
      const segment = fs.readdirSync(dir).find((name) => name.endsWith('.journal'))!;
      fs.appendFileSync(join(dir, segment), 'half a record');
      await fleet.up();
      const lost = await fleet.event('run.lost');
      expect(lost.data).toMatchObject({ survivors: 0, journal_bytes_cut: 13 });
      for (const entry of tree) expect(isAlive(entry)).toBe(false);
      const again = await fleet.until(
        'daemon',
        'in a new run',
        (view) => view.run !== run && view.state === 'running',
      );
      expect(again.activity).not.toBe('paused');
    },
    60_000,
  );
});

test('what left its control group is found by what its shim had noted, and that is not called certain', async () => {
  const leaving = { runtime: 'command', command: [join(PROGRAMS, 'leaver.sh')] };
  fleet = await LiveFleet.make({ agents: { leaver: leaving } });
  await fleet.up();
  const { run, containment } = await fleet.until('leaver', 'runs', (view) => view.state === 'running');
  if (containment === 'descent') return; // there is nothing here to leave
  // In a box there is no group to be seen, and none is left.
  if (!BOXED) await noted(run!);
  const tree = await until('its orphans', () => {
    const found = descendants(shimOf(run!)!);
    return found.length >= 3 + BOX_PROCESSES ? found : null;
  });
  process.kill(shimOf(run!)!, 'SIGKILL');
  const lost = await fleet.event('run.lost');
  for (const entry of tree) expect(isAlive(entry)).toBe(false);
  const left = { exact: false, certainty: expect.stringContaining('some had left the group') };
  expect(lost.data).toMatchObject({ ...(BOXED ? CERTAIN : left), survivors: 0 });
}, 60_000);

test('after a reboot nobody is signalled, and claude goes on with its conversation', async () => {
  fleet = await LiveFleet.make({
    agents: {
      writer: { runtime: 'claude-code', goal: 'Begin. [[say The first chapter is written]]' },
      daemon: escaping,
    },
  });
  await fleet.up();
  const before = await fleet.turns('writer', 1);
  const { run } = await fleet.agent('daemon');
  await until('its tree', () => treeOf(run!).length >= 4);
  await fleet.killHost();
  for (const id of [before.run!, run!]) {
    const tree = treeOf(id);
    process.kill(shimOf(id)!, 'SIGKILL');
    for (const { pid } of tree) if (running(pid)) process.kill(pid, 'SIGKILL');
  }
  // The machine comes back: another boot, no groups, no runtime directory, and the pids belong to others.
  await until('the groups to be gone', () => removeGroups(fleet.stateDir));
  fs.rmSync(fs.readFileSync(join(fleet.stateDir, 'sockets'), 'utf8'), { recursive: true });
  const stranger = spawn('/bin/sleep', ['600'], { env: { AETHER_RUN: run! }, stdio: 'ignore' });
  strangers.push(stranger);
  await until('the stranger', () => startTicks(stranger.pid!) > 0);
  sql("UPDATE runs SET boot_id = 'another boot' WHERE exited_ms IS NULL");
  sql(
    'UPDATE runs SET shim_pid = ?, shim_start_ticks = ? WHERE id = ?',
    stranger.pid,
    startTicks(stranger.pid!),
    run,
  );

  await fleet.up();
  const lost = await fleet.event('run.lost', (event) => event.run === run);
  expect(lost.data).toMatchObject({ why: 'the machine was restarted', killed: 0, survivors: 0 });
  await fleet.until('daemon', 'in a new run', (view) => view.run !== run && view.state === 'running');
  await fleet.until('writer', 'in a new run', (view) => view.run !== before.run && view.state === 'running');
  await fleet.inject('writer', 'Go on. [[say Gladly]]');
  await fleet.turns('writer', 2);
  const told = saidIn(fleet.model.requests.at(-1)!);
  expect(told).toContain('Begin.');
  expect(told).toContain('Your process ended unexpectedly');
  expect(stranger.exitCode ?? stranger.signalCode).toBeNull();
  expect(running(stranger.pid!)).toBe(true);
}, 90_000);

test('a shim that is silent is not dead: its run is unknown until it speaks', async () => {
  fleet = await LiveFleet.make({ agents: { daemon: escaping, ended: escaping } });
  await fleet.up();
  const { run } = await fleet.until('daemon', 'runs', (view) => view.state === 'running');
  const ended = await fleet.until('ended', 'runs', (view) => view.state === 'running');
  await until('its tree', () => treeOf(ended.run!).length >= 4);
  if (everywhereWithout && !BOXED) await noted(ended.run!);
  const [shim, silent] = [shimOf(run!)!, shimOf(ended.run!)!];
  await fleet.killHost();
  for (const pid of [shim, silent]) process.kill(pid, 'SIGSTOP');
  await fleet.up();
  await fleet.until('daemon', 'unknown', (view) => view.state === 'unknown', 40_000);
  expect(running(shim)).toBe(true);
  process.kill(shim, 'SIGCONT');
  const back = await fleet.until('daemon', 'back', (view) => view.state === 'running', 40_000);
  expect(back).toMatchObject({ run, evidence: { what: expect.stringContaining('answers again') } });

  // Killing is possible without it.
  const tree = treeOf(ended.run!);
  expect(tree.length).toBeGreaterThanOrEqual(4);
  await fleet.until('ended', 'unknown', (view) => view.state === 'unknown', 40_000);
  await fleet.act('kill', 'ended');
  expect((await fleet.agent('ended')).state).toBe('stopped');
  for (const entry of tree) expect(isAlive(entry)).toBe(false);
  expect(running(silent)).toBe(false);
}, 150_000);
