/** The driver's own channel: requests come as lines on stdin, events go as lines to stdout. */
import { writeAll } from '../../write-lines.ts';
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
  'recall',
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
