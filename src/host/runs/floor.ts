/**
 * The processes of a run and which of them has the floor, as the journal tells it: the one place that writes a run's
 * floor record. Functions on the record: the caller saves it.
 */
import type { Frame } from '../../runtimes/runtime.ts';
import { limits } from '../limits.ts';
import type { ProcessRole, ProcessStatus } from '../shim/shim-protocol.ts';
import type { Floor, RunProcess, TerminalSize } from '../store/run-parts.ts';
import { endOfText, wholeBytes } from '../text.ts';
import { NOTHING, type Unfinished } from './long-line.ts';

const PRINTED_CHARS_MAX = 2_000;
const MARK_EVERY_BYTES = 128 * 1024;

/** Before the first process there is an engine to come. */
const NONE: RunProcess = Object.freeze({
  role: 'engine',
  pid: null,
  io: 'pipes',
  size: { cols: 80, rows: 24 },
  partialOut: '',
  partialErr: '',
  printed: '',
  terminalFrom: null,
  marks: [],
  heard_ms: null,
});

/** The process that has the floor; before the first one, what it will be. Not to be written to. */
export function onFloor(floor: Floor): Readonly<RunProcess> {
  return (floor.process === null ? undefined : floor.processes[floor.process]) ?? NONE;
}

/** Only the engine is written to and speaks for the agent. */
export const engineHasFloor = (floor: Floor): boolean => onFloor(floor).role === 'engine';

/** A terminal on the screen: its process, by index. */
export type ShownTerminal = RunProcess & { index: number; terminalFrom: number };

/** The terminal that can be shown and typed into: one beside the engine, or that of the process that has the floor. */
export function terminalOf(floor: Floor): ShownTerminal | null {
  const beside = besideOf(floor, 'terminal');
  const index = beside?.index ?? floor.process;
  const shown = beside ?? onFloor(floor);
  return index === null || shown.io !== 'pty' || shown.terminalFrom === null
    ? null
    : { ...shown, index, terminalFrom: shown.terminalFrom };
}

/** All terminals, also of processes that have ended and are still shown. */
export function terminalsOf(floor: Floor): ShownTerminal[] {
  return Object.entries(floor.processes).flatMap(([key, process]) =>
    process.io !== 'pty' || process.terminalFrom === null
      ? []
      : [{ ...process, index: Number(key), terminalFrom: process.terminalFrom }],
  );
}

/** The running process of this role that does not have the floor. */
export function besideOf(floor: Floor, role: ProcessRole): (RunProcess & { index: number }) | null {
  for (const [key, process] of Object.entries(floor.processes)) {
    const index = Number(key);
    if (index !== floor.process && process.role === role && process.pid !== null)
      return { ...process, index };
  }
  return null;
}

/**
 * Where a replay of this terminal begins: at its start if everything since fits, else at a record boundary.
 * @param to end of the journal
 */
export function replayFrom({ terminalFrom, marks }: { terminalFrom: number; marks: number[] }, to: number) {
  return [terminalFrom, ...marks].find((mark) => to - mark <= limits.terminal_replay_bytes_max) ?? null;
}

/** @param end of the record that tells of it. Unless it stands beside another, it has the floor from now on. */
export function spawned(floor: Floor, status: ProcessStatus, end: number): void {
  if (!status.beside) {
    const processes = Object.entries(floor.processes).filter(([, { pid }]) => pid !== null);
    floor.processes = Object.fromEntries(processes);
    floor.process = status.index;
  }
  floor.processes[status.index] = {
    ...NONE,
    role: status.role,
    pid: status.pid,
    io: status.io,
    size: { ...(status.size ?? floor.size) },
    ...(status.io === 'pty' ? { firstSize: { ...(status.size ?? floor.size) } } : {}),
    marks: [],
    terminalFrom: status.io === 'pty' ? end : null,
  };
}

/** Of what has the floor its last words are kept. */
export function exited(floor: Floor, process: number): void {
  const ended = floor.processes[process];
  if (ended === undefined) return;
  if (process === floor.process) ended.pid = null;
  else delete floor.processes[process];
}

/** The run is over, and every process of it. */
export function allExited(floor: Floor): void {
  for (const process of Object.keys(floor.processes)) exited(floor, Number(process));
}

export function resized(floor: Floor, process: number, size: TerminalSize): void {
  const changed = floor.processes[process];
  if (changed !== undefined) changed.size = { cols: size.cols, rows: size.rows };
}

/** A terminal comes up: of this size. */
export function nextSize(floor: Floor, size: TerminalSize): void {
  floor.size = { cols: size.cols, rows: size.rows };
}

/**
 * @param what.end end of the record with what was printed
 * @returns the process, unless it is none that is known, and what its terminal printed, in whole characters
 */
export function printed(
  floor: Floor,
  process: number,
  what: { payload: Buffer; end: number; at_ms: number },
): { process: RunProcess; text: string } | null {
  const heard = floor.processes[process];
  if (heard === undefined) return null;
  heard.heard_ms = what.at_ms;
  if (heard.io !== 'pty') return { process: heard, text: '' };
  const bytes = Buffer.concat([Buffer.from(heard.partialOut, 'latin1'), what.payload]);
  const whole = wholeBytes(bytes);
  heard.partialOut = bytes.toString('latin1', whole);
  const text = bytes.toString('utf8', 0, whole);
  heard.printed = endOfText(heard.printed + text, PRINTED_CHARS_MAX);
  mark(heard, what.end);
  return { process: heard, text };
}

/** What was under way of the last line of this stream. */
export function lineUnderWay(process: Readonly<RunProcess>, source: 'out' | 'err'): Unfinished {
  return source === 'out'
    ? { rest: process.partialOut, long: process.longOut ?? null }
    : { rest: process.partialErr, long: process.longErr ?? null };
}

export function unfinishedLine(process: RunProcess, source: 'out' | 'err', { rest, long }: Unfinished): void {
  process[source === 'out' ? 'partialOut' : 'partialErr'] = rest;
  process[source === 'out' ? 'longOut' : 'longErr'] = long;
}

/** Whole lines of its stderr. */
export function printedLines(process: RunProcess, lines: readonly string[]): void {
  const text = lines.map((line) => `${line}\n`).join('');
  process.printed = endOfText(process.printed + text, PRINTED_CHARS_MAX);
}

/** The end of what it printed for people; the last line of stderr may have no end. */
export function lastPrinted({ io, printed, partialErr }: Readonly<RunProcess>): string {
  const rest = io === 'pty' ? '' : Buffer.from(partialErr, 'latin1').toString('utf8');
  return printed + endOfText(rest, PRINTED_CHARS_MAX);
}

function mark(terminal: RunProcess, end: number): void {
  const newest = terminal.marks.at(-1) ?? terminal.terminalFrom ?? end;
  if (end - newest < MARK_EVERY_BYTES) return;
  const from = end - limits.terminal_replay_bytes_max;
  terminal.marks = [...terminal.marks, end].filter((offset) => offset >= from);
}

/** The line that was under way is left out. */
export function endLine(floor: Floor, process: number, out: boolean): void {
  const ended = floor.processes[process];
  if (ended !== undefined) unfinishedLine(ended, out ? 'out' : 'err', NOTHING);
}

/** A part of the journal is missing: every line that was under way is cut in its middle. */
export function endLines(floor: Floor): void {
  for (const process of Object.values(floor.processes)) {
    unfinishedLine(process, 'out', NOTHING);
    unfinishedLine(process, 'err', NOTHING);
  }
}

/** @returns how many lines, facts and records of this run were left out by now */
export function countLeftOut(floor: Floor): number {
  floor.leftOut += 1;
  return floor.leftOut;
}

/** These are to be written to the engine that comes, or none any more. */
export function toOpenWith(floor: Floor, opening: Frame[]): void {
  floor.opening = opening;
}

/** The shim has written this frame. */
export function written(floor: Floor, frame: string): void {
  floor.opening = floor.opening.filter((opening) => opening.id !== frame);
}

/** How far the transcript was read; null: it is not read. */
export function readTo(floor: Floor, tail: Floor['tail']): void {
  floor.tail = tail;
}
