/** One process of the run, whatever it talks through. */
import { constants } from 'node:os';
import type { ProcessExit } from '../shim-protocol.ts';

/** Receives what a process prints. The chunk is only good during the call. */
export type Output = (stream: 'out' | 'err', chunk: Buffer) => void;

/** See Containment.enclose: the call must start what it starts before it returns. */
export type Enclose = <T>(start: () => T) => T;

export interface Child {
  readonly pid: number;
  /** The process itself has exited; others may still hold its output open. */
  readonly exited: Promise<ProcessExit>;
  /** Its output has been read to the end. */
  readonly drained: Promise<void>;
  /** Resolves when the kernel has it all; rejects when the process no longer reads. In order of calls. */
  write(data: Buffer): Promise<void>;
  /** Bytes accepted by write() that the kernel has not. */
  queued(): number;
  /** Closes stdin; on a terminal there is nothing to close. */
  endInput(): void;
  pause(): void;
  resume(): void;
  resize(cols: number, rows: number): void;
  /** Gives up what is left to read: a process outside the run holds the other end. */
  discard(): void;
}

/** A process that could not be started; the message says why in words for an operator. */
export class SpawnFailed extends Error {
  override readonly name = 'SpawnFailed';
}

const NAMES = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]));

/** 'SIGTERM' for 15; real-time signals by number. */
export function signalName(number: number): string {
  return NAMES.get(number) ?? `SIG${number}`;
}

/** The exit of what ran inside, by that of its launcher, which has 128 and the number for a signal, as a shell has. */
export function exitInside(exit: ProcessExit): ProcessExit {
  const number = (exit.code ?? 0) - 128;
  return NAMES.has(number) ? { code: null, signal: signalName(number) } : exit;
}

/** A raw wait(2) status. */
export function decodeStatus(status: number): ProcessExit {
  const signal = status & 0x7f;
  return signal === 0
    ? { code: (status >> 8) & 0xff, signal: null }
    : { code: null, signal: signalName(signal) };
}
