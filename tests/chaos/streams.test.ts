/** What judges the streams must be able to find it: a line lost, doubled or torn is seen, and a whole stream is not. */
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { encodeRecord, segmentPath } from '../../src/host/shim/format.ts';
import { RecordType } from '../../src/host/shim/shim-protocol.ts';
import { type Printer, Streams } from './streams.ts';

interface Judged {
  lines: number;
  errorLines: number;
  violations: string[];
  frames: [string, number][];
}

/** @param output `!` at the beginning: on stderr; `<`: a frame that was written to it */
function judged(printer: Printer, output: string[]): Judged {
  const state = fs.mkdtempSync(join(tmpdir(), 'chaos-'));
  try {
    const journal = join(state, 'runs', 'run', 'journal');
    fs.mkdirSync(journal, { recursive: true });
    const spawned = JSON.stringify({ index: 0, io: printer === 'terminal' ? 'pty' : 'pipes' });
    const record = (type: RecordType, text: string) => encodeRecord(type, 0, 1, Buffer.from(text));
    const records = output.map((text) => {
      if (text.startsWith('!')) return record(RecordType.err, text.slice(1));
      if (text.startsWith('<')) return record(RecordType.in, `{"frame":"${text.slice(1)}"}\nwhatever`);
      return record(RecordType.out, text);
    });
    fs.writeFileSync(
      segmentPath(journal, 0),
      Buffer.concat([record(RecordType.spawned, spawned), ...records]),
    );
    const streams = new Streams(state, () => printer);
    streams.read();
    streams.close();
    const { lines, errorLines, frames } = streams.of('run')!;
    return { lines, errorLines, violations: streams.violations, frames: [...frames] };
  } finally {
    fs.rmSync(state, { recursive: true });
  }
}

const line = (n: number) => `n=${String(n).padStart(9, '0')} run\r\n`;
const json = (n: number) => `{"n":${n},"run":"run"}\n`;
const error = (n: number) => `!e=${String(n).padStart(9, '0')} run\n`;

test.each<[string, Printer, string[], number, number]>([
  [
    'a terminal, whole, cut anywhere',
    'terminal',
    [line(1).slice(0, 5), line(1).slice(5) + line(2), line(3)],
    3,
    0,
  ],
  ['a line is missing', 'terminal', [line(1), line(3)], 1, 1],
  ['a line came twice', 'terminal', [line(1), line(1), line(2)], 1, 1],
  ['bytes are missing in a line', 'terminal', [line(1), line(2).replace('00', ''), line(3)], 1, 1],
  ['a line of another run', 'terminal', [line(1), line(2).replace('run', 'nur')], 1, 1],
  ['pipes, with answers in between', 'pipes', [json(1), '{"type":"control_response"}\n', json(2)], 2, 0],
  ['pipes: a line is missing', 'pipes', [json(1), json(3)], 1, 1],
  ['pipes: an answer is torn', 'pipes', [json(1), '{"type":"control_\n', json(2)], 1, 1],
  ['pipes: a line of stderr came twice', 'pipes', [json(1), error(1), error(1)], 1, 1],
  ['an engine: whole lines', 'engine', ['{"a"', ':1}\n{"b":2}\n', '!anything\n'], 0, 0],
  ['an engine: a torn line', 'engine', ['{"a":1}\n', '"b":2}\n'], 0, 1],
])('%s', (_, printer, output, lines, violations) => {
  const seen = judged(printer, output);
  expect([seen.lines, seen.violations.length]).toEqual([lines, violations]);
});

test('counts stderr by itself, and what was written to an engine', () => {
  const seen = judged('pipes', [error(1), json(1), '<a', error(2), '<b', '<a']);
  expect(seen).toEqual({
    lines: 1,
    errorLines: 2,
    violations: [],
    frames: [
      ['a', 2],
      ['b', 1],
    ],
  });
});
