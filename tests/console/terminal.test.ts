/** /terminal/NAME: bytes as they are, a bound on what is not drawn yet, and who may write. */
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { limits } from '../../src/host/limits.ts';
import { Client, type ConsoleFixture, consoleFixture, type Socket } from '../support/console-client.ts';
import { emulator, stateOf } from '../support/terminal-state.ts';

let fixture: ConsoleFixture;
let client: Client;

beforeEach(async () => {
  fixture = await consoleFixture();
  fixture.host.set('coder', {});
  client = await Client.signIn(fixture.console.loginLink());
});
afterEach(() => fixture.close());

const info = { run: 'run_coder', process: 1, cols: 80, rows: 24 };

async function holder(): Promise<{ you: string; generation: number }> {
  const live = client.socket('/ws');
  const you = (await live.message('welcome')).you as string;
  live.close();
  const lease = await fixture.host.takeover('coder', { holder: you, when: 'now', cols: 80, rows: 24 });
  return { you, generation: lease.generation };
}

it('shows the present screen, then tells what follows, byte for byte', async () => {
  const terminal = fixture.host.terminal('coder');
  terminal.begin(info);
  terminal.feed(Buffer.from('past \x1b[31mred\x1b[0m\r\n'));
  const socket = client.socket('/terminal/coder');
  const { bytes, ...screen } = await socket.message('screen');
  expect(screen).toEqual({ type: 'screen', info });
  terminal.feed(Buffer.from([0xff, 0x00, 0xfe]));
  const all = (bytes as number) + 3;
  await socket.until(() => (socket.bytes.length === all ? true : undefined), `${all} bytes`);
  expect(socket.bytes.subarray(bytes as number)).toEqual(Buffer.from([0xff, 0x00, 0xfe]));
  const shown = emulator(info);
  shown.write(socket.bytes.subarray(0, bytes as number));
  const saw = emulator(info);
  saw.write(Buffer.from('past \x1b[31mred\x1b[0m\r\n'));
  expect(stateOf(shown)).toEqual(stateOf(saw));
});

it('without a terminal says so, and tells when there is one', async () => {
  const socket = client.socket('/terminal/coder');
  expect(await socket.message('screen')).toEqual({ type: 'screen', info: null, bytes: 0 });
  fixture.host.terminal('coder').begin(info);
  fixture.host.terminal('coder').feed(Buffer.from('hello'));
  await socket.until(() => (socket.bytes.toString() === 'hello' ? true : undefined), 'the new terminal');
  expect(socket.json.at(-1)).toEqual({ type: 'screen', info, bytes: 0 });
});

it('stops at the bound for a browser that draws nothing, and loses nothing when it does', async () => {
  const terminal = fixture.host.terminal('coder');
  terminal.begin(info);
  const socket = client.socket('/terminal/coder');
  const { bytes } = await socket.message('screen');
  const total = 4 * 1024 * 1024;
  const data = Buffer.alloc(total);
  for (let at = 0; at < total; at += 4) data.writeUInt32LE((at * 2_654_435_761) >>> 0, at);
  for (let at = 0; at < total; at += 48_000) terminal.feed(data.subarray(at, at + 48_000));

  const bound = limits.console_terminal_unacked_bytes_high + 2 * limits.terminal_frame_bytes_max;
  await quiet(socket);
  expect(socket.bytes.length).toBeGreaterThan(limits.console_terminal_unacked_bytes_low);
  expect(socket.bytes.length).toBeLessThanOrEqual(bound);
  expect(terminal.pauses).toBe(1);

  let unacked_max = 0;
  let acked = 0;
  await socket.until(
    () => {
      unacked_max = Math.max(unacked_max, socket.bytes.length - acked);
      acked = socket.bytes.length;
      socket.send({ type: 'ack', bytes: acked });
      return acked === total + (bytes as number) ? true : undefined;
    },
    'all bytes',
    30_000,
  );
  expect(unacked_max).toBeLessThanOrEqual(bound);
  const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
  expect(digest(socket.bytes.subarray(bytes as number))).toBe(digest(data));
});

it('keystrokes of the holder reach the program, and its echo comes back soon', async () => {
  fixture.host.terminalArgv = ['/bin/cat'];
  const { generation } = await holder();
  const socket = client.socket('/terminal/coder');
  await socket.message('screen');
  const times: number[] = [];
  for (let n = 0; n < 30; n += 1) {
    const before = socket.bytes.length;
    const begun = performance.now();
    socket.send({ type: 'input', generation, data: 'k' });
    await socket.until(() => (socket.bytes.length > before ? true : undefined), 'the echo');
    times.push(performance.now() - begun);
  }
  times.sort((a, b) => a - b);
  expect(times[15]).toBeLessThan(30);
});

it('tells of sizes where they come in the stream, and who decides', async () => {
  const { generation } = await holder();
  const first = client.socket('/terminal/coder');
  await first.message('screen');
  first.send({ type: 'resize', generation, cols: 100, rows: 30 });
  expect(await first.message('size')).toEqual({ type: 'size', cols: 100, rows: 30 });
  const second = client.socket('/terminal/coder');
  await second.message('screen');
  second.send({ type: 'resize', generation, cols: 40, rows: 10 });
  second.send({ type: 'use', generation });
  await second.until(() => second.json.find((one) => one.type === 'size'), 'the size');
  expect(fixture.host.terminal('coder').info).toMatchObject({ cols: 40, rows: 10 });
  expect(first.json.filter((one) => one.type === 'sized').at(-1)).toEqual({ type: 'sized', by: 'other' });
  second.close();
  await first.until(
    () => (fixture.host.terminal('coder').info?.cols === 100 ? true : undefined),
    'the size of before',
  );
});

it('nobody else may write or resize, and an old generation may not either', async () => {
  const { generation } = await holder();
  const other = (await Client.signIn(fixture.console.loginLink())).socket('/terminal/coder');
  const mine = client.socket('/terminal/coder');
  await Promise.all([other.message('screen'), mine.message('screen')]);
  other.send({ type: 'input', generation, data: 'rm -rf /\r' });
  other.send({ type: 'resize', generation, cols: 10, rows: 10 });
  mine.send({ type: 'input', generation: generation - 1, data: 'late' });
  for (const [socket, count] of [
    [other, 2],
    [mine, 1],
  ] as const) {
    const errors = await socket.until(() => {
      const list = socket.json.filter((message) => message.type === 'error');
      return list.length === count ? list : undefined;
    }, 'refusals');
    for (const { error } of errors as { error: { code: string } }[])
      expect(error.code).toBe(socket === mine ? 'lease.stale' : 'lease.not-holder');
  }
  expect(fixture.host.terminal('coder').written).toEqual([]);
  expect(fixture.host.terminal('coder').info).toMatchObject({ cols: 80, rows: 24 });
});

it('an impossible size is refused and the connection lives', async () => {
  const { generation } = await holder();
  const socket = client.socket('/terminal/coder');
  await socket.message('screen');
  const sizes: [unknown, unknown][] = [
    [0, 0],
    [1_000_000, 1_000_000],
    [-1, 24],
    [80.5, 24],
    ['80', 24],
    [80, null],
  ];
  for (const [cols, rows] of sizes) socket.send({ type: 'resize', generation, cols, rows });
  const errors = await socket.until(() => {
    const list = socket.json.filter((message) => message.type === 'error');
    return list.length === sizes.length ? list : undefined;
  }, 'refusals');
  for (const { error } of errors as { error: { code: string; message: string } }[]) {
    expect(error.code).toMatch(/^(console|verb)\.invalid$/);
    expect(error.message).toMatch(/cols|rows/);
  }
  expect(fixture.host.terminal('coder').info).toMatchObject({ cols: 80, rows: 24 });
  socket.send({ type: 'resize', generation, cols: 120, rows: 40 });
  socket.send({ type: 'ack', bytes: 1e12 });
  await socket.until(
    () =>
      socket.json.filter((message) => message.type === 'error').length > sizes.length ? true : undefined,
    'the last refusal',
  );
  expect(fixture.host.terminal('coder').info).toMatchObject({ cols: 120, rows: 40 });
});

it('an oversized message closes with the reason, and the viewer is released', async () => {
  fixture.host.terminal('coder').begin(info);
  const socket = client.socket('/terminal/coder');
  await socket.message('screen');
  expect(fixture.host.terminal('coder').viewers).toBe(1);
  socket.send({ type: 'input', generation: 1, data: 'x'.repeat(limits.websocket_message_bytes_max) });
  const closed = await socket.until(() => socket.closed ?? undefined, 'the close');
  expect(closed).toMatchObject({ code: 1009, reason: expect.stringContaining('bytes') });
  await expect.poll(() => fixture.host.terminal('coder').viewers, { timeout: 10_000 }).toBe(0);
});

/** Resolves when no byte came for 300 ms. */
async function quiet(socket: Socket): Promise<void> {
  let last = -1;
  while (last !== socket.bytes.length) {
    last = socket.bytes.length;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}
