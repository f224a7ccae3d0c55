/** A run with processes beside each other, in its record and from a real journal: who speaks, and what is shown. */
import { afterEach, expect, test } from 'vitest';
import { allExited, besideOf, exited, onFloor, spawned, terminalOf } from '../../../src/host/runs/floor.ts';
import type { ProcessStatus } from '../../../src/host/shim/shim-protocol.ts';
import { newFloor } from '../../../src/host/store/run-parts.ts';
import { program, ShimLab } from '../../support/shim.ts';

const lab = new ShimLab();
afterEach(() => lab.clean());

const status = (index: number, more: Partial<ProcessStatus> = {}): ProcessStatus => ({
  index,
  role: 'engine',
  pid: 100 + index,
  start_ticks: 1,
  io: 'pipes',
  running: true,
  ...more,
});
const TERMINAL = { role: 'terminal', io: 'pty', beside: true } as const;

test('the engine keeps the floor; the terminal beside it is the one that is shown', () => {
  const floor = newFloor([]);
  spawned(floor, status(0), 10);
  expect(terminalOf(floor)).toBeNull();
  spawned(floor, status(1, TERMINAL), 20);
  spawned(floor, status(2, { role: 'desktop', beside: true }), 30);
  expect(onFloor(floor)).toMatchObject({ role: 'engine', pid: 100 });
  expect(terminalOf(floor)).toMatchObject({ index: 1, terminalFrom: 20, pid: 101 });
  expect(besideOf(floor, 'desktop')).toMatchObject({ index: 2 });

  exited(floor, 1);
  expect(terminalOf(floor)).toBeNull();
  expect(Object.keys(floor.processes)).toEqual(['0', '2']);
  // Another engine takes the floor: what stands beside stays.
  spawned(floor, status(3), 40);
  exited(floor, 0);
  expect([floor.process, Object.keys(floor.processes)]).toEqual([3, ['2', '3']]);
  allExited(floor);
  expect([onFloor(floor).pid, besideOf(floor, 'desktop')]).toEqual([null, null]);
});

test('an engine that is a terminal itself is shown, unless a terminal stands beside it', () => {
  const floor = newFloor([]);
  spawned(floor, status(0, { io: 'pty' }), 10);
  expect(terminalOf(floor)).toMatchObject({ index: 0 });
  spawned(floor, status(1, TERMINAL), 20);
  expect(terminalOf(floor)).toMatchObject({ index: 1 });
});

test('a shim says which of its processes stand beside', async () => {
  const { client } = await lab.launch();
  const floor = newFloor([]);
  spawned(floor, await client.start('s', program('echo.mjs')), 0);
  spawned(floor, await client.beside('b', program('echo.mjs', [], { pty: true, role: 'terminal' })), 0);
  expect([floor.process, terminalOf(floor)?.index]).toEqual([0, 1]);
});
