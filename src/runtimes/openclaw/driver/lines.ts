/** The driver's own channel: requests come as lines on stdin, events go as lines to stdout. */
import { writeSync } from 'node:fs';
import type { DoorLine, DriverRequest, ObservedEvent } from './driver-protocol.ts';

export function write(event: ObservedEvent | DoorLine): void {
  writeAll(1, `${JSON.stringify(event)}\n`);
}

const TYPES = new Set<DriverRequest['type']>([
  'message',
  'interrupt',
  'permission',
  'gate',
  'cancel',
  'admit',
]);

/** @returns null for a line that is not a request */
export function readRequest(line: string): DriverRequest | null {
  try {
    const value = JSON.parse(line) as DriverRequest | null;
    return value !== null && TYPES.has(value.type) ? value : null;
  } catch {
    return null;
  }
}

/** Synchronous, so that an event is with the shim before the next thing happens; a full pipe is waited for. */
function writeAll(fd: number, text: string): void {
  const data = Buffer.from(text, 'utf8');
  for (let done = 0; done < data.length; ) {
    try {
      done += writeSync(fd, data, done);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}
