/** What a process is handed open: the right places under the right numbers, to it alone, and never what a link leads to. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { duplicateTo } from '../../../src/host/process/libc.ts';
import { HANDLES_MAX, type HandleSpec, type ProcessSpec } from '../../../src/host/shim/shim-protocol.ts';
import { ShimLab, shell, until } from '../../support/shim.ts';

const lab = new ShimLab();
afterEach(() => lab.clean());

/** Prints what is open in the shell: `ls` is another process, and what it opens is not there. */
const LIST = 'ls -1v /proc/$$/fd; echo listed';

/** On one line, without the terminal's carriage returns. */
const words = (text: string) => text.split(/\s+/).filter(Boolean).join(' ');

const content = (text: string): HandleSpec => ({
  kind: 'content',
  name: 'text',
  base64: Buffer.from(text).toString('base64'),
});

const handed = (script: string, handles: HandleSpec[], pty = false): ProcessSpec => ({
  ...shell(script, { pty }),
  handles,
});

const openIn = (pid: number) => fs.readdirSync(`/proc/${pid}/fd`).length;

test.each([false, true])('a process has its handles and nothing more (terminal: %s)', async (pty) => {
  const root = lab.directory();
  fs.mkdirSync(join(root, 'a/b'), { recursive: true });
  fs.writeFileSync(join(root, 'a/b/file'), 'found\n');
  const shim = await lab.launch();
  await shim.client.start(
    's1',
    handed(
      `cat /proc/self/fd/100/file /proc/self/fd/101 /proc/self/fd/102; ls /proc/self/fd/103; ${LIST}; sleep 60`,
      [
        { kind: 'directory', root, path: 'a/b' },
        { kind: 'file', root, path: 'a/b/file' },
        content('from the spec\n'),
        { kind: 'directory', root, path: '' },
      ],
      pty,
    ),
  );
  await shim.printed(0, 'listed');
  expect(words(shim.journal.text(0))).toBe('found found from the spec a 0 1 2 100 101 102 103 listed');
  await shim.client.stop('x', { term_ms: 1_000, kill_ms: 1_000 }, 'test');
  await shim.over();
});

test('what is started at the same time inherits none of them, and the shim keeps none open', async () => {
  const root = lab.directory();
  const shim = await lab.launch();
  await shim.client.start('s1', shell('sleep 60'));
  const before = openIn(shim.identity.pid);
  const kinds = Array.from({ length: 12 }, (_, at) => ({ pty: at % 4 >= 2, handles: at % 2 === 0 }));
  const started = await Promise.all(
    kinds.map(({ pty, handles }, at) =>
      shim.client.beside(`b${at}`, handed(LIST, handles ? [{ kind: 'directory', root, path: '' }] : [], pty)),
    ),
  );
  for (const [at, { index }] of started.entries()) {
    await shim.printed(index, 'listed');
    expect(words(shim.journal.text(index))).toBe(kinds[at]!.handles ? '0 1 2 100 listed' : '0 1 2 listed');
  }
  await until('the ends of their pipes to be closed', () => openIn(shim.identity.pid) <= before);
});

test('what the host itself was started with reaches no process of a run', async () => {
  const fd = fs.openSync('/etc/hostname', 'r');
  duplicateTo(fd, 90, true);
  const shim = await lab.launch();
  fs.closeSync(90);
  fs.closeSync(fd);
  await shim.client.start('s1', shell(LIST));
  await shim.over();
  expect(words(shim.journal.text(0))).toBe('0 1 2 listed');
});

interface Wrong {
  what: string;
  handle: (root: string) => HandleSpec;
  says: string;
}
const directory = (path: string) => (root: string) => ({ kind: 'directory', root, path }) as const;
const file = (path: string) => (root: string) => ({ kind: 'file', root, path }) as const;
const wrong: Wrong[] = [
  { what: 'a link', handle: directory('link'), says: 'link is a symbolic link' },
  { what: 'a dangling link', handle: directory('dangling'), says: 'dangling is a symbolic link' },
  { what: 'a link on the way', handle: file('link/passwd'), says: 'has one in its path' },
  { what: 'a link to a place within', handle: directory('within'), says: 'is a symbolic link' },
  {
    what: 'a magic link',
    handle: () => ({ kind: 'directory', root: '/proc', path: 'self/root' }),
    says: 'symbolic',
  },
  { what: 'nothing', handle: directory('none'), says: 'none does not exist. Create it' },
  {
    what: 'a missing root',
    handle: (root) => directory('')(join(root, 'none')),
    says: 'none does not exist',
  },
  { what: 'a FIFO for a file', handle: file('fifo'), says: 'fifo is a named pipe, where a regular file' },
  { what: 'a FIFO for a directory', handle: directory('fifo'), says: 'is a named pipe, where a directory' },
  { what: 'a FIFO on the way', handle: file('fifo/x'), says: 'not a directory' },
  { what: 'a socket', handle: file('socket'), says: 'is a socket' },
  { what: 'a device', handle: () => ({ kind: 'file', root: '/dev', path: 'null' }), says: 'is a device' },
  { what: 'a directory for a file', handle: file('dir'), says: 'is a directory, where a regular file' },
  { what: 'a file for a directory', handle: directory('file'), says: 'is a regular file, where a directory' },
  { what: 'the directory above', handle: directory('dir/../../x'), says: 'is not a path below' },
  { what: 'an absolute path', handle: directory('/etc'), says: 'leads out of' },
  { what: 'a relative root', handle: () => directory('x')('relative'), says: 'absolute root' },
  {
    what: 'another one than was looked at',
    handle: (root) => ({ ...file('file')(root), identity: identityOf(join(root, 'dir')) }),
    says: 'was replaced',
  },
];

test('what an agent can put in the way is a sentence with the path, and nothing stays open', async () => {
  const root = lab.directory();
  fs.mkdirSync(join(root, 'dir'));
  fs.writeFileSync(join(root, 'file'), '');
  fs.symlinkSync('/etc', join(root, 'link'));
  fs.symlinkSync('dir', join(root, 'within'));
  fs.symlinkSync('/no/such/place', join(root, 'dangling'));
  execFileSync('mkfifo', [join(root, 'fifo')]);
  const server = createServer().listen(join(root, 'socket'));
  await until('the socket', () => fs.existsSync(join(root, 'socket')));

  const shim = await lab.launch();
  await shim.client.start('s1', shell('sleep 60'));
  const before = openIn(shim.identity.pid);
  for (const { what, handle, says } of wrong) {
    const specs = [directory('dir')(root), content('x'), handle(root)];
    await expect(shim.client.beside(what, handed('true', specs)), what).rejects.toMatchObject({
      code: 'shim.spawn-failed',
      message: expect.stringContaining(says),
    });
  }
  const many = Array.from({ length: HANDLES_MAX + 1 }, () => content('x'));
  await expect(shim.client.beside('many', handed('true', many))).rejects.toThrow('at most 64 handles');
  expect(openIn(shim.identity.pid)).toBe(before);

  const whole = await shim.client.beside(
    'good',
    handed(LIST, [
      { kind: 'directory', root, path: 'dir', identity: identityOf(join(root, 'dir')) },
      ...many.slice(2),
    ]),
  );
  await shim.printed(whole.index, 'listed');
  expect(words(shim.journal.text(whole.index)).split(' ')).toHaveLength(3 + HANDLES_MAX + 1);
  server.close();
});

test('a run whose first process cannot have its handles ends with that sentence', async () => {
  const root = lab.directory();
  fs.symlinkSync('/etc', join(root, 'link'));
  const { client, over } = await lab.launch();
  await expect(client.start('s1', handed('true', [directory('link')(root)]))).rejects.toMatchObject({
    code: 'shim.spawn-failed',
  });
  expect(await over()).toMatchObject({ cause: 'spawnFailed', reason: expect.stringContaining('link') });
});

/** A minimal box whose only own content is handle 0. */
const boxed = (script: string, bind: string): string[] => [
  ...['/usr/bin/bwrap', '--unshare-all', '--cap-drop', 'ALL', '--ro-bind', '/usr', '/usr'],
  ...['--symlink', 'usr/bin', '/bin', '--symlink', 'usr/lib', '/lib', '--symlink', 'usr/lib64', '/lib64'],
  ...['--proc', '/proc', '--dev', '/dev', '--tmpfs', '/tmp', bind, '100', '/tmp/place', '--seccomp', '101'],
  ...['--ro-bind-data', '102', '/tmp/data', '--die-with-parent', '--', '/bin/sh', '-c', script],
];

/** ld [0]; ret ALLOW: a filter that denies nothing. */
const ALLOW_ALL = Buffer.from('20000000000000000600000000 00ff7f'.replaceAll(' ', ''), 'hex');

test.each([false, true])(
  'bubblewrap binds a handle and leaves none in the box (terminal: %s)',
  async (pty) => {
    const root = lab.directory();
    fs.mkdirSync(join(root, 'workspace'));
    fs.writeFileSync(join(root, 'workspace/mine'), 'own\n');
    const shim = await lab.launch();
    const script = `cat /tmp/place/mine /tmp/data; touch /tmp/place/new; ls -1 /tmp/place; ${LIST}`;
    await shim.client.start('s1', {
      ...shell('', { pty }),
      argv: boxed(script, '--bind-fd'),
      handles: [
        { kind: 'directory', root, path: 'workspace' },
        { kind: 'content', name: 'filter', base64: ALLOW_ALL.toString('base64') },
        content('data\n'),
      ],
    });
    await shim.printed(0, 'listed');
    expect(words(shim.journal.text(0))).toBe('own data mine new 0 1 2 listed');
    await shim.over();
  },
);

function identityOf(path: string): { device: string; inode: string } {
  const { dev, ino } = fs.statSync(path, { bigint: true });
  return { device: `${dev}`, inode: `${ino}` };
}
