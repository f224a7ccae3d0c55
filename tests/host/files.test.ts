/** What an agent can put in the place of a file: none of it blocks, is followed, or is read without end. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  openFile,
  openOutput,
  openToAppend,
  readFileNow,
  readFileSafely,
  readFromNow,
  readIfThere,
  sizeNow,
} from '../../src/host/files.ts';

const MAX = 1_000;
let dir: string;
let server: Server | null;

beforeEach(() => {
  dir = fs.mkdtempSync(join(tmpdir(), 'aether-files-'));
  server = null;
});
afterEach(() => {
  server?.close();
  fs.rmSync(dir, { recursive: true });
});

const PLANTED: [string, (path: string) => void | Promise<void>, RegExp][] = [
  ['a pipe', (path) => void execFileSync('mkfifo', [path]), /not a regular file/],
  ['a link to a file', (path) => fs.symlinkSync('/etc/passwd', path), /ELOOP/],
  ['a link to a device without end', (path) => fs.symlinkSync('/dev/zero', path), /ELOOP/],
  ['a directory', (path) => void fs.mkdirSync(path), /not a regular file/],
  [
    'a socket',
    (path) =>
      new Promise<void>((resolve) => {
        server = createServer().listen(path, () => resolve());
      }),
    /ENXIO/,
  ],
  [
    'a sparse file of 10 GB',
    (path) => {
      fs.writeFileSync(path, '');
      fs.truncateSync(path, 10 * 1024 ** 3);
    },
    /larger than 1000 bytes/,
  ],
  ['nothing', () => undefined, /ENOENT/],
];

test.each(PLANTED)('%s is refused at once', async (_what, plant, refusal) => {
  const path = join(dir, 'planted');
  await plant(path);
  expect(() => readFileNow(path, { bytes_max: MAX })).toThrow(refusal);
  await expect(readFileSafely(path, { bytes_max: MAX })).rejects.toThrow(refusal);
  if (!/larger/.test(refusal.source)) {
    expect(() => readFromNow(path, 0, MAX)).toThrow(refusal);
    expect(() => openFile(path)).toThrow(refusal);
    expect(sizeNow(path)).toBe(0);
  } else expect(readFromNow(path, 10, MAX)).toEqual(Buffer.alloc(MAX));
});

test('links that are the user’s own are followed, to a file and to nothing else', async () => {
  const path = join(dir, 'link');
  fs.symlinkSync('/dev/zero', path);
  expect(() => readFileNow(path, { bytes_max: MAX, links: 'followed' })).toThrow(/not a regular file/);
  await expect(readFileSafely(path, { bytes_max: MAX, links: 'followed' })).rejects.toThrow(/not a regular/);
  fs.rmSync(path);
  fs.writeFileSync(join(dir, 'file'), 'kept elsewhere');
  fs.symlinkSync('file', path);
  expect(readFileNow(path, { bytes_max: MAX, links: 'followed' }).toString()).toBe('kept elsewhere');
  expect((await readFileSafely(path, { bytes_max: MAX, links: 'followed' })).toString()).toBe(
    'kept elsewhere',
  );
});

test('a file is read whole up to the limit, and from an offset', async () => {
  const path = join(dir, 'file');
  const text = 'x'.repeat(MAX);
  fs.writeFileSync(path, text);
  expect(readFileNow(path, { bytes_max: MAX }).toString()).toBe(text);
  expect((await readFileSafely(path, { bytes_max: MAX })).toString()).toBe(text);
  expect(() => readFileNow(path, { bytes_max: MAX - 1 })).toThrow(/larger/);
  await expect(readFileSafely(path, { bytes_max: MAX - 1 })).rejects.toThrow(/larger/);
  expect(readFromNow(path, MAX - 3, 10).toString()).toBe('xxx');
  expect(readFromNow(path, MAX + 3, 10)).toHaveLength(0);
  expect(sizeNow(path)).toBe(MAX);
  expect(readIfThere(join(dir, 'none'), MAX)).toBeNull();
});

test('no descriptor stays open behind a refusal', async () => {
  const path = join(dir, 'pipe');
  execFileSync('mkfifo', [path]);
  const open = () => fs.readdirSync('/proc/self/fd').length;
  const before = open();
  for (let time = 0; time < 50; time += 1) {
    expect(() => readFileNow(path, { bytes_max: MAX })).toThrow();
    await expect(readFileSafely(path, { bytes_max: MAX })).rejects.toThrow();
  }
  expect(open()).toBeLessThan(before + 10);
});

test('a file to append to is made, and a pipe in its place is an error', () => {
  const path = join(dir, 'log');
  fs.closeSync(openToAppend(path));
  expect(fs.statSync(path).mode & 0o777).toBe(0o600);
  fs.rmSync(path);
  execFileSync('mkfifo', [path]);
  expect(() => openToAppend(path)).toThrow(/ENXIO/);
});

test('output goes on in a new file where a pipe or a directory took its place', () => {
  const path = join(dir, 'log');
  for (const plant of ['mkfifo', 'mkdir']) {
    execFileSync(plant, [path]);
    const fd = openOutput(path);
    fs.writeSync(fd, plant);
    fs.closeSync(fd);
    expect(fs.readFileSync(path, 'utf8')).toBe(plant);
    expect(fs.statSync(`${path}.aside`).isFile()).toBe(false);
    fs.closeSync(openOutput(path));
    expect(fs.readFileSync(path, 'utf8')).toBe(plant);
    fs.rmSync(path);
  }
});
