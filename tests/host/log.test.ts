/** The host's log: its bound, and a disk that takes no more of it. */
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LogFile, openLog } from '../../src/host/log.ts';
import { mayMount, SmallDisk } from '../support/small-disk.ts';

let dir: string;
let disk: SmallDisk | null = null;
beforeEach(() => {
  dir = fs.mkdtempSync(join(tmpdir(), 'aether-log-'));
});
afterEach(() => {
  disk?.close();
  disk = null;
  fs.rmSync(dir, { recursive: true });
});

test('above its bound it begins again and keeps the one before', () => {
  const file = join(dir, 'host.log');
  const log = new LogFile(file, 10_000);
  for (let n = 0; n < 1_000; n += 1) log.write(`${JSON.stringify({ n, text: 'x'.repeat(80) })}\n`);
  const sizes = fs.readdirSync(dir).map((name) => fs.statSync(join(dir, name)).size);
  expect(fs.readdirSync(dir).sort()).toEqual(['host.log', 'host.log.1']);
  expect(Math.max(...sizes)).toBeLessThan(10_200);
  const lines = ['host.log.1', 'host.log']
    .flatMap((name) => fs.readFileSync(join(dir, name), 'utf8').trim().split('\n'))
    .map((line) => (JSON.parse(line) as { n: number }).n);
  expect(lines.at(-1)).toBe(999);
  expect(lines.every((n, index) => index === 0 || n === lines[index - 1]! + 1)).toBe(true);
  // Another process goes on where this one stopped.
  const bytes = fs.statSync(file).size;
  new LogFile(file, 10_000).write('{}\n');
  expect(fs.statSync(file).size).toBe(bytes + 3);
});

test('secrets are taken out, and the file is its owner’s', () => {
  const file = join(dir, 'host.log');
  openLog(file).info({ agent: 'a', token: 'sk-ant-1', nested: { apiKey: 'sk-ant-2' } }, 'hello');
  const text = fs.readFileSync(file, 'utf8');
  expect(text).toContain('hello');
  expect(text).not.toContain('sk-ant');
  expect(fs.statSync(file).mode & 0o777).toBe(0o600);
});

if (!mayMount) console.warn('LEFT OUT: a full disk cannot be made here; run as root to test it.');

test.runIf(mayMount)('a full disk costs lines, and they are counted', () => {
  disk = new SmallDisk(join(dir, 'disk'), 1);
  const file = join(disk.dir, 'host.log');
  const log = openLog(file);
  log.info('before');
  disk.fill();
  for (let n = 0; n < 200; n += 1) log.warn({ n, text: 'x'.repeat(100) }, 'while it is full');
  disk.relieve();
  log.info('after');
  const lines = fs.readFileSync(file, 'utf8').trim().split('\n');
  expect(lines[0]).toContain('before');
  expect(lines.at(-1)).toContain('after');
  const lost = Number(/(\d+) lines of this log could not be written/.exec(lines.at(-2)!)?.[1]);
  expect(lost).toBeGreaterThan(100);
  // One may be torn; every other line is whole.
  const broken = lines.filter((line) => {
    try {
      return JSON.parse(line) === null;
    } catch {
      return true;
    }
  });
  expect(broken.length).toBeLessThanOrEqual(1);
  expect(lines.length - broken.length).toBe(1 + (200 - lost) + 2);
});
