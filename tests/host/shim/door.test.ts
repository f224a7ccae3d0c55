/** Who may command a run: one host, the newest, and nobody from inside a run. */
import { connect, createServer } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { AetherError } from '../../../src/host/errors.ts';
import { ShimClient } from '../../../src/host/shim/client/client.ts';
import { program, ShimLab, shell, until } from '../../support/shim.ts';

const lab = new ShimLab();
afterEach(() => lab.clean());

test('a newer host fences the older one, whose requests fail clearly', async () => {
  const { client, start } = await lab.launch();
  await client.start('s1', program('stubborn.sh'));
  const pending = client.stop('slow', { term_ms: 60_000, kill_ms: 1_000 }, 'old').then(
    () => 'answered',
    (error: AetherError) => error.code,
  );
  let why: AetherError | undefined;
  client.onClose((error) => {
    why = error;
  });
  const newer = await lab.connect(start.socket, 2);
  await until('the older host to be told', () => why);
  expect(why?.code).toBe('shim.fenced');
  expect(await pending).toBe('shim.fenced');
  await expect(client.write(0, 'f', 'x')).rejects.toMatchObject({ code: 'shim.fenced' });
  await expect(lab.connect(start.socket, 1)).rejects.toMatchObject({ code: 'shim.fenced' });
  expect((await newer.currentStatus()).processes).toHaveLength(1);
});

test('the same host may connect again', async () => {
  const { client, start } = await lab.launch();
  client.close();
  const again = await lab.connect(start.socket, 1);
  expect(again.status).toMatchObject({ run: start.run, processes: [], current: null });
  await expect(client.currentStatus()).rejects.toMatchObject({ code: 'shim.closed' });
});

/** Runs one line of node in a shell script and prints what the socket answers. */
function probe(socket: string): string {
  const program = `
    const s = require('net').connect(${JSON.stringify(socket)});
    s.on('error', (e) => console.log('error ' + e.message));
    s.on('data', (d) => console.log('said ' + d));
    s.on('close', () => console.log('closed'));
    s.write(JSON.stringify({ id: 1, op: 'hello', protocol: 1, generation: 99 }) + '\\n');`;
  return `"${process.execPath}" -e '${program.replaceAll("'", "'\\''")}'`;
}

test('a process of the run, however it hides, cannot command it', async () => {
  for (const wrap of ['', 'env -i ', 'setsid env -i ']) {
    const shim = await lab.launch();
    const refused: string[] = [];
    shim.client.onRefused(({ message, report }) => refused.push(`${report.phase} ${message}`));
    await shim.client.start('s1', shell(`${wrap}${probe(shim.start.socket)}; echo over`));
    await shim.printed(0, 'over');
    expect(shim.journal.text(0)).toContain('not-yours');
    expect(shim.journal.text(0)).toContain('closed');
    expect(shim.journal.text(0)).not.toContain('"ok":true');
    // Its host is told, and makes an event of it.
    await until('its host to be told', () => refused.length > 0);
    expect(refused[0]).toMatch(/^first /);
  }
});

test('a process of one run cannot command another run', async () => {
  const victim = await lab.launch();
  const attacker = await lab.launch();
  await attacker.client.start('s1', shell(`env -i ${probe(victim.start.socket)}; echo over`));
  await attacker.printed(0, 'over');
  expect(attacker.journal.text(0)).toContain('not-yours');
  expect((await victim.client.currentStatus()).processes).toEqual([]);
});

test('garbage, wrong protocols and endless lines are refused; the run does not notice', async () => {
  const { start, client } = await lab.launch();
  const answer = (text: string) =>
    new Promise<string>((resolve) => {
      const socket = connect(start.socket);
      let said = '';
      socket.setEncoding('utf8').on('data', (part: string) => {
        said += part;
      });
      socket.on('error', () => undefined);
      socket.on('close', () => resolve(said));
      socket.write(text);
      setTimeout(() => socket.end(), 200);
    });
  expect(await answer('hello?\n')).toContain('bad-request');
  expect(await answer('null\n')).toContain('bad-request');
  expect(await answer('{"id":1,"op":"status"}\n')).toContain('hello-first');
  expect(await answer('{"id":1,"op":"hello","protocol":99,"generation":9}\n')).toContain('protocol');
  expect(await answer('{"id":1,"op":"hello","protocol":1,"generation":-5}\n')).toContain('fenced');
  expect((await client.currentStatus()).run).toBe(start.run);
});

test('an endless line ends the connection', async () => {
  const { start, client } = await lab.launch();
  const socket = connect(start.socket);
  socket.on('error', () => undefined);
  let said = '';
  socket.setEncoding('utf8').on('data', (part: string) => {
    said += part;
  });
  const closed = new Promise((resolve) => socket.on('close', resolve));
  const block = Buffer.alloc(1024 * 1024, 120);
  let sent = 0;
  const more = () => {
    while (!socket.destroyed && sent < 80) {
      sent += 1;
      if (!socket.write(block)) {
        socket.once('drain', more);
        return;
      }
    }
  };
  more();
  await closed;
  expect(said).toContain('too-large');
  expect((await client.currentStatus()).run).toBe(start.run);
});

test('nobody there is said so', async () => {
  const path = `${lab.directory()}/nobody.sock`;
  await expect(ShimClient.connect(path, 1)).rejects.toMatchObject({ code: 'shim.unreachable' });
  await expect(ShimClient.connect(path, 1)).rejects.toBeInstanceOf(AetherError);
});

test('another process that listens in its place is told nothing', async () => {
  const shim = await lab.launch();
  const path = `${lab.directory()}/usurped.sock`;
  let heard = '';
  const usurper = createServer((socket) => socket.on('data', (chunk) => (heard += chunk)));
  await new Promise<void>((resolve) => usurper.listen(path, resolve));
  try {
    await expect(ShimClient.connect(path, 1, shim.identity)).rejects.toMatchObject({
      code: 'shim.unproven',
      message: expect.stringContaining(
        `Process ${process.pid} listens in the place of the shim ${shim.identity.pid}`,
      ),
    });
    expect(heard).toBe('');
  } finally {
    usurper.close();
  }
  const again = await ShimClient.connect(shim.start.socket, 1, shim.identity);
  again.close();
});
