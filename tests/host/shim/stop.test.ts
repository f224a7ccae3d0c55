/** Stop leaves nothing: trees that ignore signals, daemonise, wash their environment, fork while being killed. */
import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { descendants, isAlive } from '../../../src/host/process/proc.ts';
import { outwards } from '../../../src/host/shim/client/launch.ts';
import { RecordType } from '../../../src/host/shim/shim-protocol.ts';
import { LONG } from '../../support/run-tree.ts';
import { program, ShimLab, shell, type TestShim, until } from '../../support/shim.ts';

const lab = new ShimLab();
afterEach(() => lab.clean());

/** Everything alive below the shim, looked at from outside. */
function alive(shim: TestShim) {
  return descendants(shim.identity.pid).filter((entry) => !entry.zombie);
}

const LADDER = { close_stdin_ms: 100, term_ms: 300, kill_ms: 5_000 };

const ORPHANS = LONG ? 10_000 : 2_000;

test.each([
  { name: 'ignores SIGTERM', spec: program('stubborn.sh'), tree: 3 },
  { name: 'ignores SIGTERM on a terminal', spec: program('stubborn.sh', [], { pty: true }), tree: 3 },
  { name: 'daemonised with a cleared environment', spec: program('daemon.sh', ['stay']), tree: 4 },
  { name: 'daemonised from a terminal', spec: program('daemon.sh', ['stay'], { pty: true }), tree: 4 },
  { name: 'forks while it is killed', spec: program('forker.sh'), tree: 2 },
])('stop ends a tree that $name', async ({ spec, tree }) => {
  const shim = await lab.launch();
  await shim.client.start('s1', spec);
  await shim.printed(0, 'ready');
  await until('the whole tree to live', () => alive(shim).length >= tree);
  const before = alive(shim);
  const exit = await shim.client.stop('stop1', LADDER, 'test');
  expect(exit).toMatchObject({ cause: 'stopped', reason: 'test', survivors: 0 });
  for (const entry of before) expect(isAlive(entry)).toBe(false);
  expect(await shim.over()).toEqual(exit);
  expect(shim.journal.all(RecordType.runExited)).toHaveLength(1);
});

test('an obedient process is not killed: its own exit code is kept', async () => {
  const { client, printed, over } = await lab.launch();
  await client.start('s1', shell('trap "exit 41" TERM; echo ready; while :; do sleep 0.05; done'));
  await printed(0, 'ready');
  await client.stop('stop1', { term_ms: 5_000, kill_ms: 5_000 }, 'test');
  expect(await over()).toMatchObject({ code: 41, cause: 'stopped', killed: 0 });
});

test('closing stdin comes before any signal', async () => {
  const pipes = await lab.launch();
  await pipes.client.start('s1', program('echo.mjs'));
  await pipes.printed(0, 'ready');
  await pipes.client.stop('stop1', { close_stdin_ms: 5_000, term_ms: 5_000, kill_ms: 5_000 }, 'test');
  expect(await pipes.over()).toMatchObject({ code: 0, signal: null, cause: 'stopped' });
});

test('an impatient stop overtakes a polite one', async () => {
  const { client, printed, over } = await lab.launch();
  await client.start('s1', program('stubborn.sh'));
  await printed(0, 'ready');
  const polite = client.stop('polite', { term_ms: 60_000, kill_ms: 5_000 }, 'polite');
  const kill = client.stop('kill', { term_ms: 0, kill_ms: 5_000 }, 'kill');
  expect(await kill).toMatchObject({ cause: 'stopped', reason: 'kill', signal: 'SIGKILL' });
  expect(await polite).toEqual(await kill);
  expect(await over()).toEqual(await kill);
});

test('a process that exits by itself takes its daemons with it', async () => {
  const shim = await lab.launch();
  await shim.client.start('s1', program('daemon.sh'));
  const exit = await shim.over();
  expect(exit).toMatchObject({ code: 0, cause: 'exited', survivors: 0 });
  expect(exit.killed).toBeGreaterThanOrEqual(2);
});

test('SIGTERM to the shim ends the run in order; SIGHUP does nothing', async () => {
  const shim = await lab.launch();
  await shim.client.start('s1', program('echo.mjs'));
  await shim.printed(0, 'ready');
  process.kill(shim.identity.pid, 'SIGHUP');
  process.kill(shim.identity.pid, 'SIGINT');
  await shim.client.write(0, 'f1', 'still here\n');
  await shim.printed(0, '<still here>');
  process.kill(shim.identity.pid, 'SIGTERM');
  expect(await shim.over()).toMatchObject({ cause: 'stopped', code: 0 });
});

test(`${ORPHANS} orphans are reaped and the exit code of their maker is exact`, async () => {
  const shim = await lab.launch();
  await shim.client.start('s1', program('orphans.sh', [String(ORPHANS)]));
  let zombies = 0;
  await until(
    'the orphans to be made',
    () => {
      zombies = Math.max(zombies, descendants(shim.identity.pid).filter((entry) => entry.zombie).length);
      return shim.journal.read().text(0).includes('done');
    },
    28_000,
  );
  expect(await shim.over()).toMatchObject({ code: 3, cause: 'exited', survivors: 0 });
  expect(shim.journal.all(RecordType.reaped)).toHaveLength(ORPHANS);
  // Never a heap of them: they are buried while more are made.
  expect(zombies).toBeLessThan(ORPHANS / 2);
}, 40_000);

test('the exit codes of own children survive a crowd of orphans', async () => {
  for (const pty of [false, true]) {
    const { client, journal, over } = await lab.launch();
    await client.start(
      's1',
      shell('n=0; while [ $n -lt 300 ]; do ( : & ); n=$((n+1)); done; exit 77', { pty }),
    );
    expect(await over()).toMatchObject({ code: 77, signal: null });
    expect(journal.all(RecordType.exited)).toEqual([{ code: 77, signal: null }]);
  }
});

test('the shim holds nothing of its launcher', async () => {
  const shim = await lab.launch();
  const fds = readdirSync(`/proc/${shim.identity.pid}/fd`);
  expect(fds).toContain('0');
  const stat = readFileSync(`/proc/${shim.identity.pid}/stat`, 'utf8');
  const session = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3]);
  expect(session).toBe(shim.identity.pid);
  const title = readFileSync(`/proc/${shim.identity.pid}/cmdline`, 'utf8');
  expect(title).toMatch(/^aether-shim tester/);
  const environment = readFileSync(`/proc/${shim.identity.pid}/environ`, 'utf8').split('\0');
  expect(
    environment
      .map((entry) => entry.split('=')[0])
      .filter(Boolean)
      // The way out of this machine, for the proxy that the shim starts; a machine may name none.
      .filter((name) => !(name! in outwards(process.env)))
      .sort(),
  ).toEqual(['AETHER_RUN', 'MALLOC_ARENA_MAX', 'UV_THREADPOOL_SIZE']);
  await shim.client.stop('x', { term_ms: 0, kill_ms: 1_000 }, 'test');
  expect(await shim.over()).toMatchObject({ cause: 'stopped', code: null, signal: null });
});
