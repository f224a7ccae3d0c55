/** What goes in comes out, on pipes and on a terminal; exits are exact; frames count once. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { RecordType } from '../../../src/host/shim/shim-protocol.ts';
import { PROGRAMS, program, ShimLab, shell, until } from '../../support/shim.ts';

const lab = new ShimLab();
afterEach(() => lab.clean());

test('pipes: input, output and errors are journalled in order, with the exit last', async () => {
  const { client, journal, printed, over, start } = await lab.launch();
  expect(statSync(start.socket).mode & 0o777).toBe(0o600);
  const status = await client.start('s1', program('echo.mjs'));
  expect(status).toMatchObject({ index: 0, role: 'engine', io: 'pipes', running: true });
  expect(status.start_ticks).toBeGreaterThan(0);
  await printed(0, 'ready\n');
  expect(await client.write(0, 'f1', 'hällo\n')).toEqual({ duplicate: false });
  await printed(0, '<hällo>\n');
  await client.write(0, 'f2', Buffer.from('err oops\n'));
  await until('stderr', () => journal.read().text(0, 'err') === 'oops\n');
  await client.write(0, 'f3', 'exit 0\n');
  expect(await over()).toEqual({ code: 0, signal: null, cause: 'exited', killed: 0, survivors: 0 });

  const inputs = journal.records.filter((record) => record.type === RecordType.in);
  expect(inputs.map((record) => record.payload.toString())).toEqual([
    '{"frame":"f1"}\nhällo\n',
    '{"frame":"f2"}\nerr oops\n',
    '{"frame":"f3"}\nexit 0\n',
  ]);
  const order = journal.records.map((record) => record.type);
  expect(order.slice(0, 2)).toEqual([RecordType.contained, RecordType.spawned]);
  expect(order.slice(-2)).toEqual([RecordType.exited, RecordType.runExited]);
  expect(statSync(start.socket, { throwIfNoEntry: false })).toBeUndefined();
});

test('terminal: echo, size, resize and everything printed just before the exit', async () => {
  const { client, journal, printed, over } = await lab.launch();
  await client.start('s1', shell('stty size; read line; stty size; seq 1 20000; exit 9', { pty: true }));
  await printed(0, '24 80');
  await client.resize(0, 132, 50);
  await client.write(0, 'f1', 'go\r');
  expect(await over()).toMatchObject({ code: 9, signal: null, cause: 'exited' });
  const text = journal.text(0);
  expect(text).toContain('50 132');
  const numbers = text.split('\r\n').filter((line) => /^\d+$/.test(line));
  expect(numbers).toHaveLength(20_000);
  expect(numbers.at(-1)).toBe('20000');
  expect(journal.all(RecordType.resized)).toEqual([{ cols: 132, rows: 50 }]);
});

test('terminal: a megabyte written to a process that reads late blocks nobody', async () => {
  const { client, printed, over } = await lab.launch();
  await client.start(
    's1',
    shell('stty raw -echo; echo ready; sleep 1; head -c 1000000 | wc -c', { pty: true }),
  );
  await printed(0, 'ready');
  const written = client.write(0, 'f1', Buffer.alloc(1_000_000, 120));
  // The shim still answers while the terminal takes nothing.
  expect((await client.currentStatus()).current).toBe(0);
  await written;
  await printed(0, '1000000');
  expect(await over()).toMatchObject({ code: 0 });
});

test.each([false, true])('a frame is written once however often it is sent (terminal: %s)', async (pty) => {
  const { client, journal, printed, over } = await lab.launch();
  await client.start('s1', program('echo.mjs', [], { pty }));
  await printed(0, 'ready');
  const answers = await Promise.all([1, 2, 3].map(() => client.write(0, 'same', 'once\n')));
  expect(answers.map((answer) => answer.duplicate)).toEqual([false, true, true]);
  await client.write(0, 'other', 'exit 4\n');
  expect(await over()).toMatchObject({ code: 4 });
  expect(journal.text(0).match(/<once>/g)).toHaveLength(1);
});

test.each([
  { pty: false, code: 0 },
  { pty: false, code: 7 },
  { pty: false, code: 255 },
  { pty: true, code: 0 },
  { pty: true, code: 7 },
  { pty: true, code: 255 },
])('exit code $code is exact (terminal: $pty)', async ({ pty, code }) => {
  const { client, journal, over } = await lab.launch();
  await client.start('s1', shell(`exit ${code}`, { pty }));
  expect(await over()).toMatchObject({ code, signal: null, cause: 'exited' });
  expect(journal.all(RecordType.exited)).toEqual([{ code, signal: null }]);
});

test.each([
  { pty: false, signal: 'SIGKILL' },
  { pty: false, signal: 'SIGSEGV' },
  { pty: true, signal: 'SIGTERM' },
  { pty: true, signal: 'SIGKILL' },
])('death by $signal is told (terminal: $pty)', async ({ pty, signal }) => {
  const { client, over } = await lab.launch();
  await client.start('s1', shell(`kill -${signal.slice(3)} $$; sleep 60`, { pty }));
  expect(await over()).toMatchObject({ code: null, signal, cause: 'exited' });
});

test('what cannot be started is a sentence, and the end of the run', async () => {
  const cases = [
    { spec: { ...shell(''), argv: ['/no/such/program'] }, says: 'does not exist' },
    { spec: { ...shell(''), argv: ['no-such-program'] }, says: 'not in PATH' },
    { spec: { ...shell(''), cwd: '/no/such/directory' }, says: 'working directory' },
    {
      spec: { ...shell('', { pty: true }), argv: [join(PROGRAMS, 'echo.mjs')] },
      says: 'may not be executed',
    },
    { spec: { ...shell(''), io: { kind: 'pty' as const, cols: 0, rows: 1_000_000 } }, says: 'not possible' },
  ];
  for (const { spec, says } of cases) {
    const { client, over } = await lab.launch();
    await expect(client.start('s1', spec)).rejects.toMatchObject({
      code: 'shim.spawn-failed',
      who: 'config',
      message: expect.stringContaining(says),
    });
    expect(await over()).toMatchObject({ cause: 'spawnFailed', code: null });
  }
});

test('requests that make no sense are refused and disturb nothing', async () => {
  const { client, printed, over } = await lab.launch();
  await expect(client.write(0, 'f', 'x')).rejects.toMatchObject({ code: 'shim.no-floor' });
  const first = await client.start('s1', program('echo.mjs', [], { pty: true }));
  expect(await client.start('s1', program('echo.mjs'))).toEqual(first);
  await expect(client.start('s2', program('echo.mjs'))).rejects.toMatchObject({ code: 'shim.started' });
  await expect(client.resize(0, 0, 0)).rejects.toMatchObject({ code: 'shim.bad-size' });
  await expect(client.resize(0, 1_000_000, 24)).rejects.toMatchObject({ code: 'shim.bad-size' });
  await expect(client.ack(1e12)).rejects.toMatchObject({ code: 'shim.bad-offset' });
  await expect(client.write(3, 'f', 'x')).rejects.toMatchObject({ code: 'shim.no-floor' });
  await printed(0, 'ready');
  await client.write(0, 'bye', 'exit 0\n');
  expect(await over()).toMatchObject({ code: 0 });
});
