/**
 * A screen on disk, with the place in the journal up to which it was made: the next host continues from there instead
 * of from the beginning. It is a cache: a missing, damaged or differently formatted one is ignored.
 */
import { crc32 } from 'node:zlib';
import { readBeneath, writeBeneath } from '../../beneath.ts';

const VERSION = 1;
const BYTES_MAX = 64 * 1024 * 1024;

export interface Checkpoint {
  process: number;
  /** Of the journal. */
  offset: number;
  cols: number;
  rows: number;
  screen: Uint8Array;
}

/** @param dir of the run's journal */
export function writeCheckpoint(dir: string, { screen, ...rest }: Checkpoint): void {
  const head = Buffer.from(`${JSON.stringify({ version: VERSION, ...rest, crc: crc32(screen) })}\n`);
  writeBeneath(dir, nameOf(rest.process), Buffer.concat([head, screen]), 0o600);
}

export function readCheckpoint(dir: string, process: number): Checkpoint | null {
  try {
    const file = readBeneath(dir, nameOf(process), BYTES_MAX);
    if (file === null) return null;
    const end = file.indexOf(0x0a);
    const head = JSON.parse(file.toString('utf8', 0, end)) as Record<string, unknown>;
    const screen = file.subarray(end + 1);
    const { version, crc, offset, cols, rows } = head;
    if (version !== VERSION || head.process !== process || crc !== crc32(screen)) return null;
    if (![offset, cols, rows].every((number) => Number.isSafeInteger(number) && Number(number) >= 0))
      return null;
    return { process, offset: Number(offset), cols: Number(cols), rows: Number(rows), screen };
  } catch {
    return null; // whatever it is, it is no checkpoint
  }
}

const nameOf = (process: number) => `screen-${process}`;
