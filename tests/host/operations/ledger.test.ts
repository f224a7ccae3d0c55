/**
 * What a run holds is given back: after many runs of every kind of end the host has what it had before, and
 * outside of it nothing is left but journals.
 */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import type { RunningHost } from '../../../src/host/cli/running-host.ts';
import { runHost } from '../../../src/host/main.ts';
import { Group, groupPlace, groupScope, ownGroup } from '../../../src/host/process/cgroup.ts';
import { groupsLeft, LONG, shimOf, treeOf, USUAL_CONTAINMENTS } from '../../support/run-tree.ts';
import { until } from '../../support/shim.ts';
import { mayMount, SmallDisk } from '../../support/small-disk.ts';

/** Of five agents, each round ends in every way once; the first round is what the others are measured by. */
const RUNS = LONG ? 50 : 10;
const AGENTS = ['a', 'b', 'c', 'd', 'e'];

let root: string;
let running: RunningHost | null = null;
afterEach(async () => {
  await running?.shutdown(true);
  running = null;
  delete process.env.AETHER_NO_CGROUP;
  fs.rmSync(root, { recursive: true, force: true });
});

/** A program with a child in a session of its own, and temporary files. */
const PROGRAM = 'setsid sleep 600 & echo x > $TMPDIR/scratch; echo ready; while :; do sleep 1; done';

/** The same, and it holds a port; which one is in a file. */
const LISTENER = `require('net').createServer().listen(0, '127.0.0.1', function () {
  require('fs').writeFileSync(process.env.TMPDIR + '/port', String(this.address().port)) })`;
const SERVER = `setsid "$0" -e "$1" & until test -s $TMPDIR/port; do sleep 0.02; done; ${PROGRAM}`;
const commandOf = (name: string) =>
  name === 'a' ? ['sh', '-c', SERVER, process.execPath, LISTENER] : ['sh', '-c', PROGRAM];

/** Whether anybody listens there. */
function taken(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const answer = (value: boolean) => {
      socket.destroy();
      resolve(value);
    };
    socket.once('connect', () => answer(true)).once('error', () => answer(false));
  });
}

async function start(): Promise<RunningHost> {
  root = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'ae-ledger-')));
  const configFile = join(root, 'aether.yaml');
  const agents = Object.fromEntries(
    AGENTS.map((name) => [
      name,
      { runtime: 'command', command: commandOf(name), autostart: false, restart: { policy: 'never' } },
    ]),
  );
  fs.writeFileSync(
    configFile,
    JSON.stringify({ console: { port: 0 }, defaults: { sandbox: 'none' }, agents }),
  );
  running = await runHost({ configFile, stateDir: join(root, 'state') });
  return running;
}

const ME = { principal: 'operator', label: 'test' } as const;

/** Descriptors and timers of this process, by kind. (Timers that do not keep it alive are not listed.) */
function held(): Record<string, number> {
  const counts: Record<string, number> = { timers: 0 };
  for (const resource of process.getActiveResourcesInfo()) {
    if (resource === 'Timeout') counts.timers! += 1;
  }
  for (const fd of fs.readdirSync('/proc/self/fd')) {
    let target: string;
    try {
      target = fs.readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      continue; // the descriptor of this very look
    }
    const kind = target.replace(/\d+/g, '#').replace(/r_[a-z2-7]{12}/, 'RUN');
    if (kind.startsWith('/proc')) continue;
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}

test.each(USUAL_CONTAINMENTS)(
  `${RUNS} runs leave nothing behind, $name`,
  async ({ env }) => {
    Object.assign(process.env, env);
    const { verbs } = await start();
    const { stateDir } = verbs.call(ME, 'info', {});
    const sockets = fs.readFileSync(join(stateDir, 'sockets'), 'utf8');
    const ids: string[] = [];

    const one = async (name: string, index: number) => {
      const { run } = await verbs.call(ME, 'start', { agent: name });
      // The last that it does before it is ready; to look for its tree means to look at every process there is.
      await until('its scratch', () => fs.existsSync(join(stateDir, 'runs', run!, 'tmp', 'scratch')));
      await until('its tree', () => treeOf(run!).length >= (name === 'a' ? 4 : 3));
      const file = join(stateDir, 'runs', run!, 'tmp', 'port');
      if (name === 'a') await until('its port', () => fs.existsSync(file) && fs.readFileSync(file, 'utf8'));
      const port = name === 'a' ? Number(fs.readFileSync(file, 'utf8')) : null;
      if (port !== null) expect(await taken(port)).toBe(true);
      if (index % 4 === 0) await verbs.call(ME, 'stop', { agent: name });
      else if (index % 4 === 1) await verbs.call(ME, 'kill', { agent: name });
      else if (index % 4 === 2) {
        await verbs.call(ME, 'pause', { agent: name });
        await verbs.call(ME, 'kill', { agent: name });
      } else {
        process.kill(shimOf(run!)!, 'SIGKILL');
        await until('it to be lost', () => verbs.call(ME, 'agent', { agent: name }).exit?.cause === 'lost');
      }
      ids.push(run!);
      if (port !== null) await until('its port to be free', async () => !(await taken(port)));
    };
    const quiet = async () => {
      await until('sockets to go', () => !fs.readdirSync(sockets).some((entry) => entry.startsWith('r_')));
      await until('groups to go', () => groupsLeft(stateDir).length === 0);
      for (const run of ids)
        await until('its files to go', () => fs.readdirSync(join(stateDir, 'runs', run)).length === 1);
    };
    /** What is held beyond `before`. Less is no leak: a timer of the first round may still have been running. */
    const more = (before: Record<string, number>) =>
      Object.entries(held()).filter(([kind, count]) => count > (before[kind] ?? 0));

    // Once round, so that everything that is made once has been made.
    await Promise.all(AGENTS.map(one));
    await quiet();
    // What runs end with may still be under way: what it holds is what it holds a second later, too.
    let before = held();
    await until('the host to come to rest', async () => {
      const earlier = JSON.stringify(before);
      await sleep(1_000);
      before = held();
      return JSON.stringify(before) === earlier;
    });
    for (let done = AGENTS.length; done < RUNS; done += AGENTS.length)
      await Promise.all(AGENTS.map((name, index) => one(name, done + index)));
    await quiet();

    expect(new Set(ids).size).toBe(RUNS);
    for (const run of ids) {
      expect(treeOf(run)).toEqual([]);
      // It removes what it held, and then it ends.
      await until('its shim to end', () => shimOf(run) === null);
      expect(fs.readdirSync(join(stateDir, 'runs', run))).toEqual(['journal']);
    }
    await until('the host to hold no more than before', () => more(before).length === 0, 15_000).catch(() =>
      expect(more(before)).toEqual([]),
    );
  },
  240_000,
);

test('what a dead host left behind of ended runs goes with the start of the next', async () => {
  const { verbs } = await start();
  const { stateDir, configFile } = verbs.call(ME, 'info', {});
  const { run } = await verbs.call(ME, 'start', { agent: 'a' });
  await verbs.call(ME, 'stop', { agent: 'a' });
  const sockets = fs.readFileSync(join(stateDir, 'sockets'), 'utf8');
  const runDir = join(stateDir, 'runs', run!);
  await until('its files to go', () => fs.readdirSync(runDir).length === 1);
  await running!.shutdown(true);

  fs.mkdirSync(join(sockets, run!));
  fs.writeFileSync(join(sockets, run!, 'mcp'), '');
  fs.writeFileSync(join(runDir, 'claude-settings.json'), '{"secret":"x"}');
  const own = ownGroup('cgroup2');
  const left = own === null ? null : spawn('/bin/sleep', ['600'], { stdio: 'ignore' });
  if (own !== null && left !== null) {
    const group = new Group(groupPlace('cgroup2', own, groupScope(stateDir), run!));
    group.make();
    group.admit(left.pid!);
  }
  running = await runHost({ configFile, stateDir });
  if (left !== null) await until('what was in its group to end', () => left.signalCode === 'SIGKILL');
  // The host starts without waiting for any of this.
  await until('the groups to go', () => groupsLeft(stateDir).length === 0);
  await until('the sockets to go', () => !fs.existsSync(join(sockets, run!)));
  await until('the files to go', () => fs.readdirSync(runDir).join() === 'journal');
}, 60_000);

const told = (verbs: RunningHost['verbs']) => verbs.call(ME, 'events', { topics: ['run.leaked'], limit: 10 });

test.runIf(mayMount)(
  'what cannot be released is told, and keeps nothing else from it',
  async () => {
    const { verbs } = await start();
    const { stateDir } = verbs.call(ME, 'info', {});
    const sockets = fs.readFileSync(join(stateDir, 'sockets'), 'utf8');
    const { run } = await verbs.call(ME, 'start', { agent: 'b' });
    const busy = new SmallDisk(join(stateDir, 'runs', run!, 'busy'), 1);
    try {
      await verbs.call(ME, 'stop', { agent: 'b' });
      const [leaked] = await until('it to be told', () => told(verbs).length > 0 && told(verbs));
      expect(leaked).toMatchObject({ agent: 'b', run, data: { left: [expect.stringContaining(': busy')] } });
      expect(fs.existsSync(join(sockets, run!))).toBe(false);
      expect(groupsLeft(stateDir)).toEqual([]);
      const { run: next } = await verbs.call(ME, 'start', { agent: 'c' });
      await verbs.call(ME, 'stop', { agent: 'c' });
      await until('its sockets to go', () => !fs.existsSync(join(sockets, next!)));
      expect(told(verbs)).toHaveLength(1);
    } finally {
      busy.close();
    }
  },
  60_000,
);
