/** Copies of programs that may be run and not read: one per version, whole or not there, gone when unused. */
import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { limits } from '../../../src/host/limits.ts';
import { programCopiesDirectoryOf } from '../../../src/host/paths.ts';
import { ProgramCopies } from '../../../src/host/sandboxes/program-copies.ts';
import { VirtualClock } from '../../support/clock.ts';
import { mayMount, SmallDisk } from '../../support/small-disk.ts';

const COPIER = resolve(import.meta.dirname, '../../fixtures/programs/copier.ts');
const DAY_MS = 24 * 3_600_000;

let root: string;
let directory: string;
let clock: VirtualClock;
const cleanups: (() => void)[] = [];
beforeEach(() => {
  root = fs.mkdtempSync(join(tmpdir(), 'aether-copies-'));
  directory = programCopiesDirectoryOf({ HOME: '/none', XDG_CACHE_HOME: root });
  clock = new VirtualClock();
});
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
  fs.rmSync(root, { recursive: true });
});

const open = () => new ProgramCopies(directory, clock);
const path = (name: string) => join(directory, name);
const hashOf = (file: string) => createHash('sha256').update(fs.readFileSync(file)).digest('hex');
/** Its owner may make it readable for a moment. */
function hashOfCopy(name: string): string {
  fs.chmodSync(path(name), 0o755);
  const hash = hashOf(path(name));
  fs.chmodSync(path(name), 0o111);
  return hash;
}
const listed = () =>
  fs
    .readdirSync(directory)
    .filter((name) => name !== 'sources')
    .sort();

/** A program of one's own, which may be changed. */
function program(name: string, more = ''): string {
  const file = join(root, name);
  fs.copyFileSync('/usr/bin/echo', file);
  fs.appendFileSync(file, more);
  return file;
}

test('a copy may be run by everybody, read by nobody, and is made once', async () => {
  const copies = open();
  const name = await copies.of('/usr/bin/echo');
  expect(name).toBe(hashOf('/usr/bin/echo'));
  expect(fs.statSync(path(name)).mode & 0o7777).toBe(0o111);
  expect(fs.statSync(path(name)).uid).toBe(process.getuid!());
  expect(execFileSync(path(name), ['hello'], { encoding: 'utf8' })).toBe('hello\n');
  const { ino } = fs.statSync(path(name));
  expect(await copies.of('/usr/bin/echo')).toBe(name);
  // Neither a host that starts again, nor a link, nor a second installation of the version makes another.
  fs.symlinkSync('/usr/bin/echo', join(root, 'link'));
  expect(await open().of(join(root, 'link'))).toBe(name);
  expect(fs.statSync(path(name)).ino).toBe(ino);
  expect(await open().of(program('echo'))).toBe(name);
  expect(listed()).toEqual([name]);
  expect(fs.statSync(directory).mode & 0o777).toBe(0o700);
});

test('many hosts at once get one whole copy', async () => {
  const programs = [program('one', 'x'.repeat(20_000_000)), program('two'), program('three')];
  const run = () => promisify(execFile)(process.execPath, [COPIER, directory, ...programs, ...programs]);
  const answers = await Promise.all([run(), run(), run()]);
  const names = programs.map(hashOf);
  for (const { stdout } of answers) expect(stdout).toBe(`${[...names, ...names].join(' ')}\n`);
  expect(listed()).toEqual([...new Set(names)].sort());
  for (const name of names) expect(hashOfCopy(name)).toBe(name);
}, 60_000);

test('an updated program is a new copy; the old one stays for as long as it is used', async () => {
  const copies = open();
  const file = program('engine', 'version 1');
  const first = await copies.of(file);
  program('engine', 'version 2');
  const second = await copies.of(file);
  expect(second).not.toBe(first);
  expect(hashOfCopy(second)).toBe(hashOf(file));
  expect(listed()).toEqual([first, second].sort());

  clock.advance(limits.program_copy_unused_ms - DAY_MS);
  expect(await copies.of(file)).toBe(second);
  clock.advance(2 * DAY_MS);
  // A host that makes no copy itself removes what is old, too.
  expect(await open().of(file)).toBe(second);
  expect(listed()).toEqual([second]);
  expect(fs.readdirSync(path('sources'))).toHaveLength(1);
});

test('all copies together are limited; what was used lately stays', async () => {
  const copies = open();
  const kept = await copies.of(program('kept'));
  const sparse = (digit: string, age_ms: number) => {
    const name = digit.repeat(64);
    fs.writeFileSync(path(name), '');
    fs.truncateSync(path(name), Math.ceil(limits.program_copies_bytes_max * 0.6));
    const at = (clock.now() - age_ms) / 1000;
    fs.utimesSync(path(name), at, at);
    return name;
  };
  sparse('a', 3 * DAY_MS);
  sparse('b', 2 * DAY_MS);
  const fresh = sparse('c', 60_000);
  const unfinished = path(`.${'0'.repeat(16)}.new`);
  fs.writeFileSync(unfinished, 'half of it');
  fs.utimesSync(unfinished, 0, 0);
  const other = join(directory, 'notes of somebody');
  fs.writeFileSync(other, '');
  fs.utimesSync(other, 0, 0);
  const added = await copies.of(program('added', 'more'));
  expect(listed()).toEqual([kept, fresh, added, 'notes of somebody'].sort());
});

test.each<[string, (file: string) => void]>([
  ['cut', (file) => fs.truncateSync(file, 10)],
  ['readable', (file) => fs.chmodSync(file, 0o755)],
  [
    'a link',
    (file) => {
      fs.rmSync(file);
      fs.symlinkSync('/usr/bin/echo', file);
    },
  ],
  ['known by a second name', (file) => fs.linkSync(file, `${file}.second`)],
  ['gone', (file) => fs.rmSync(file)],
])('a copy that is %s is made again', async (_what, damage) => {
  const copies = open();
  const name = await copies.of('/usr/bin/echo');
  if (process.getuid!() !== 0) fs.chmodSync(path(name), 0o755);
  damage(path(name));
  expect(await copies.of('/usr/bin/echo')).toBe(name);
  const stat = fs.lstatSync(path(name));
  expect([stat.isFile(), stat.mode & 0o7777, stat.nlink]).toEqual([true, 0o111, 1]);
  expect(stat.size).toBe(fs.statSync('/usr/bin/echo').size);
});

test('what cannot be copied is a sentence and leaves nothing', async () => {
  execFileSync('mkfifo', [join(root, 'fifo')]);
  fs.writeFileSync(join(root, 'large'), '');
  fs.truncateSync(join(root, 'large'), limits.program_bytes_max + 1);
  for (const [file, says] of [
    ['/no/such/program', 'ENOENT'],
    [join(root, 'fifo'), 'not a regular file'],
    [root, 'not a regular file'],
    [join(root, 'large'), 'at most'],
  ]) {
    await expect(open().of(file!), file).rejects.toMatchObject({
      code: 'program.copy-failed',
      message: expect.stringContaining(says!),
    });
  }
  expect(listed()).toEqual([]);
  fs.chmodSync(directory, 0o777);
  await expect(open().of('/usr/bin/echo')).rejects.toThrow('Another user can write there');
});

test.runIf(mayMount)('a full disk and one that runs no programs are said', async () => {
  const disk = new SmallDisk(join(root, 'aether'), 8);
  cleanups.push(() => disk.close());
  disk.fill();
  await expect(open().of('/usr/bin/bash')).rejects.toMatchObject({
    code: 'program.copy-failed',
    message: expect.stringContaining('ENOSPC'),
  });
  expect(listed()).toEqual([]);
  disk.relieve();
  execFileSync('mount', ['-o', 'remount,noexec', disk.dir]);
  await expect(open().of('/usr/bin/echo')).rejects.toThrow('mounted noexec');
});
