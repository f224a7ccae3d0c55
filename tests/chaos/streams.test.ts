/** What judges the chaos must be able to find it: a line lost, doubled or torn is seen, and a whole stream is not. */
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { encodeRecord, segmentPath } from '../../src/host/shim/format.ts';
import { RecordType } from '../../src/host/shim/wire.ts';
import { Streams } from './streams.ts';

const line = (n: number) => `n=${String(n).padStart(9, '0')} run\r\n`;

function judged(output: string[]): { lines: number; violations: string[] } {
  const state = fs.mkdtempSync(join(tmpdir(), 'chaos-'));
  try {
    const journal = join(state, 'runs', 'run', 'journal');
    fs.mkdirSync(journal, { recursive: true });
    const records = output.map((text) => encodeRecord(RecordType.out, 0, 1, Buffer.from(text)));
    fs.writeFileSync(segmentPath(journal, 0), Buffer.concat(records));
    const streams = new Streams(state);
    streams.read();
    streams.close();
    return { lines: streams.of('run')!.lines, violations: streams.violations };
  } finally {
    fs.rmSync(state, { recursive: true });
  }
}

test.each([
  ['whole, cut anywhere', [line(1).slice(0, 5), line(1).slice(5) + line(2), line(3)], 3, 0],
  ['a line is missing', [line(1), line(3)], 1, 1],
  ['a line came twice', [line(1), line(1), line(2)], 1, 1],
  ['bytes are missing in a line', [line(1), line(2).replace('00', ''), line(3)], 1, 1],
])('%s', (_, output, lines, violations) => {
  const seen = judged(output);
  expect([seen.lines, seen.violations.length]).toEqual([lines, violations]);
});
