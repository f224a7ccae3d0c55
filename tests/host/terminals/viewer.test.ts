/** A viewer of a real journal: the replay, pauses, and falling behind a program that prints without end. */
import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { TerminalChunk, TerminalInfo } from '../../../src/host/api.ts';
import { limits } from '../../../src/host/limits.ts';
import { openLog } from '../../../src/host/log.ts';
import { Journal } from '../../../src/host/shim/process/journal.ts';
import { RecordType } from '../../../src/host/shim/shim-protocol.ts';
import { JournalViewer } from '../../../src/host/terminals/viewer.ts';
import { eventually } from '../../support/eventually.ts';

const MB = 1024 * 1024;
const MARK_BYTES = 128 * 1024;
const info: TerminalInfo = { run: 'r', process: 0, cols: 80, rows: 24 };

let dir: string;
let journal: Journal;
let listeners: Set<() => void>;
/** Where a replay begins: the newest record boundary that is far enough back. */
let marks: number[];
let printed = 0;
let viewer: JournalViewer | null = null;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'aether-viewer-'));
  listeners = new Set();
  marks = [0];
  printed = 0;
  journal = new Journal({
    dir,
    segmentBytes: 4 * MB,
    bytesMax: 8 * MB,
    onGrown: () => undefined,
    onBlocked: () => undefined,
  });
});
afterEach(async () => {
  viewer?.close();
  viewer = null;
  await journal.close();
  rmSync(dir, { recursive: true });
});

/** Prints numbered lines and processes them, as the host does: what is acknowledged may be deleted. */
function print(bytes: number): void {
  for (const end = printed + bytes; printed < end; ) {
    const line = Buffer.from(`${String(printed).padStart(15, '0')}\n`);
    journal.output(RecordType.out, 0, line);
    printed += line.length;
    if (printed % MARK_BYTES !== 0) continue;
    journal.flush();
    marks.push(journal.offset);
  }
  journal.flush();
  journal.ack(journal.offset);
  for (const listener of listeners) listener();
}

interface Seen {
  chunks: TerminalChunk[];
  resets: number;
  text(): string;
}

function watch(onChunk: (viewer: JournalViewer) => void = () => undefined): Seen {
  const seen: Seen = {
    chunks: [],
    resets: 0,
    text: () => Buffer.concat(seen.chunks.map(({ data }) => data)).toString(),
  };
  viewer = new JournalViewer(
    {
      run: 'r',
      journal: dir,
      screen: () => ({
        from:
          marks.find((mark) => journal.offset - mark <= limits.terminal_replay_bytes_max) ?? journal.offset,
        to: journal.offset,
        info,
      }),
      onGrown: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    (chunk) => {
      seen.chunks.push({ ...chunk, data: Buffer.from(chunk.data) });
      onChunk(viewer!);
    },
    () => {
      seen.resets += 1;
    },
    openLog(undefined),
  );
  return seen;
}

/** Numbers of the whole lines in it. */
function numbers(text: string): number[] {
  return text
    .split('\n')
    .filter((line) => /^\d{15}$/.test(line))
    .map(Number);
}

test('the past, then every byte of the present, once', async () => {
  print(MB);
  const seen = watch();
  const past = numbers(viewer!.replay.toString());
  print(3 * MB);
  print(3 * MB);
  await eventually('it has read all', () => seen.chunks.at(-1)?.offset === journal.offset);
  const all = [...past, ...numbers(seen.text())];
  expect(all).toHaveLength(printed / 16);
  expect(all.findIndex((number, index) => number !== index * 16)).toBe(-1);
  expect(seen.resets).toBe(0);
});

test('a paused viewer holds no file and misses nothing, as long as it is not left far behind', async () => {
  print(MB);
  let paused = false;
  const seen = watch((one) => {
    if (paused) return;
    paused = true;
    one.pause();
  });
  print(2 * MB);
  await eventually('it has paused', () => paused);
  const held = () =>
    readdirSync('/proc/self/fd').filter((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`).startsWith(dir);
      } catch {
        return false; // closed meanwhile
      }
    }).length;
  // The journal's own.
  await eventually('its file is closed', () => held() === 1);
  print(2 * MB);
  viewer!.resume();
  await eventually('it has read all', () => seen.chunks.at(-1)?.offset === journal.offset);
  expect(numbers(viewer!.replay.toString() + seen.text())).toHaveLength(printed / 16);
});

test('one that is left far behind is shown the present, and told how much it missed', async () => {
  print(MB);
  let paused = false;
  const seen = watch((one) => {
    if (paused) return;
    paused = true;
    one.pause();
  });
  print(MB);
  await eventually('it has paused', () => paused);
  // Its next file is deleted before it comes back.
  for (let round = 0; round < 10; round += 1) print(2 * MB);
  const before = seen.chunks.length;
  viewer!.resume();
  await eventually('it has read all', () => seen.chunks.at(-1)?.offset === journal.offset);
  expect(seen.resets).toBe(1);
  const [notice, ...rest] = seen.chunks.slice(before).map(({ data }) => data.toString());
  expect(notice).toMatch(/aether: \d\d MB were printed faster than you read, and are left out here/);
  const shown = numbers(rest.join(''));
  expect(shown.at(-1)).toBe(printed - 16);
  expect(shown.findIndex((number, index) => number !== shown[0]! + index * 16)).toBe(-1);
  expect(shown.length * 16).toBeLessThanOrEqual(limits.terminal_replay_bytes_max);
  // And goes on from there.
  print(MB);
  await eventually('it goes on', () => seen.chunks.at(-1)?.offset === journal.offset);
  expect(numbers(seen.text()).at(-1)).toBe(printed - 16);
});
