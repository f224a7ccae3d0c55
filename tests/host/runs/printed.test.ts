/** What a program prints comes in records that end anywhere, inside a character too. */
import { expect, test } from 'vitest';
import { lastPrinted, printed, printedLines, spawned } from '../../../src/host/runs/floor.ts';
import { cutLines } from '../../../src/host/runs/output-lines.ts';
import type { Floor } from '../../../src/host/store/run-parts.ts';

const SAID = 'Grüße 👩‍👩‍👧‍👦 漢字 😀 – done';

function floorOf(io: 'pipes' | 'pty'): Floor {
  const floor: Floor = {
    process: null,
    processes: {},
    size: { cols: 80, rows: 24 },
    opening: [],
    tail: null,
    leftOut: 0,
  };
  spawned(floor, { index: 0, role: 'engine', pid: 1, io } as Parameters<typeof spawned>[1], 0);
  return floor;
}

test('what a terminal prints is whole, wherever its output is cut', () => {
  const bytes = Buffer.from(SAID);
  for (let size = 1; size <= 7; size += 1) {
    // Stored with the run: a host that is killed in the middle of a character goes on there.
    let floor = floorOf('pty');
    let text = '';
    for (let at = 0; at < bytes.length; at += size) {
      floor = JSON.parse(JSON.stringify(floor)) as Floor;
      text += printed(floor, 0, { payload: bytes.subarray(at, at + size), end: at, at_ms: 0 })!.text;
    }
    expect(text).toBe(SAID);
    expect(lastPrinted(floor.processes[0]!)).toBe(SAID);
  }
});

test('the last words on stderr are whole, with and without the end of a line', () => {
  for (const said of [SAID, `one\n${SAID}`, `one\n${SAID}\n`]) {
    const bytes = Buffer.from(said);
    const floor = floorOf('pipes');
    for (let at = 0; at < bytes.length; at += 3) {
      const payload = bytes.subarray(at, at + 3);
      const { process } = printed(floor, 0, { payload, end: at, at_ms: 0 })!;
      const cut = cutLines({ rest: process.partialErr, long: null }, payload);
      process.partialErr = cut.rest;
      printedLines(
        process,
        cut.lines.map(({ text }) => text),
      );
    }
    expect(lastPrinted(floor.processes[0]!)).toBe(said);
  }
});

test('no more than the end is kept, and it begins with a whole character', () => {
  const floor = floorOf('pty');
  for (let n = 0; n < 1_000; n += 1) printed(floor, 0, { payload: Buffer.from('😀a👍🏽'), end: n, at_ms: 0 });
  const last = lastPrinted(floor.processes[0]!);
  expect(last.length).toBeGreaterThan(1_980);
  expect(last.length).toBeLessThanOrEqual(2_000);
  expect(last.isWellFormed()).toBe(true);
  expect(last).toMatch(/^(?:😀|a|👍🏽)/u);
});
