/**
 * Whole trees, with and without control groups: a pause in which nothing runs, a stop that leaves nothing, for
 * programs that do all they can against it. `npm run trees` counts the same over many more of them.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { ownGroup } from '../../../src/host/process/cgroup.ts';
import type { Means } from '../../../src/host/process/containment.ts';
import { cpuTicksOf, isAlive } from '../../../src/host/process/proc.ts';
import { type PauseRecord, RecordType } from '../../../src/host/shim/shim-protocol.ts';
import { LONG } from '../../support/run-tree.ts';
import { program, ShimLab, shell, type TestShim, until } from '../../support/shim.ts';
import { RESISTANT } from '../../trees/cast.ts';
import { marked, type Tree } from '../../trees/outside.ts';

const SCOPE = `aether-test-${process.pid}`;
const lab = new ShimLab();
afterEach(() => lab.clean());

/** Every means this machine has; descent works everywhere. */
const MEANS = (['cgroup2', 'freezer', 'descent'] as Means[]).filter(
  (means) => means === 'descent' || ownGroup(means) !== null,
);

const STRACE = spawnSync('strace', ['-f', 'true'], { stdio: 'ignore' }).status === 0;
if (!STRACE) console.warn('LEFT OUT: strace is not here (Debian: apt-get install strace).');

function launch(means: Means): Promise<TestShim> {
  return lab.launch({ containment: { scope: SCOPE, kinds: means === 'descent' ? [] : [means] } });
}

/** Of pause and resume, in a program that forks without end: `npm run trees` does more. */
const ROUNDS = LONG ? 30 : 4;

/** Those that a control group holds worst: it freezes and kills the same way, whatever is in it. */
const HARD = ['leaves its control group', 'stands under ptrace', 'breeds without end'];
/** Those that are found worst from process to process. */
const HIDDEN = [
  'breeds without end',
  'stands under ptrace',
  'runs away without a trace',
  'lives in a pid namespace',
];
const of = (names: string[]) => (LONG ? RESISTANT : RESISTANT.filter(({ name }) => names.includes(name)));
/** Each is paused and stopped where only descent holds it. */
const STOPPED = (means: Means) => (means === 'descent' ? RESISTANT : of(HARD));
const KILLED_STILL = (means: Means) => of(means === 'descent' ? HIDDEN : HARD);

const LADDER = { close_stdin_ms: 100, term_ms: 200, kill_ms: 5_000 };

/** And how it looks to somebody who knows nothing of groups, descent and markers. */
interface Grown {
  shim: TestShim;
  tree: Tree;
}

async function begin(means: Means, spec = program('spin.sh'), least = 3): Promise<Grown> {
  const shim = await launch(means);
  const tree = marked(spec);
  await shim.client.start('s1', tree.spec);
  expect((await shim.client.currentStatus()).containment?.means).toBe(means);
  await shim.printed(0, 'ready');
  await until('the whole tree to live', () => tree.alive().length >= least);
  return { shim, tree };
}

test.skipIf(!MEANS.includes('cgroup2'))(
  'a group that is taken for proven and takes nobody in: the run is held by descent, and says so',
  async () => {
    const containment = { scope: `${SCOPE}-full`, kinds: ['cgroup2' as const], proven: 'cgroup2' as const };
    const shim = await lab.launch({ containment });
    const { means, path } = shim.client.status.containment!;
    expect(means).toBe('cgroup2');
    rmdirSync(path!);
    writeFileSync(join(dirname(path!), 'cgroup.max.descendants'), '0');
    await shim.client.start('s1', program('spin.sh'));
    await shim.printed(0, 'ready');
    expect((await shim.client.currentStatus()).containment).toEqual({ means: 'descent', path: null });
    await shim.client.stop('end', LADDER, 'the test is over');
    expect(await shim.over()).toMatchObject({ survivors: 0 });
  },
);

/** Nothing of it runs, ends or begins. @returns who stands there */
async function standsStill(tree: Tree) {
  const before = tree.alive();
  const used = tree.ticks();
  await sleep(500);
  expect(tree.alive().map(({ pid }) => pid)).toEqual(before.map(({ pid }) => pid));
  expect(tree.ticks() - used).toBe(0);
  return before;
}

describe.each(MEANS)('held by %s', (means) => {
  test.each(STOPPED(means))(
    'a tree that $name stands still in a pause, and a stop ends it',
    async ({ spec, least }) => {
      const { shim, tree } = await begin(means, spec(), least);
      await shim.client.pause('p1', 'operator');
      await standsStill(tree);
      await shim.client.thaw('t1', 'operator');
      const seen = tree.alive();
      const exit = await shim.client.stop('stop1', LADDER, 'test');
      expect(exit).toMatchObject({ cause: 'stopped', survivors: 0 });
      // Not two seconds later: at once.
      expect(tree.alive()).toEqual([]);
      expect(seen.filter((entry) => isAlive(entry))).toEqual([]);
      await shim.over();
      const { path } = shim.client.status.containment!;
      if (path !== null) await until('the group to be removed', () => !existsSync(path));
    },
  );

  test('nothing of a spinning tree runs while it is paused, and all of it afterwards', async () => {
    const { shim, tree } = await begin(means);
    const still = await shim.client.pause('p1', 'operator');
    expect(still).toMatchObject({ means, by: 'operator', ticks: 0, processes: tree.alive().length });
    const before = tree.ticks();
    await sleep(2_000);
    expect(tree.ticks() - before).toBe(0);
    expect((await shim.client.currentStatus()).paused).toEqual(still);
    await shim.client.thaw('t1', 'operator');
    for (const entry of tree.alive()) {
      const from = cpuTicksOf(entry.pid) ?? 0;
      // A shell that begins one of them ends as soon as it goes on.
      await until('it to go on', () => !isAlive(entry) || (cpuTicksOf(entry.pid) ?? 0) > from + 2);
    }
    expect(tree.alive().length).toBeGreaterThanOrEqual(3);
    shim.journal.read();
    expect(shim.journal.all<PauseRecord>(RecordType.paused)).toEqual([still]);
    expect(shim.journal.all(RecordType.thawed)).toEqual([{ opId: 't1', by: 'operator', reason: 'resume' }]);
  });

  test.each(KILLED_STILL(means))(
    'a paused tree that $name is killed where it stands',
    async ({ spec, least }) => {
      const { shim, tree } = await begin(means, spec(), least);
      await shim.client.pause('p1', 'operator');
      const before = await standsStill(tree);
      const exit = await shim.client.stop('k1', { term_ms: 0, kill_ms: 5_000 }, 'kill');
      expect(exit).toMatchObject({ cause: 'stopped', survivors: 0 });
      expect(tree.alive()).toEqual([]);
      for (const entry of before) expect(isAlive(entry)).toBe(false);
      expect(shim.journal.read().all(RecordType.thawed)).toEqual([]);
    },
  );

  test('a program is paused wherever it is: also between vfork and exec', async () => {
    const { shim, tree } = await begin(means, shell('echo ready; while :; do /bin/true; done'), 1);
    for (let round = 0; round < ROUNDS; round += 1) {
      const still = await shim.client.pause(`p${round}`, 'operator');
      expect(still).toMatchObject({ means, ticks: 0 });
      const before = tree.ticks();
      expect(tree.ticks() - before).toBe(0);
      await shim.client.thaw(`t${round}`, 'operator');
      await until('it to go on', () => tree.ticks() !== before || tree.alive().length !== still.processes);
    }
  }, 120_000);

  test.runIf(STRACE)(
    'a program is paused under a tracer at work, and goes on under it',
    async () => {
      const loop = 'echo ready; while :; do n=0; while [ $n -lt 500 ]; do n=$((n+1)); done; /bin/true; done';
      const spec = shell('');
      const { shim, tree } = await begin(
        means,
        {
          ...spec,
          argv: ['strace', '-f', '-o', '/dev/null', 'sh', '-c', loop],
        },
        2,
      );
      for (let round = 0; round < ROUNDS / 2; round += 1) {
        await shim.client.pause(`p${round}`, 'operator');
        const before = tree.ticks();
        await sleep(100);
        expect(tree.ticks() - before).toBe(0);
        await shim.client.thaw(`t${round}`, 'operator');
        await until('it to go on', () => tree.ticks() > before + 2);
      }
    },
    120_000,
  );

  test('a paused tree that is stopped politely ends by its own hand', async () => {
    const { shim } = await begin(
      means,
      shell('trap "exit 41" TERM; echo ready; while :; do sleep 0.05; done'),
      1,
    );
    await shim.client.pause('p1', 'operator');
    const exit = await shim.client.stop('stop1', { term_ms: 5_000, kill_ms: 5_000 }, 'test');
    expect(exit).toMatchObject({ cause: 'stopped', code: 41 });
    expect(shim.journal.read().all(RecordType.thawed)).toMatchObject([{ reason: 'stop' }]);
  });
});

test('pausing is asked for once, and never of what is ending', async () => {
  const { shim } = await begin(MEANS[0]!);
  const [first, again] = await Promise.all([
    shim.client.pause('p1', 'operator'),
    shim.client.pause('p1', 'operator'),
  ]);
  expect(again).toEqual(first);
  await expect(shim.client.pause('p2', 'operator')).rejects.toMatchObject({ code: 'shim.paused' });
  await expect(
    shim.client.swap({
      opId: 'w1',
      from: 0,
      stop: LADDER,
      to: program('echo.mjs'),
      fallback: program('echo.mjs'),
      settle_ms: 100,
    }),
  ).rejects.toMatchObject({ code: 'shim.paused' });
  await shim.client.thaw('t1', 'operator');
  await expect(shim.client.thaw('t2', 'operator')).rejects.toMatchObject({ code: 'shim.not-paused' });
  const stopping = shim.client.stop('stop1', LADDER, 'test');
  await expect(shim.client.pause('p3', 'operator')).rejects.toMatchObject({ code: 'shim.stopping' });
  await stopping;
});

test('whoever had stopped himself before is not woken by the resume', async () => {
  const { shim, tree } = await begin(
    'descent',
    shell('sh -c "kill -STOP \\$\\$; echo woken" & echo ready; while :; do sleep 0.05; done'),
    3,
  );
  await until('somebody stopped', () => tree.alive().some(({ state }) => state === 'T'));
  const stopped = tree.alive().find(({ state }) => state === 'T')!;
  await shim.client.pause('p1', 'operator');
  await shim.client.thaw('t1', 'operator');
  await until('the rest to go on', () => tree.alive().filter(({ state }) => state === 'T').length === 1);
  expect(tree.alive().find(({ state }) => state === 'T')?.pid).toBe(stopped.pid);
});

test('the scope of all groups goes with its last group', async () => {
  if (MEANS[0] === 'descent') return;
  const { shim } = await begin(MEANS[0]!);
  const { path } = shim.client.status.containment!;
  expect(path).toContain(SCOPE);
  await shim.client.stop('stop1', LADDER, 'test');
  await shim.over();
  await until('the scope to be removed', () => !existsSync(dirname(path!)));
});
