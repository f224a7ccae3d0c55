/** What is left of a dead run is ended; what only looks like it is not touched. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { Group, groupDirectory, groupPlace, ownGroup } from '../../../src/host/process/cgroup.ts';
import { killRemains } from '../../../src/host/process/left-processes.ts';
import { descendants, isAlive, startTicks, statOf } from '../../../src/host/process/proc.ts';
import { signalProcess } from '../../../src/host/process/signal.ts';
import { PROGRAMS, until } from '../../support/shim.ts';

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) {
    for (const below of descendants(child.pid!)) signalProcess(below, 'SIGKILL');
    child.kill('SIGKILL');
  }
});

const RUN = `r_remains${process.pid}`;
const NOTHING = { run: RUN, shim: null, known: [], groups: [] };

async function begin(argv: string[], env: Record<string, string> = {}) {
  const child = spawn(argv[0]!, argv.slice(1), {
    env: { PATH: process.env.PATH!, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  children.push(child);
  await until('it to run', () => startTicks(child.pid!) > 0);
  return { child, pid: child.pid!, start_ticks: startTicks(child.pid!) };
}

test('the marked, what descends from them, and the noted are ended; nobody else is', async () => {
  const marked = await begin(['/bin/sh', '-c', 'env -i /bin/sleep 600 & /bin/sleep 600'], {
    AETHER_RUN: RUN,
  });
  const noted = await begin(['/bin/sleep', '600']);
  const other = await begin(['/bin/sleep', '600'], { AETHER_RUN: `${RUN}x` });
  const mentions = await begin(['/bin/sleep', '600'], { SAYS: `AETHER_RUN=${RUN}` });
  await until('its children', () => descendants(marked.pid).length === 2);
  const below = descendants(marked.pid);
  const end = await killRemains({ ...NOTHING, known: [noted] }, 5_000);
  expect(end).toEqual({ killed: 4, survivors: 0, exact: false, escaped: false });
  for (const entry of [marked, noted, ...below]) expect(isAlive(entry)).toBe(false);
  for (const entry of [other, mentions]) expect(isAlive(entry)).toBe(true);
});

test('a pid that was given to somebody else is not believed', async () => {
  const { pid, start_ticks } = await begin(['/bin/sleep', '600']);
  const earlier = { pid, start_ticks: start_ticks - 1 };
  expect(signalProcess(earlier, 'SIGKILL')).toBe(false);
  const end = await killRemains({ ...NOTHING, shim: earlier, known: [earlier] }, 5_000);
  expect(end).toMatchObject({ killed: 0, survivors: 0 });
  expect(isAlive({ pid, start_ticks })).toBe(true);
  expect(signalProcess({ pid, start_ticks }, 'SIGKILL')).toBe(true);
  await until('it to be gone', () => statOf(pid) === null);
  expect(signalProcess({ pid, start_ticks }, 'SIGKILL')).toBe(false);
});

test('who runs away by forking is caught', async () => {
  await begin([join(PROGRAMS, 'forker.sh')], { AETHER_RUN: RUN });
  await begin([join(PROGRAMS, 'breeder.sh')], { AETHER_RUN: RUN });
  const end = await killRemains(NOTHING, 10_000);
  expect(end.survivors).toBe(0);
  expect(await killRemains(NOTHING, 5_000)).toMatchObject({ killed: 0 });
});

test('a host inside its own dead run ends neither itself nor who it descends from', async () => {
  const program = `
    import { killRemains } from ${JSON.stringify(resolve('src/host/process/left-processes.ts'))};
    console.log(JSON.stringify(await killRemains({ run: ${JSON.stringify(RUN)}, shim: null, known: [], groups: [] }, 5000)));
  `;
  const shell = `${process.execPath} --input-type=module -e '${program}'; echo still here`;
  const { child } = await begin(['/bin/sh', '-c', shell], { AETHER_RUN: RUN });
  const sibling = await begin(['/bin/sleep', '600'], { AETHER_RUN: RUN });
  let said = '';
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  await until('it to have done', () => said.includes('still here'));
  expect(said).toContain('"survivors":0');
  expect(isAlive(sibling)).toBe(false);
});

test.runIf(ownGroup('cgroup2') !== null || ownGroup('freezer') !== null)(
  'a group is ended exactly, also where it stands frozen, and removed',
  async () => {
    for (const kind of ['cgroup2', 'freezer'] as const) {
      const own = ownGroup(kind);
      if (own === null) continue;
      const group = new Group(groupPlace(kind, own, `aether-test-${process.pid}`, RUN));
      group.make();
      const inside = await begin(['/bin/sh', '-c', 'while :; do :; done']);
      group.admit(inside.pid);
      group.freeze();
      await until('it to be frozen', () => group.frozen());
      const end = await killRemains({ ...NOTHING, groups: [group.place] }, 5_000);
      expect(end).toEqual({ killed: 1, survivors: 0, exact: true, escaped: false });
      expect(isAlive(inside)).toBe(false);
      await until('the group to go', () => !group.exists || group.remove());
    }
  },
);

test.runIf(ownGroup('cgroup2') !== null || ownGroup('freezer') !== null)(
  'who has left the group is ended too, and then it is not called exact',
  async () => {
    for (const kind of ['cgroup2', 'freezer'] as const) {
      const own = ownGroup(kind);
      if (own === null) continue;
      const group = new Group(groupPlace(kind, own, `aether-test-${process.pid}`, RUN));
      group.make();
      // Without a marker: only whose child it is tells that it belongs here.
      const inside = await begin(['/bin/sh', '-c', 'sleep 600 & while :; do sleep 1; done']);
      await until('its child', () => descendants(inside.pid).length >= 1);
      const left = descendants(inside.pid)[0]!;
      group.admit(inside.pid);
      group.freeze();
      const end = await killRemains({ ...NOTHING, groups: [group.place] }, 5_000);
      expect(end).toMatchObject({ survivors: 0, exact: false, escaped: true });
      for (const entry of [inside, left]) expect(isAlive(entry)).toBe(false);

      // Or that it was noted, when it has no parent any more either.
      group.make();
      const second = await begin(['/bin/sleep', '600']);
      const orphan = await begin(['/bin/sleep', '600']);
      group.admit(second.pid);
      const next = await killRemains({ ...NOTHING, known: [orphan], groups: [group.place] }, 5_000);
      expect(next).toEqual({ killed: 2, survivors: 0, exact: false, escaped: true });
      await until('the group to go', () => !group.exists || group.remove());
    }
  },
);

test('the own group is found whatever part of the hierarchy can be seen', () => {
  const v2 = (root: string, point: string) =>
    `30 23 0:26 ${root} ${point} rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n`;
  const v1 = '38 31 0:35 / /sys/fs/cgroup/freezer rw - cgroup cgroup rw,freezer\n';
  const service = '0::/system.slice/a b.service\n';
  expect(groupDirectory('cgroup2', v2('/', '/sys/fs/cgroup'), service)).toBe(
    '/sys/fs/cgroup/system.slice/a b.service',
  );
  // A container with a namespace of its own, and one without.
  expect(groupDirectory('cgroup2', v2('/', '/sys/fs/cgroup'), '0::/\n')).toBe('/sys/fs/cgroup/');
  expect(groupDirectory('cgroup2', v2('/docker/abc', '/sys/fs/cgroup'), '0::/docker/abc\n')).toBe(
    '/sys/fs/cgroup',
  );
  expect(groupDirectory('cgroup2', v2('/docker/abc', '/sys/fs/cgroup'), '0::/docker/abcd\n')).toBeNull();
  expect(groupDirectory('cgroup2', v2('/', '/sys/fs/cgroup'), '0::/../other\n')).toBeNull();
  expect(groupDirectory('cgroup2', v2('/', '/mnt/with\\040space'), '0::/x\n')).toBe('/mnt/with space/x');
  const hybrid = `${v1}${v2('/', '/sys/fs/cgroup/unified')}`;
  const groups = '6:freezer:/jobs/1\n1:name=systemd:/\n0::/\n';
  expect(groupDirectory('freezer', hybrid, groups)).toBe('/sys/fs/cgroup/freezer/jobs/1');
  expect(groupDirectory('cgroup2', hybrid, groups)).toBe('/sys/fs/cgroup/unified/');
  expect(groupDirectory('freezer', v2('/', '/sys/fs/cgroup'), service)).toBeNull();
  expect(groupDirectory('cgroup2', '', '')).toBeNull();
});
