/** What bubblewrap's own processes have of an engine's terminal and sockets, and what a program in the box gets by them. */
import { resolve } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { boxCommand } from '../../../src/host/sandboxes/box-command.ts';
import type { ProcessSpec } from '../../../src/host/shim/shim-protocol.ts';
import { ShimLab, shell, type TestShim } from '../../support/shim.ts';

const PROGRAMS = resolve(import.meta.dirname, '../../fixtures/programs');
const lab = new ShimLab();
afterEach(() => lab.clean());

const BOX = [
  ...[
    '/usr/bin/bwrap',
    '--unshare-all',
    '--unshare-user',
    '--disable-userns',
    '--cap-drop',
    'ALL',
    '--die-with-parent',
  ],
  ...['--ro-bind', '/usr', '/usr', '--symlink', 'usr/bin', '/bin', '--symlink', 'usr/lib', '/lib'],
  ...['--symlink', 'usr/lib64', '/lib64', '--proc', '/proc', '--dev', '/dev', '--tmpfs', '/tmp'],
  ...['--ro-bind', PROGRAMS, '/programs', '--'],
];

function boxed(script: string, part: Partial<ProcessSpec>, plain = false): ProcessSpec {
  const command = ['/bin/sh', '-c', script];
  const spec = { ...shell(''), ...part };
  return { ...spec, argv: plain ? [...BOX, ...command] : boxCommand(BOX, command, spec) };
}

const PTY = { kind: 'pty', cols: 90, rows: 30 } as const;
/** Over the conversation of an engine, while a person holds it. */
const TERMINAL = { role: 'terminal', io: PTY } as const;
const OWN_TERMINAL = { role: 'engine', io: PTY } as const;
const SOCKETS = { role: 'engine', io: { kind: 'pipes', stdio: 'socketpair' } } as const;

/** A program without a controlling terminal, as an engine starts its tools: it reads what is typed, and writes. */
const thief = (way: string) => `
  touch /tmp/stolen; setsid sh -c 'exec 2> /dev/null; echo ready; (echo forged > ${way}); head -n 1 < ${way}' > /tmp/stolen &
  while ! grep -q ready /tmp/stolen; do sleep 0.01; done
  echo asked; read -r typed; echo "typed: $typed"; wait; echo "stolen: $(tail -n +2 /tmp/stolen)"`;

async function typed(shim: TestShim): Promise<string> {
  await shim.printed(0, 'asked');
  // A line for each who reads.
  await shim.client.write(0, 'f1', 'secret\rsecret\r');
  await shim.over();
  return shim.journal.text(0).replaceAll('\r', '');
}

test.each(['/proc/1/fd/0', '/proc/1/fd/2', '/dev/console'])('a terminal is not found at %s', async (way) => {
  const open = await lab.launch();
  await open.client.start('s1', boxed(thief(way), TERMINAL, true));
  expect(await typed(open)).toMatch(/forged\n.*stolen: secret\n/s);

  const shim = await lab.launch();
  await shim.client.start('s1', boxed(thief(way), TERMINAL));
  const shown = await typed(shim);
  const [screen, stolen] = shown.split('stolen: ');
  expect(screen).not.toContain('forged');
  expect(screen).toContain('typed: secret\n');
  // Where there is no /dev/console, a file of that name holds what was written into it.
  expect(stolen).not.toContain('secret');
});

test.each([TERMINAL, OWN_TERMINAL])(
  'a terminal ($role) is one: its size, its keys, its signals',
  async (part) => {
    const { client, printed, over, journal } = await lab.launch();
    const script = `stty size; trap 'stty size; echo resized' WINCH; trap 'echo interrupted; exit 5' INT
    [ -t 0 ] && [ -t 1 ] && [ -t 2 ] && echo tty > /dev/tty; ls -1v /proc/$$/fd; echo listed; while :; do sleep 0.05; done`;
    await client.start('s1', boxed(script, part));
    await printed(0, 'listed');
    await client.resize(0, 132, 50);
    await printed(0, 'resized');
    await client.write(0, 'f1', '\x03');
    expect(await over()).toMatchObject({ code: 5 });
    const words = journal.text(0).split(/\s+/).join(' ');
    expect(words).toContain('30 90 tty 0 1 2 listed 50 132 resized');
    expect(words).toContain('interrupted');
  },
);

test('the keys that interrupt a program reach it, and do not end its box', async () => {
  const python = (plain: boolean) => ({
    ...boxed('', OWN_TERMINAL),
    argv: (plain ? (box: string[], command: string[]) => [...box, ...command] : boxCommand)(
      BOX,
      ['/usr/bin/python3', '-q', '-i', '-c', 'import time; print("up")'],
      OWN_TERMINAL,
    ),
  });
  const plain = await lab.launch();
  await plain.client.start('s1', python(true));
  await plain.printed(0, 'up');
  await plain.client.write(0, 'f1', '\x03');
  expect(await plain.over()).toMatchObject({ cause: 'exited' });

  const { client, journal, printed, over } = await lab.launch();
  await client.start('s1', python(false));
  await printed(0, 'up');
  await client.write(0, 'f1', 'time.sleep(60)\r');
  await printed(0, 'sleep(60)');
  await client.write(0, 'f2', '\x03');
  await printed(0, 'KeyboardInterrupt');
  await client.write(0, 'f3', 'import os; print(os.ttyname(0)); os.kill(os.getpid(), 2)\r');
  await printed(0, '/dev/console');
  await client.write(0, 'f4', 'exit(6)\r');
  expect(await over()).toMatchObject({ code: 6 });
  expect(journal.text(0)).toContain('KeyboardInterrupt');
});

test('sockets cannot be taken from the first process, by a program that may trace', async () => {
  const script = 'echo asked; read -r line; echo "read: $line"; exec /usr/bin/python3 /programs/reach.py 1';
  const outcomes: Record<string, string>[] = [];
  for (const plain of [true, false]) {
    const { client, journal, over, printed } = await lab.launch();
    // Where its stdin leads is what a stolen descriptor would be.
    const way = `${script} ; true`.replace('exec ', 'readlink /proc/1/fd/0 /proc/1/fd/1; ');
    await client.start('s1', boxed(way, SOCKETS, plain));
    await printed(0, 'asked');
    await client.write(0, 'f1', 'hello\n');
    expect(await over()).toMatchObject({ code: 0 });
    const [, read, stdin, stdout, reached] = journal.text(0).trim().split('\n');
    expect(read).toBe('read: hello');
    outcomes.push({ stdin: stdin!, stdout: stdout!, getfd: JSON.parse(reached!).pidfd_getfd });
  }
  expect(outcomes[0]!.stdin).toMatch(/^socket:/);
  expect(outcomes[0]!.getfd).toBe('ok');
  expect(outcomes[1]).toMatchObject({ stdin: '/dev/null', stdout: '/dev/null' });
});

test('what bubblewrap says when it fails is heard on sockets, and the end of input reaches the engine', async () => {
  const failing = await lab.launch();
  const argv = boxCommand([...BOX.slice(0, -1), '--bind', '/no/such', '/x', '--'], ['true'], SOCKETS);
  await failing.client.start('s1', { ...shell(''), ...SOCKETS, argv });
  expect(await failing.over()).toMatchObject({ code: 1 });
  expect(failing.journal.text(0, 'err')).toContain("Can't find source path /no/such");

  const { client, journal, printed, over } = await lab.launch();
  await client.start('s1', boxed('echo asked; cat; echo over; exit 3', SOCKETS));
  await printed(0, 'asked');
  await client.stop('x', { close_stdin_ms: 5_000, term_ms: 1_000, kill_ms: 1_000 }, 'test');
  expect(await over()).toMatchObject({ code: 3 });
  expect(journal.text(0)).toBe('asked\nover\n');
});
