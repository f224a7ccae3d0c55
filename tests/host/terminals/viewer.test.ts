/** A viewer of a real journal: the screen first, then every byte; pauses, and falling behind a program that prints without end. */
import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { TerminalChunk, TerminalInfo } from '../../../src/host/api.ts';
import { limits } from '../../../src/host/limits.ts';
import { openLog } from '../../../src/host/log.ts';
import { Journal } from '../../../src/host/shim/process/journal.ts';
import { RecordType } from '../../../src/host/shim/shim-protocol.ts';
import type { Emulator } from '../../../src/host/terminals/screen/emulator.ts';
import { JournalViewer } from '../../../src/host/terminals/viewer.ts';
import { eventually } from '../../support/eventually.ts';
import { emulator, stateOf } from '../../support/terminal-state.ts';

const MB = 1024 * 1024;
const MARK_BYTES = 128 * 1024;
const info: TerminalInfo = { run: 'r', process: 0, cols: 80, rows: 24 };

let dir: string;
let journal: Journal;
let listeners: Set<() => void>;
/** Where a replay begins: the newest record boundary that is far enough back. */
let marks: number[];
let printed = 0;
/** Sees all that is printed. */
let screen: Emulator;
let viewer: JournalViewer | null = null;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'aether-viewer-'));
  listeners = new Set();
  marks = [0];
  printed = 0;
  screen = emulator(info);
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
  const lines: Buffer[] = [];
  for (const end = printed + bytes; printed < end; ) {
    const line = Buffer.from(`${String(printed).padStart(15, '0')}\n`);
    journal.output(RecordType.out, 0, line);
    lines.push(line);
    printed += line.length;
    if (printed % MARK_BYTES !== 0) continue;
    journal.flush();
    marks.push(journal.offset);
  }
  journal.flush();
  screen.write(Buffer.concat(lines));
  journal.ack(journal.offset);
  for (const listener of listeners) listener();
}

interface Seen {
  chunks: TerminalChunk[];
  screens: string[];
  /** What a terminal shows that was given all of it. */
  shows: Emulator;
  text(): string;
}

function watch(screenless: boolean, onChunk: (viewer: JournalViewer) => void = () => undefined): Seen {
  const seen: Seen = {
    chunks: [],
    screens: [],
    shows: emulator(info),
    text: () => Buffer.concat(seen.chunks.map(({ data }) => data)).toString(),
  };
  viewer = new JournalViewer(
    {
      run: 'r',
      journal: dir,
      now: () => ({
        from:
          marks.find((mark) => journal.offset - mark <= limits.terminal_replay_bytes_max) ?? journal.offset,
        to: journal.offset,
        info,
      }),
      snapshot: async () =>
        screenless
          ? null
          : { process: 0, offset: journal.offset, cols: 80, rows: 24, data: screen.snapshot() },
      onGrown: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    (item) => {
      if (item.kind === 'screen') {
        seen.screens.push(item.data.toString());
        seen.shows = emulator(info);
        seen.shows.write(item.data);
      } else if (item.kind === 'chunk') {
        seen.chunks.push({ ...item, data: Buffer.from(item.data) });
        seen.shows.write(item.data);
        onChunk(viewer!);
      }
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

test('without a screen: the newest bytes of the past, then each of the present, once', async () => {
  print(MB);
  const seen = watch(true);
  await eventually('it has begun', () => seen.screens.length === 1);
  const past = numbers(seen.screens[0]!);
  print(MB);
  print(2 * MB);
  await eventually('it has read all', () => seen.chunks.at(-1)?.offset === journal.offset);
  const all = [...past, ...numbers(seen.text())];
  expect(all).toHaveLength(printed / 16);
  expect(all.findIndex((number, index) => number !== index * 16)).toBe(-1);
  expect(seen.screens).toHaveLength(1);
});

test('a paused viewer holds no file and misses nothing, as long as it is not left far behind', async () => {
  print(MB);
  let paused = false;
  const seen = watch(true, (one) => {
    if (paused) return;
    paused = true;
    one.pause();
  });
  await eventually('it has begun', () => seen.screens.length === 1);
  print(MB);
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
  expect(numbers(seen.screens[0]! + seen.text())).toHaveLength(printed / 16);
});

test('one that is left far behind is shown the present screen, in one step, and goes on from there', async () => {
  print(MB);
  let paused = false;
  const seen = watch(false, (one) => {
    if (paused) return;
    paused = true;
    one.pause();
  });
  await eventually('it has begun', () => seen.screens.length === 1);
  print(MB);
  await eventually('it has paused', () => paused);
  // Its next file is deleted before it comes back.
  for (let round = 0; round < 10; round += 1) print(2 * MB);
  viewer!.resume();
  await eventually('it is shown the present', () => seen.screens.length === 2);
  expect(stateOf(seen.shows)).toEqual(stateOf(screen));
  const before = seen.chunks.length;
  print(MB);
  await eventually('it has read all', () => seen.chunks.at(-1)?.offset === journal.offset);
  const rest = seen.chunks.slice(before).map(({ data }) => data.toString());
  expect(numbers(rest.join(''))).toHaveLength(MB / 16);
  expect(stateOf(seen.shows)).toEqual(stateOf(screen));
  expect(seen.screens).toHaveLength(2);
});
