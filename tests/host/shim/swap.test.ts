/** Engine for terminal and back: success, fallback, and nobody watching. */
import { afterEach, expect, test } from 'vitest';
import { type ProcessStatus, RecordType, type SwapRecord } from '../../../src/host/shim/shim-protocol.ts';
import { program, ShimLab, shell, until } from '../../support/shim.ts';

const lab = new ShimLab();
afterEach(() => lab.clean());

const STOP = { close_stdin_ms: 2_000, term_ms: 500, kill_ms: 5_000 };
const terminal = program('echo.mjs', [], { pty: true, role: 'terminal' });
const engine = program('echo.mjs');

test('the engine gives the floor to a terminal and gets it back', async () => {
  const { client, journal, printed, over } = await lab.launch();
  await client.start('s1', engine);
  await printed(0, 'ready');
  await client.write(0, 'f1', 'before\n');
  await printed(0, '<before>');
  const swap = { opId: 'w1', from: 0, stop: STOP, to: terminal, fallback: engine, settle_ms: 200 };
  expect(await client.swap(swap)).toEqual({ accepted: true });
  expect(await client.swap(swap)).toEqual({ accepted: true });
  await expect(client.write(0, 'f2', 'lost\n')).rejects.toMatchObject({ code: /shim-(swapping|no-floor)/ });
  await printed(1, 'ready');
  await until('the swap to settle', () => journal.read().all(RecordType.swap).length === 2);
  expect(journal.all<SwapRecord>(RecordType.swap)).toEqual([
    { opId: 'w1', phase: 'begun', from: 0 },
    { opId: 'w1', phase: 'done', from: 0, to: 1 },
  ]);
  expect(await client.currentStatus()).toMatchObject({ current: 1, swapping: false });
  await client.write(1, 'f1', 'typed\r');
  await printed(1, '<typed>');

  await client.swap({
    opId: 'w2',
    from: 1,
    stop: { term_ms: 3_000, kill_ms: 5_000 },
    to: engine,
    fallback: engine,
    settle_ms: 100,
  });
  await printed(2, 'ready');
  await until('the swap back', () => journal.read().all(RecordType.swap).length === 4);
  await client.write(2, 'f1', 'exit 6\n');
  expect(await over()).toMatchObject({ code: 6, cause: 'exited' });
  const roles = journal
    .all<ProcessStatus>(RecordType.spawned)
    .map((one) => `${one.index} ${one.role} ${one.io}`);
  expect(roles).toEqual(['0 engine pipes', '1 terminal pty', '2 engine pipes']);
  expect(journal.all(RecordType.exited)).toEqual([
    { code: 0, signal: null },
    { code: null, signal: 'SIGTERM' },
    { code: 6, signal: null },
  ]);
});

test.each([
  {
    name: 'cannot be started',
    to: { ...terminal, argv: ['/no/such/terminal'] },
    why: 'does not exist',
    floor: 1,
  },
  { name: 'exits at once', to: shell('echo dying; exit 3', { pty: true }), why: 'exit code 3', floor: 2 },
  {
    name: 'has an impossible size',
    to: { ...terminal, io: { kind: 'pty' as const, cols: 0, rows: 0 } },
    why: 'not possible',
    floor: 1,
  },
])('a target that $name gives the floor to the fallback', async ({ to, why, floor }) => {
  const { client, journal, printed, over } = await lab.launch();
  await client.start('s1', engine);
  await printed(0, 'ready');
  await client.swap({ opId: 'w1', from: 0, stop: STOP, to, fallback: engine, settle_ms: 2_000 });
  await printed(floor, 'ready');
  await until('the outcome', () => journal.read().all(RecordType.swap).length === 2);
  expect(journal.all<SwapRecord>(RecordType.swap)[1]).toEqual({
    opId: 'w1',
    phase: 'rolledBack',
    from: 0,
    to: floor,
    why: expect.stringContaining(why),
  });
  await client.write(floor, 'f1', 'exit 0\n');
  expect(await over()).toMatchObject({ code: 0, cause: 'exited' });
});

test('when the fallback fails too the run ends and says both reasons', async () => {
  const { client, journal, printed, over } = await lab.launch();
  await client.start('s1', engine);
  await printed(0, 'ready');
  const broken = { ...engine, argv: ['/no/such/engine'] };
  await client.swap({
    opId: 'w1',
    from: 0,
    stop: STOP,
    to: shell('exit 3'),
    fallback: broken,
    settle_ms: 2_000,
  });
  expect(await over()).toMatchObject({
    cause: 'spawnFailed',
    reason: expect.stringMatching(/code 3.*no\/such/),
  });
  expect(journal.all<SwapRecord>(RecordType.swap).map((record) => record.phase)).toEqual(['begun', 'failed']);
});

test('a swap whose host has died is finished without it', async () => {
  const shim = await lab.launch();
  await shim.client.start('s1', shell('trap "" TERM; echo ready; while :; do sleep 0.1; done'));
  await shim.printed(0, 'ready');
  const stop = { close_stdin_ms: 100, term_ms: 300, kill_ms: 5_000 };
  await shim.client.swap({ opId: 'w1', from: 0, stop, to: terminal, fallback: engine, settle_ms: 100 });
  shim.client.close();
  await until('the swap', () => shim.journal.read().all(RecordType.swap).length === 2);
  const next = await lab.connect(shim.start.socket, 2);
  expect(next.status).toMatchObject({ current: 1, swapping: false });
  await shim.printed(1, 'ready');
  await next.write(1, 'f1', 'exit 2\r');
  expect(await shim.over()).toMatchObject({ code: 2 });
});

test('a stop in the middle of a swap wins', async () => {
  const { client, journal, printed, over } = await lab.launch();
  await client.start('s1', program('stubborn.sh'));
  await printed(0, 'ready');
  const stop = { term_ms: 60_000, kill_ms: 5_000 };
  await client.swap({ opId: 'w1', from: 0, stop, to: terminal, fallback: engine, settle_ms: 100 });
  await client.stop('x', { term_ms: 0, kill_ms: 5_000 }, 'enough');
  expect(await over()).toMatchObject({ cause: 'stopped', reason: 'enough', survivors: 0 });
  expect(journal.all<SwapRecord>(RecordType.swap).at(-1)).toMatchObject({ phase: 'failed' });
  expect(journal.all(RecordType.spawned)).toHaveLength(1);
});

test('background processes of the engine do not outlive the swap', async () => {
  const { client, journal, printed, over } = await lab.launch();
  await client.start('s1', program('daemon.sh', ['stay']));
  await printed(0, 'ready');
  await client.swap({
    opId: 'w1',
    from: 0,
    stop: { term_ms: 200, kill_ms: 5_000 },
    to: engine,
    fallback: engine,
    settle_ms: 50,
  });
  await printed(1, 'ready');
  await until('the outcome', () => journal.read().all(RecordType.swap).length === 2);
  await client.write(1, 'f1', 'exit 0\n');
  // Nothing was left to kill at the end but what the swap had to.
  expect(await over()).toMatchObject({ code: 0, survivors: 0 });
  const order = journal.records.map((record) => [record.type, record.process].join(':'));
  expect(order.indexOf(`${RecordType.exited}:0`)).toBeLessThan(order.indexOf(`${RecordType.spawned}:1`));
});
