/** Who is an operator, asked of real processes: by group, marker, pid namespace, and by what is above them. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { admitTo, ownGroup } from '../../../src/host/process/cgroup.ts';
import { adoptersHere, type DeadShim, Outsiders } from '../../../src/host/process/outsiders.ts';
import { ancestry, bootId, childrenOf, startTicks, statOf } from '../../../src/host/process/proc.ts';
import { admitOperator, agentOf } from '../../../src/host/runs/admission.ts';
import { Runs } from '../../../src/host/runs/runs.ts';
import { RunTable } from '../../../src/host/store/runs.ts';
import { Store } from '../../../src/host/store/store.ts';
import { eventually } from '../../support/eventually.ts';

let dir: string;
let store: Store;
const started: ChildProcess[] = [];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'aether-admission-'));
  store = new Store(join(dir, 'aether.db'));
});
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
  store.close();
  rmSync(dir, { recursive: true });
});

const runs = () => new Runs(new RunTable(store));
const outsiders = new Outsiders(adoptersHere());
const peer = (pid: number) => ({ pid, uid: 0, gid: 0, start_ticks: startTicks(pid) });
const judged = (pid: number, known = runs()) => admitOperator(peer(pid), known, outsiders);

function start(argv: string[], env: Record<string, string> = {}): number {
  const child = spawn(argv[0]!, argv.slice(1), {
    env: { PATH: process.env.PATH ?? '', ...env },
    stdio: 'ignore',
  });
  started.push(child);
  return child.pid!;
}

test('a process outside is an operator; one with the marker, or gone, or unseen, is not', async () => {
  const pid = start(['sleep', '60']);
  await eventually('it runs', () => statOf(pid) !== null);
  expect(judged(pid)).toBe(true);
  expect(judged(start(['sleep', '60'], { AETHER_RUN: 'r_aaaaaaaaaaaa' }))).toBe(
    'it was started inside run r_aaaaaaaaaaaa',
  );
  expect(judged(0)).toContain('cannot see it');
  expect(admitOperator({ ...peer(pid), start_ticks: 1 }, runs(), outsiders)).toContain('has exited');
  expect(agentOf({ pid: 2 ** 22 + 1 }, runs())).toBeNull();
});

test('a process in the group of a run is not, whatever it has washed off', async () => {
  const kind = (['cgroup2', 'freezer'] as const).find((one) => ownGroup(one) !== null);
  if (kind === undefined) return; // this machine grants no groups
  const scope = join(ownGroup(kind)!, 'aether-0123456789abcdef');
  const group = join(scope, 'r_bbbbbbbbbbbb');
  mkdirSync(group, { recursive: true });
  const pid = start(['sleep', '60']);
  try {
    admitTo(group, pid);
    expect(judged(pid)).toBe('it was started inside run r_bbbbbbbbbbbb');
  } finally {
    process.kill(pid, 'SIGKILL');
    await eventually('the group is empty', () => {
      try {
        rmdirSync(group);
        return true;
      } catch {
        return false;
      }
    });
    rmdirSync(scope);
  }
});

test('a process in a pid namespace of its own is not', async () => {
  const flags = process.getuid?.() === 0 ? ['--pid', '--fork'] : ['--user', '--pid', '--fork'];
  if (spawnSync('unshare', [...flags, 'true']).status !== 0) return; // this machine grants no namespaces
  const outer = start(['unshare', ...flags, 'sleep', '60']);
  const inner = await eventually('it runs', () => childrenOf(outer)[0]);
  expect(judged(outer)).toBe(true);
  expect(judged(inner)).toContain('a pid namespace of its own');
});

test('after a run has lost its shim, an orphan that began later is not, and a child of an older process is', async () => {
  const before = start(['sh', '-c', 'sleep 60; true']);
  const child = await eventually('it runs', () => childrenOf(before)[0]);
  // A clock tick, in which the two could not be told apart.
  const shim = await eventually('a shim that is younger', () => {
    const pid = start(['sleep', '0.01']);
    const identity = { pid, start_ticks: startTicks(pid) };
    return identity.start_ticks > startTicks(before) ? identity : null;
  });
  const orphan = await eventually('an orphan that is younger', () => {
    const made = spawnSync('sh', ['-c', 'sleep 60 >/dev/null 2>&1 & echo $!'], { encoding: 'utf8' });
    const pid = Number(made.stdout);
    if (startTicks(pid) > shim.start_ticks) return pid;
    process.kill(pid, 'SIGKILL');
    return null;
  });
  try {
    const lost = runs();
    lost.retire({
      record: {
        ...{ id: 'r_cccccccccccc', agent: 'stray', shim, boot_id: bootId(), tree: { adopters: [] } },
        exit: { cause: 'lost', exact: false },
      },
    } as unknown as Parameters<Runs['retire']>[0]);
    expect(judged(child, lost)).toBe(true);
    expect(judged(orphan, lost)).toContain('run r_cccccccccccc of agent stray has lost its supervisor');
    // While nothing was lost it was seen as an operator: what is above it is known from then on, but that adopts orphans.
    expect(judged(orphan)).toBe(true);
    expect(judged(orphan, lost)).toContain('has lost its supervisor');
  } finally {
    process.kill(orphan, 'SIGKILL');
  }
});

test('a program that began after the run is known once an operator came from it while nothing was in doubt', () => {
  const chain = ancestry(process.pid);
  const [own, parent] = chain;
  const younger = (pid: number, ticks: number) => ({ ...own!, pid, start_ticks: ticks });
  const dead: DeadShim = { shim: { pid: 9, start_ticks: 100 }, adopters: [] };
  const [reaper] = [{ ...parent!, pid: 77, start_ticks: 50 }];
  const known = new Outsiders([reaper]);
  const multiplexer = younger(500, 200);
  const command = (pid: number) => [younger(pid, 300 + pid), younger(pid + 1, 250), multiplexer, reaper];
  expect(known.doubt(command(600), [dead])).toBe(dead);
  expect(known.doubt(command(600), [])).toBeNull();
  expect(known.doubt(command(700), [dead])).toBeNull();
  // Not what adopted it: that of the run's own host counts as well.
  const adopted = [younger(800, 400), reaper];
  expect(known.doubt(adopted, [])).toBeNull();
  expect(known.doubt(adopted, [dead])).toBe(dead);
  // What came into this pid namespace from outside has no parent in it.
  expect(known.doubt([{ ...younger(850, 400), parent: 0 }], [dead])).toBeNull();
  expect(known.doubt([{ ...younger(1, 400), parent: 0 }], [dead])).toBe(dead);
  const other = { ...reaper, pid: 78, start_ticks: 60 };
  expect(known.doubt([younger(900, 400), other], [{ ...dead, adopters: [other] }])).not.toBeNull();
});
