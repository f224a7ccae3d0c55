/** Processes beside each other: one has the floor, all of them belong to the run. */
import { afterEach, expect, test } from 'vitest';
import { type GroupKind, ownGroup } from '../../../src/host/process/cgroup.ts';
import { isAlive, statOf } from '../../../src/host/process/proc.ts';
import { type ProcessStatus, RecordType, type RunExit } from '../../../src/host/shim/shim-protocol.ts';
import { program, ShimLab, SPIN, shell, until } from '../../support/shim.ts';

const lab = new ShimLab();
afterEach(() => lab.clean());

const STOP = { close_stdin_ms: 2_000, term_ms: 500, kill_ms: 5_000 };
const engine = program('echo.mjs');
const terminal = program('echo.mjs', [], { pty: true, role: 'terminal' });

test('the engine keeps the floor; the terminal beside it is typed into, resized and removed', async () => {
  const { client, journal, printed, over } = await lab.launch();
  await client.start('s1', engine);
  await printed(0, 'ready');
  const added = await client.beside('a1', terminal);
  expect(added).toMatchObject({ index: 1, role: 'terminal', io: 'pty', beside: true, running: true });
  expect(await client.beside('a1', terminal)).toMatchObject({ index: 1 });
  await printed(1, 'ready');
  expect(await client.currentStatus()).toMatchObject({ current: 0 });

  await client.write(0, 'f1', 'to the engine\n');
  await client.write(1, 'f1', 'typed\r');
  await printed(0, '<to the engine>');
  await printed(1, '<typed>');
  await client.resize(1, 100, 30);
  await expect(client.end('r0', 0, STOP)).rejects.toMatchObject({ code: 'shim.no-process' });

  await client.end('r1', 1, { term_ms: 2_000, kill_ms: 5_000 });
  expect(isAlive(added)).toBe(false);
  await client.write(0, 'f2', 'still here\n');
  await printed(0, '<still here>');
  await expect(client.write(1, 'f2', 'late\r')).rejects.toMatchObject({ code: 'shim.no-process' });
  await client.write(0, 'f3', 'exit 4\n');
  expect(await over()).toMatchObject({ code: 4, cause: 'exited' });
  expect(journal.all<ProcessStatus>(RecordType.spawned).map(({ beside }) => beside ?? false)).toEqual([
    false,
    true,
  ]);
});

test('one that ends by itself ends nothing else, and leaves nothing of its own', async () => {
  const { client, journal, printed } = await lab.launch();
  await client.start('s1', engine);
  await printed(0, 'ready');
  await client.beside('a1', shell('sleep 1000 & echo left $!; exit 3', { pty: true }));
  const left = await until('the child is told of', () => /left (\d+)/.exec(journal.read().text(1))?.at(1));
  await until('its exit', () => journal.read().all(RecordType.exited).length === 1);
  expect(journal.all(RecordType.exited)).toEqual([{ code: 3, signal: null }]);
  expect(statOf(Number(left))?.zombie ?? true).toBe(true);
  await client.write(0, 'f1', 'alone again\n');
  await printed(0, '<alone again>');
  expect(journal.read().runExit).toBeUndefined();
});

test('the end of the engine is the end of the run, whatever stands beside it', async () => {
  const { client, printed, over } = await lab.launch();
  await client.start('s1', engine);
  const added = await client.beside(
    'a1',
    shell('trap "" TERM HUP; while :; do sleep 1; done', { pty: true }),
  );
  await printed(0, 'ready');
  await client.write(0, 'f1', 'exit 5\n');
  expect(await over(20_000)).toMatchObject({ code: 5, cause: 'exited', survivors: 0 });
  expect(isAlive(added)).toBe(false);
});

const kinds = (['cgroup2', 'freezer'] satisfies GroupKind[]).filter((kind) => ownGroup(kind) !== null);
test.each([undefined, ...kinds])('a pause freezes both, a stop ends both: %s', async (kind) => {
  const containment =
    kind === undefined ? {} : { containment: { scope: `beside${process.pid}`, kinds: [kind] } };
  const { client, printed, over } = await lab.launch(containment);
  const busy = `echo ready; exec ${SPIN}`;
  const first = await client.start('s1', shell(busy));
  const second = await client.beside('a1', shell(busy, { pty: true }));
  await printed(0, 'ready');
  await printed(1, 'ready');
  const still = await client.pause('p1', 'tester');
  expect(still).toMatchObject({ processes: 2, ticks: 0 });
  await expect(client.beside('a2', terminal)).rejects.toMatchObject({ code: 'shim.paused' });
  await expect(client.end('r1', 1, STOP)).rejects.toMatchObject({ code: 'shim.paused' });
  await client.thaw('t1', 'tester');
  const exit: RunExit = await client.stop('x1', STOP, 'test');
  expect(exit).toMatchObject({ cause: 'stopped', survivors: 0 });
  expect([first, second].map((status) => isAlive(status))).toEqual([false, false]);
  await over();
});

test('a swap ends only the process that had the floor', async () => {
  const { client, journal, printed } = await lab.launch();
  await client.start('s1', engine);
  const added = await client.beside('a1', terminal);
  await printed(1, 'ready');
  await client.swap({ opId: 'w1', from: 0, stop: STOP, to: engine, fallback: engine, settle_ms: 100 });
  await printed(2, 'ready');
  await until('the swap', () => journal.read().all(RecordType.swap).length === 2);
  expect(await client.currentStatus()).toMatchObject({ current: 2 });
  expect(isAlive(added)).toBe(true);
  await client.write(1, 'f1', 'still typed\r');
  await printed(1, '<still typed>');
  await client.stop('x1', STOP, 'test');
});
