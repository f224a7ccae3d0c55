/**
 * The end of a journal whose writer is gone: where the last whole record ends, and cutting what a death in
 * mid-write left behind it. Never used on a journal that is being written.
 */
import { closeSync, constants, fstatSync, fsyncSync, ftruncateSync, readSync } from 'node:fs';
import { openFile } from '../files.ts';
import { listSegments, parseRecord } from './format.ts';

const CHUNK_BYTES = 1024 * 1024;

/**
 * Cuts everything after the last whole record.
 * @returns the journal's logical length now, and how many bytes were cut
 */
export function repairTail(dir: string): { offset: number; cut: number } {
  const segment = listSegments(dir).at(-1);
  if (!segment) return { offset: 0, cut: 0 };
  const fd = openFile(segment.path, undefined, constants.O_RDWR);
  try {
    const whole = wholeBytes(fd, segment.start);
    const cut = fstatSync(fd).size - whole;
    if (cut > 0) {
      ftruncateSync(fd, whole);
      fsyncSync(fd);
    }
    return { offset: segment.start + whole, cut };
  } finally {
    closeSync(fd);
  }
}

function wholeBytes(fd: number, start: number): number {
  let whole = 0;
  let want = CHUNK_BYTES;
  for (;;) {
    const buffer = Buffer.allocUnsafe(want);
    const chunk = buffer.subarray(0, readSync(fd, buffer, 0, want, whole));
    let at = 0;
    let parsed = parseRecord(chunk, at, start + whole);
    while (parsed.kind === 'record') {
      at = parsed.next;
      parsed = parseRecord(chunk, at, start + whole + at);
    }
    whole += at;
    if (parsed.kind === 'damaged') return whole;
    if (at === 0) {
      // Not even one record fits what was read: it is larger than that, or the file ends in the middle of it.
      if (chunk.length < want || parsed.bytes <= want) return whole;
      want = parsed.bytes;
    } else {
      want = CHUNK_BYTES;
    }
  }
}
