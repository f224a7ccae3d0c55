/**
 * Whole trees, with and without control groups: a pause in which nothing runs, a stop that leaves nothing, for
 * programs that do all they can against it. AETHER_LONG=1 makes it many trees and long pauses.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { ownGroup } from '../../../src/host/process/cgroup.ts';
import type { Means } from '../../../src/host/process/containment.ts';
import {
  cpuTicksOf,
  environmentOf,
  everyProcess,
  isAlive,
  type ProcStat,
} from '../../../src/host/process/proc.ts';
import { liveDescendants } from '../../../src/host/process/tree.ts';
import { type PauseRecord, RecordType } from '../../../src/host/shim/wire.ts';
import { program, ShimLab, shell, type TestShim, until } from '../../support/shim.ts';

const LONG = process.env.AETHER_LONG === '1';
const SCOPE = `aether-test-${process.pid}`;
const lab = new ShimLab();
afterEach(() => lab.clean());

/** Every means this machine has; descent works everywhere. */
const MEANS = (['cgroup2', 'freezer', 'descent'] as Means[]).filter(
  (means) => means === 'descent' || ownGroup(means) !== null,
);

function launch(means: Means): Promise<TestShim> {
  return lab.launch({ containment: { scope: SCOPE, kinds: means === 'descent' ? [] : [means] } });
}

/** Looked at from outside: below the shim, in its group, or carrying its marker. */
function tree(shim: TestShim) {
  const group = shim.client.status.containment?.path;
  const inside = new Set(
    group && existsSync(group) ? readFileSync(`${group}/cgroup.procs`, 'utf8').split('\n').map(Number) : [],
  );
  const below = new Set(liveDescendants(shim.identity.pid).map(({ pid }) => pid));
  const marker = `AETHER_RUN=${shim.start.run}`;
  return everyProcess().filter(
    ({ pid, zombie }) =>
      !zombie &&
      pid !== shim.identity.pid &&
      (below.has(pid) || inside.has(pid) || environmentOf(pid)?.includes(marker)),
  );
}

function ticks(shim: TestShim): number {
  return tree(shim).reduce((sum, { pid }) => sum + (cpuTicksOf(pid) ?? 0), 0);
}

const LADDER = { close_stdin_ms: 100, term_ms: 200, kill_ms: 5_000 };
const RESISTANT = [
  { name: 'ignores politeness', spec: () => program('stubborn.sh'), least: 3 },
  { name: 'sits on a terminal', spec: () => program('stubborn.sh', [], { pty: true }), least: 3 },
  { name: 'daemonises and clears its environment', spec: () => program('daemon.sh', ['stay']), least: 4 },
  { name: 'runs away from the killer', spec: () => program('forker.sh'), least: 2 },
  { name: 'breeds without end', spec: () => program('breeder.sh'), least: 5 },
];

async function begin(means: Means, spec = program('spin.sh'), least = 3): Promise<TestShim> {
  const shim = await launch(means);
  await shim.client.start('s1', spec);
  expect((await shim.client.currentStatus()).containment?.means).toBe(means);
  await shim.printed(0, 'ready');
  await until('the whole tree to live', () => tree(shim).length >= least);
  return shim;
}

describe.each(MEANS)('held by %s', (means) => {
  test.each(RESISTANT)(
    'stop ends a tree that $name',
    async ({ spec, least }) => {
      const seen: ProcStat[] = [];
      const runs: string[] = [];
      const took_ms: number[] = [];
      for (let round = 0; round < (LONG ? 14 : 2); round += 1) {
        const shim = await begin(means, spec(), least);
        seen.push(...tree(shim));
        runs.push(shim.start.run);
        const began = performance.now();
        const exit = await shim.client.stop('stop1', LADDER, 'test');
        took_ms.push(performance.now() - began);
        expect(exit).toMatchObject({ cause: 'stopped', survivors: 0 });
        // Not two seconds later: at once.
        expect(tree(shim)).toEqual([]);
        await shim.over();
        const { path } = shim.client.status.containment!;
        if (path !== null) await until('the group to be removed', () => !existsSync(path));
        lab.clean();
      }
      if (!LONG) return;
      await sleep(2_000);
      const markers = runs.map((run) => `AETHER_RUN=${run}`);
      const marked = (pid: number) => environmentOf(pid)?.some((entry) => markers.includes(entry));
      expect(seen.filter((entry) => isAlive(entry))).toEqual([]);
      expect(everyProcess().filter(({ pid }) => marked(pid))).toEqual([]);
      const longest = Math.round(Math.max(...took_ms));
      console.log(
        `${means}: ${runs.length} trees, ${seen.length} processes seen, longest stop ${longest} ms`,
      );
    },
    600_000,
  );

  test('nothing of a spinning tree runs while it is paused, and all of it afterwards', async () => {
    const shim = await begin(means);
    const still = await shim.client.pause('p1', 'operator');
    expect(still).toMatchObject({ means, by: 'operator', ticks: 0, processes: tree(shim).length });
    const before = ticks(shim);
    await sleep(LONG ? 10_000 : 2_000);
    expect(ticks(shim) - before).toBe(0);
    expect((await shim.client.currentStatus()).paused).toEqual(still);
    await shim.client.thaw('t1', 'operator');
    for (const { pid } of tree(shim)) {
      const from = cpuTicksOf(pid)!;
      await until('it to go on', () => (cpuTicksOf(pid) ?? from) > from + 2);
    }
    shim.journal.read();
    expect(shim.journal.all<PauseRecord>(RecordType.paused)).toEqual([still]);
    expect(shim.journal.all(RecordType.thawed)).toEqual([{ opId: 't1', by: 'operator', reason: 'resume' }]);
  });

  test.each(RESISTANT)('nobody runs in a paused tree that $name', async ({ spec, least }) => {
    const shim = await begin(means, spec(), least);
    await shim.client.pause('p1', 'operator');
    const before = tree(shim);
    const used = ticks(shim);
    await sleep(500);
    expect(tree(shim).map(({ pid }) => pid)).toEqual(before.map(({ pid }) => pid));
    expect(ticks(shim) - used).toBe(0);
    const exit = await shim.client.stop('k1', { term_ms: 0, kill_ms: 5_000 }, 'kill');
    expect(exit).toMatchObject({ cause: 'stopped', survivors: 0 });
    for (const entry of before) expect(isAlive(entry)).toBe(false);
    // Killed where it stood.
    expect(shim.journal.read().all(RecordType.thawed)).toEqual([]);
  });

  test('a program is paused wherever it is: also between vfork and exec', async () => {
    const shim = await begin(means, shell('echo ready; while :; do /bin/true; done'), 1);
    for (let round = 0; round < (LONG ? 300 : 30); round += 1) {
      const still = await shim.client.pause(`p${round}`, 'operator');
      expect(still).toMatchObject({ means, ticks: 0 });
      const before = ticks(shim);
      expect(ticks(shim) - before).toBe(0);
      await shim.client.thaw(`t${round}`, 'operator');
      await until('it to go on', () => ticks(shim) !== before || tree(shim).length !== still.processes);
    }
  }, 120_000);

  test('a paused tree that is stopped politely ends by its own hand', async () => {
    const shim = await begin(
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
  const shim = await begin(MEANS[0]!);
  const [first, again] = await Promise.all([
    shim.client.pause('p1', 'operator'),
    shim.client.pause('p1', 'operator'),
  ]);
  expect(again).toEqual(first);
  await expect(shim.client.pause('p2', 'operator')).rejects.toMatchObject({ code: 'shim-paused' });
  await expect(
    shim.client.swap({
      opId: 'w1',
      from: 0,
      stop: LADDER,
      to: program('echo.mjs'),
      fallback: program('echo.mjs'),
      settle_ms: 100,
    }),
  ).rejects.toMatchObject({ code: 'shim-paused' });
  await shim.client.thaw('t1', 'operator');
  await expect(shim.client.thaw('t2', 'operator')).rejects.toMatchObject({ code: 'shim-not-paused' });
  const stopping = shim.client.stop('stop1', LADDER, 'test');
  await expect(shim.client.pause('p3', 'operator')).rejects.toMatchObject({ code: 'shim-stopping' });
  await stopping;
});

test('whoever had stopped himself before is not woken by the resume', async () => {
  const shim = await begin(
    'descent',
    shell('sh -c "kill -STOP \\$\\$; echo woken" & echo ready; while :; do sleep 0.05; done'),
    3,
  );
  await until('somebody stopped', () => tree(shim).some(({ state }) => state === 'T'));
  const stopped = tree(shim).find(({ state }) => state === 'T')!;
  await shim.client.pause('p1', 'operator');
  await shim.client.thaw('t1', 'operator');
  await until('the rest to go on', () => tree(shim).filter(({ state }) => state === 'T').length === 1);
  expect(tree(shim).find(({ state }) => state === 'T')?.pid).toBe(stopped.pid);
});

test('the scope of all groups goes with its last group', async () => {
  if (MEANS[0] === 'descent') return;
  const shim = await begin(MEANS[0]!);
  const { path } = shim.client.status.containment!;
  expect(path).toContain(SCOPE);
  await shim.client.stop('stop1', LADDER, 'test');
  await shim.over();
  await until('the scope to be removed', () => !existsSync(dirname(path!)));
});
