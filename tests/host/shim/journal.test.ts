/** The journal: rotation, deletion, the torn tail, a host that does not keep up, a disk that is full. */
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { JournalReader } from '../../../src/host/shim/client/reader.ts';
import { encodeRecord, listSegments } from '../../../src/host/shim/format.ts';
import { RecordType } from '../../../src/host/shim/shim-protocol.ts';
import { repairTail } from '../../../src/host/shim/tail.ts';
import { program, ShimLab, shell, until } from '../../support/shim.ts';

const lab = new ShimLab();
afterEach(() => lab.clean());

const KB = 1024;

test('files rotate, are read across, and processed ones are deleted beyond the limit', async () => {
  const shim = await lab.launch({ journal_segment_bytes: 64 * KB, journal_bytes_max: 512 * KB });
  const { client, journal, over, start } = shim;
  // Reads and acknowledges as a host does, in small steps.
  let acked = 0;
  client.onNotice(() => {
    journal.read();
    if (journal.offset === acked) return;
    acked = journal.offset;
    void client.ack(acked);
  });
  await client.start('s1', program('numbered.mjs', ['200000']));
  expect(await over(20_000)).toMatchObject({ code: 7 });
  const numbers = journal.text(0).split('\n');
  expect(numbers).toHaveLength(200_001);
  expect(numbers.findIndex((text, index) => index < 200_000 && Number(text) !== index + 1)).toBe(-1);
  const segments = listSegments(start.dir);
  const kept = segments.reduce((sum, segment) => sum + statSync(segment.path).size, 0);
  expect(journal.offset).toBeGreaterThan(3_200_000);
  expect(kept).toBeLessThan(512 * KB + 3 * 64 * KB);
  expect(segments[0]!.start).toBeGreaterThan(0);
  expect(repairTail(start.dir)).toEqual({ offset: journal.offset, cut: 0 });
  expect(() => new JournalReader(start.dir, 0).read()).toThrow(/no longer holds offset 0/);
});

test('a host that does not acknowledge stops the engine, and loses nothing when it comes back', async () => {
  const { client, journal, over, start } = await lab.launch({
    journal_segment_bytes: 256 * KB,
    journal_bytes_max: 1024 * KB,
  });
  await client.start('s1', program('numbered.mjs', ['300000']));
  const size = () => listSegments(start.dir).reduce((sum, segment) => sum + statSync(segment.path).size, 0);
  await until('the journal to fill', () => size() > 1024 * KB);
  const stopped = await until('growth to stop', async () => {
    const before = (await client.currentStatus()).offset;
    await new Promise((resolve) => setTimeout(resolve, 300));
    return before === (await client.currentStatus()).offset && before;
  });
  expect(stopped).toBeLessThan(1024 * KB + 256 * KB);
  client.onNotice(() => void client.ack(journal.read().offset));
  await client.ack(journal.read().offset);
  expect(await over(20_000)).toMatchObject({ code: 7 });
  const numbers = journal.text(0).split('\n');
  expect(numbers).toHaveLength(300_001);
  expect(numbers.findIndex((text, index) => index < 300_000 && Number(text) !== index + 1)).toBe(-1);
});

test.each([false, true])(
  'a stopped reader does not cost the last words of a process (terminal: %s)',
  async (pty) => {
    const { client, journal, over } = await lab.launch({
      journal_segment_bytes: 16 * KB,
      journal_bytes_max: 32 * KB,
    });
    // Fills the journal, then exits with more in the pipe or terminal than was read.
    await client.start('s1', shell('seq 1 100000; echo the end; exit 5', { pty }));
    await until('the backlog', async () => (await client.currentStatus()).offset > 32 * KB);
    client.onNotice(() => void client.ack(journal.read().offset));
    await client.ack(journal.read().offset);
    expect(await over(20_000)).toMatchObject({ code: 5 });
    const lines = journal.text(0).replaceAll('\r', '').split('\n');
    expect(lines.slice(-2)).toEqual(['the end', '']);
    expect(lines).toHaveLength(100_002);
  },
);

test('a torn tail is found and cut; whole records before it are kept', async () => {
  const dir = join(lab.directory(), 'journal');
  mkdirSync(dir);
  const whole = [0, 1, 2].map((n) => encodeRecord(RecordType.out, 0, 1_000 + n, Buffer.from(`record ${n}`)));
  const torn = encodeRecord(RecordType.out, 0, 2_000, Buffer.alloc(300_000, 65));
  const file = join(dir, '0000000000000000.journal');
  const length = whole.reduce((sum, record) => sum + record.length, 0);
  for (const cut of [1, 19, 20, 21, torn.length - 1]) {
    writeFileSync(file, Buffer.concat([...whole, torn.subarray(0, cut)]));
    const reader = new JournalReader(dir);
    expect(reader.read().map((record) => record.payload.toString())).toEqual([
      'record 0',
      'record 1',
      'record 2',
    ]);
    expect(reader.offset).toBe(length);
    expect(reader.damaged).toBe(false);
    expect(repairTail(dir)).toEqual({ offset: length, cut });
    expect(statSync(file).size).toBe(length);
    expect(repairTail(dir)).toEqual({ offset: length, cut: 0 });
    // What comes next is read on from where the reader stopped.
    appendFileSync(file, torn);
    expect(reader.read(100)[0]).toMatchObject({ end: length + torn.length, at_ms: 2_000 });
    expect(reader.read()).toEqual([]);
    reader.close();
  }
});

test('blocks of zeros and flipped bits after the last whole record are damage, and cut', () => {
  const dir = join(lab.directory(), 'journal');
  mkdirSync(dir);
  const file = join(dir, '0000000000001000.journal');
  const record = encodeRecord(RecordType.out, 3, 1, Buffer.from('kept'));
  const flipped = Buffer.from(record);
  flipped[record.length - 1]! ^= 1;
  for (const tail of [flipped, Buffer.alloc(4096), Buffer.alloc(100, 255)]) {
    writeFileSync(file, Buffer.concat([record, tail]));
    const reader = new JournalReader(dir, 0x1000);
    expect(reader.read()).toHaveLength(1);
    expect(reader.read()).toEqual([]);
    expect(reader.damaged).toBe(true);
    reader.close();
    expect(repairTail(dir)).toEqual({ offset: 0x1000 + record.length, cut: tail.length });
  }
});

test('a shim that finds a torn journal goes on behind the last whole record', async () => {
  const first = await lab.launch();
  await first.client.start('s1', shell('echo one'));
  await first.over();
  const file = listSegments(first.start.dir)[0]!.path;
  truncateSync(file, statSync(file).size - 3);
  const reader = new JournalReader(first.start.dir);
  reader.read();
  const kept = reader.offset;
  reader.close();
  const second = await lab.launch({ dir: first.start.dir });
  expect(second.client.status.offset).toBe(kept);
  await second.client.start('s1', shell('echo two'));
  await until('both', () => second.journal.read().text(0) === 'one\ntwo\n');
});

test('reading an empty place gives nothing, not an error', () => {
  const dir = join(lab.directory(), 'none');
  expect(new JournalReader(dir).read()).toEqual([]);
  expect(repairTail(dir)).toEqual({ offset: 0, cut: 0 });
});

/** A file system of 1 MB; needs the right to mount. */
function smallDisk(): string | null {
  const dir = lab.directory();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', dir], { stdio: 'ignore' });
  } catch {
    return null;
  }
  lab.onClean(() => execFileSync('umount', ['-l', dir]));
  return dir;
}

test.runIf(process.getuid!() === 0)(
  'a full disk stops the engine, refuses writes, and loses nothing (root only)',
  async () => {
    const disk = smallDisk();
    expect(disk, 'root, but a tmpfs cannot be mounted here').not.toBeNull();
    const { client, journal, over } = await lab.launch({ dir: join(disk!, 'journal') });
    const numbered = program('numbered.mjs', ['150000']);
    const script = `read go; "$@"; read bye; exit 8`;
    await client.start('s1', { ...numbered, argv: ['/bin/sh', '-c', script, 'sh', ...numbered.argv] });
    const ballast = join(disk!, 'ballast');
    writeFileSync(ballast, Buffer.alloc(512 * KB));
    await client.write(0, 'go', 'go\n');
    await until('the disk to fill', async () => (await client.currentStatus()).trouble);
    expect((await client.currentStatus()).trouble).toBe('the disk is full');
    await expect(client.write(0, 'f1', 'lost?\n')).rejects.toMatchObject({
      code: 'shim.disk-full',
      who: 'user',
    });
    const full = (await client.currentStatus()).offset;
    rmSync(ballast);
    await until('the journal to go on', async () => (await client.currentStatus()).offset > full);
    // Still more than fits: a larger disk, in mid-run.
    execFileSync('mount', ['-o', 'remount,size=16m', disk!]);
    await until('the rest', () =>
      journal
        .read()
        .text(0)
        .endsWith(`${'150000'.padStart(15, '0')}\n`),
    );
    await until('the disk to be fine', async () => !(await client.currentStatus()).trouble);
    await client.write(0, 'bye', 'bye\n');
    expect(await over()).toMatchObject({ code: 8 });
    const numbers = journal.text(0).split('\n');
    expect(numbers).toHaveLength(150_001);
    expect(numbers.findIndex((text, index) => index < 150_000 && Number(text) !== index + 1)).toBe(-1);
    const troubles = journal.all<{ cause: string }>(RecordType.trouble).map((trouble) => trouble.cause);
    expect(troubles.some((cause) => cause.includes('the disk is full'))).toBe(true);
    expect(readdirSync(join(disk!, 'journal'))).toContain('shim.log');
  },
);
