/** A screen that is kept from a real journal: across hosts, past output, and what programs ask. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Journal } from '../../../src/host/shim/process/journal.ts';
import { RecordType } from '../../../src/host/shim/shim-protocol.ts';
import { Follower } from '../../../src/host/terminals/screen/follower.ts';
import { emulator, stateOf } from '../../support/terminal-state.ts';

const LIMITS = { scrollback_lines_max: 200, scrollback_bytes_max: 8 * 1024 * 1024 };
const SIZE = { cols: 80, rows: 24 };
const MB = 1024 * 1024;

let dir: string;
let journal: Journal;
let saw: ReturnType<typeof emulator>;
let answered: { frame: string; text: string }[];
let now_ms: number;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'aether-follower-'));
  journal = new Journal({
    dir: join(dir, 'journal'),
    segmentBytes: 4 * MB,
    bytesMax: 8 * MB,
    onGrown: () => undefined,
    onBlocked: () => undefined,
  });
  saw = emulator(SIZE, undefined, LIMITS);
  answered = [];
  now_ms = Date.now();
});
afterEach(async () => {
  await journal.close();
  rmSync(dir, { recursive: true });
});

function print(text: string): void {
  journal.output(RecordType.out, 0, Buffer.from(text));
  journal.flush();
  saw.write(Buffer.from(text));
}

function follow(fresh = false): Follower {
  return new Follower({
    source: {
      journal: join(dir, 'journal'),
      process: 0,
      from: 0,
      ...SIZE,
      late: { from: journal.offset, ...SIZE },
    },
    to: journal.offset,
    fresh,
    scrollback_lines_max: LIMITS.scrollback_lines_max,
    name: 'aether(test)',
    now: () => now_ms,
    answer: (frame, text) => answered.push({ frame, text }),
    failed: (why) => {
      throw new Error(why);
    },
  });
}

/** All that is there. */
function read(follower: Follower): void {
  follower.grown(journal.offset);
  while (follower.behind) follower.step();
}

function shows(follower: Follower): unknown {
  const { cols, rows, data } = follower.snapshot();
  const shown = emulator({ cols, rows }, undefined, LIMITS);
  shown.write(data);
  return stateOf(shown);
}

test('a mode that was set once, megabytes ago, and a size are of the screen, also for the next host', () => {
  const first = follow();
  print('\x1b[?2004h\x1b[?1h\x1b]2;once\x07\x1b[?1000h\x1b[31m');
  for (let line = 0; line < 30_000; line += 1)
    print(
      line % 1_000 === 0 ? `\x1b[3${line % 8}mline ${line}\x1b[m\r\n` : `line ${line} ${'.'.repeat(60)}\r\n`,
    );
  read(first);
  expect(shows(first)).toEqual(stateOf(saw));
  journal.append(RecordType.resized, 0, { cols: 100, rows: 30 });
  saw.resize(100, 30);
  print('\x1b[?1049h\x1b[5;5Hfull screen');
  first.checkpoint();
  read(first);
  expect(shows(first)).toEqual(stateOf(saw));
  first.close();

  // A host that comes after it begins at its checkpoint; what was printed meanwhile it draws.
  print('\x1b[7;7Hmeanwhile');
  const second = follow();
  expect(second.offset).toBeGreaterThan(2 * MB);
  read(second);
  expect(shows(second)).toEqual(stateOf(saw));
  second.close();
}, 60_000);

test('a checkpoint that is damaged, or of another process, is read past', () => {
  print('\x1b[?2004hfirst\r\n');
  print(`${'x'.repeat(70)}\r\n`.repeat(5_000));
  const first = follow();
  read(first);
  first.checkpoint();
  first.close();
  for (const content of [
    '',
    '{"version":1}\n',
    `{"version":1,"process":0,"offset":5,"cols":80,"rows":24,"crc":1}\nabc`,
  ]) {
    writeFileSync(join(dir, 'journal', 'screen-0'), content);
    const next = follow();
    read(next);
    expect(shows(next)).toEqual(stateOf(saw));
    next.close();
  }
});

test('a question that is printed now is answered once; one of the past is not', () => {
  now_ms += 60_000;
  print('past \x1b[6n');
  const first = follow();
  read(first);
  expect(answered).toEqual([]);
  print('\r\n\x1b[6n');
  read(first);
  expect(answered).toEqual([{ frame: `answer-0-${journal.offset}`, text: '\x1b[2;1R' }]);
  first.close();
  // Another host comes upon it soon: its answer has the same name, so the shim writes it once.
  now_ms -= 60_000;
  const [known] = answered;
  answered = [];
  const second = follow();
  read(second);
  expect(answered).toContainEqual(known);
  second.close();
});

test('a screen that cannot be read begins again with what comes', () => {
  print('hello');
  const next = follow(true);
  print('\x1b[H\x1b[2Jnew');
  read(next);
  expect(JSON.stringify(shows(next))).toContain('new');
  expect(JSON.stringify(shows(next))).not.toContain('hello');
  next.close();
});
