/**
 * Whether a connection leaves room for the operator. The system gives the lowest free descriptor, so the number
 * of a new one says that all below it are in use: no counting, and files and pipes are included.
 */
import type { Socket } from 'node:net';
import { openFilesMax } from '../process/libc.ts';

/** Descriptors that only the operator's door may use; of a small limit, a quarter. */
export const RESERVED_MAX = 256;

let ceiling: number | null = null;

/** Descriptors from this number on are the operator's. */
export function ceilingOf(openFiles_max: number): number {
  return openFiles_max - Math.min(RESERVED_MAX, Math.floor(openFiles_max / 4));
}

/** False when this connection takes a descriptor that is kept free for the operator. */
export function leavesRoom(socket: Socket): boolean {
  ceiling ??= ceilingOf(openFilesMax());
  const fd = (socket as unknown as { _handle?: { fd?: number } | null })._handle?.fd;
  return fd === undefined || fd < ceiling;
}
