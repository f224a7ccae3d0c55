/** What the kernel says about real processes with awkward names, short lives and odd parents. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import {
  ancestry,
  bootId,
  childrenOf,
  completeLook,
  descendants,
  descendsFrom,
  environmentNow,
  isAlive,
  isEnding,
  parentOf,
  parseStat,
  startTicks,
  statOf,
} from '../../../src/host/process/proc.ts';
import { liveDescendants } from '../../../src/host/process/tree.ts';
import { until } from '../../support/shim.ts';

const children: ChildProcess[] = [];
const dirs: string[] = [];

afterEach(() => {
  for (const child of children.splice(0)) {
    for (const below of descendants(child.pid!)) process.kill(below.pid, 'SIGKILL');
    child.kill('SIGKILL');
  }
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true });
});

function sh(script: string, file = '/bin/sh'): ChildProcess & { pid: number } {
  const child = spawn(file, ['-c', script], { stdio: ['pipe', 'pipe', 'inherit'] });
  children.push(child);
  return child as ChildProcess & { pid: number };
}

const NEVER = { pid: 4_000_000, start_ticks: 1 };

test('a name with spaces, parentheses and line breaks does not shift the fields', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'aether-proc-'));
  dirs.push(dir);
  const odd = join(dir, ') R 1 (\n0');
  copyFileSync('/bin/sh', odd);
  const child = sh('sleep 60; :', odd);
  await until('the name', () => readFileSync(`/proc/${child.pid}/comm`, 'utf8').includes('R 1'));
  expect(statOf(child.pid)).toMatchObject({ pid: child.pid, parent: process.pid, zombie: false });
  expect(startTicks(child.pid)).toBeGreaterThanOrEqual(startTicks(process.pid));
  expect(parseStat('nonsense')).toBeNull();
});

test('a process whose first thread has exited is not a zombie', () => {
  const line = (threads: number) =>
    `42 (x) Z 1 42 42 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 ${threads} 0 777 0 0 0 0 0 0`;
  expect(parseStat(line(3))).toEqual({ pid: 42, parent: 1, start_ticks: 777, state: 'Z', zombie: false });
  expect(parseStat(line(1))?.zombie).toBe(true);
});

test('gone processes are an answer, not an error', () => {
  expect(statOf(NEVER.pid)).toBeNull();
  expect(startTicks(NEVER.pid)).toBe(0);
  expect(parentOf(NEVER.pid)).toBeNull();
  expect(childrenOf(NEVER.pid)).toEqual([]);
  expect(descendants(NEVER.pid)).toEqual([]);
  expect(ancestry(NEVER.pid)).toEqual([]);
  expect(isAlive(NEVER)).toBe(false);
});

test('a reused pid is somebody else', () => {
  const mine = { pid: process.pid, start_ticks: startTicks(process.pid) };
  expect(isAlive(mine)).toBe(true);
  expect(isAlive({ ...mine, start_ticks: mine.start_ticks + 1 })).toBe(false);
  expect(descendsFrom(process.pid, mine)).toBe(true);
  expect(descendsFrom(process.pid, { ...mine, start_ticks: mine.start_ticks - 1 })).toBe(false);
});

test('a zombie is dead', async () => {
  // The shell starts a child and becomes a program that never reaps it.
  const child = sh('sleep 0.05 & exec sleep 60');
  const zombie = await until('a zombie', () => descendants(child.pid).find((entry) => entry.zombie));
  expect(isAlive(zombie)).toBe(false);
  expect(liveDescendants(child.pid)).toEqual([]);
  expect(childrenOf(child.pid)).toEqual([zombie.pid]);
});

test('ancestors and descendants over several generations', async () => {
  const child = sh('/bin/sh -c "/bin/sh -c \\"sleep 60; :\\"; :"; :');
  const identity = { pid: child.pid, start_ticks: startTicks(child.pid) };
  await until('four generations', () => descendants(child.pid).length === 3);
  for (const entry of descendants(child.pid)) {
    expect(descendsFrom(entry.pid, identity)).toBe(true);
    expect(ancestry(entry.pid).map((one) => one.pid)).toContain(process.pid);
  }
});

test('looking while processes come and go never throws', async () => {
  const child = sh('n=0; while [ $n -lt 1500 ]; do ( : & ); n=$((n+1)); done');
  const ended = once(child, 'exit');
  let over = false;
  void ended.then(() => {
    over = true;
  });
  while (!over) {
    for (const entry of descendants(process.pid)) ancestry(entry.pid);
    childrenOf(child.pid);
    await new Promise((resolve) => setImmediate(resolve));
  }
});

test('the boot has a name', () => {
  expect(bootId()).toMatch(/^[0-9a-f-]{36}$/);
});

test('a process that is dead and not reaped yet, or gone, is ending; one that runs is not', async () => {
  const parent = spawn('/bin/sh', ['-c', 'sh -c "exit 0" & echo $!; exec sleep 600'], { stdio: 'pipe' });
  children.push(parent);
  const [said] = (await once(parent.stdout!, 'data')) as [Buffer];
  const dead = Number(said.toString());
  await until('it to be dead', () => statOf(dead)?.zombie !== false);
  expect(isEnding(dead)).toBe(true);
  expect(isEnding(parent.pid!)).toBe(false);
  const exited = once(parent, 'exit');
  parent.kill('SIGKILL');
  await exited;
  expect(isEnding(parent.pid!)).toBe(true);
});

test('a look that is complete finds who is born while it goes on', async () => {
  const born: number[] = [];
  let looked = 0;
  const look = completeLook(() => {
    looked += 1;
    // As soon as the list has been read: what is begun now is not in it.
    if (looked === 1) {
      const child = spawn('/bin/sleep', ['600']);
      children.push(child);
      born.push(child.pid!);
    }
  });
  expect(look.complete).toBe(true);
  expect(look.all.map(({ pid }) => pid)).toContain(born[0]);
  await until('its environment to be there', () => environmentNow(born[0]!) !== 'unsettled');
  expect(environmentNow(process.pid)).toContain(`PATH=${process.env.PATH}`);
});
