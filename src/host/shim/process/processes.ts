/**
 * The run's processes, in the order they were started: spawning, what goes into them, what comes out, and the
 * end of each, all of it journalled.
 */

import type { Containment } from '../../process/containment.ts';
import { RUN_MARKER } from '../../process/marker.ts';
import { startTicks } from '../../process/proc.ts';
import {
  FRAME_BYTES_MAX,
  type ProcessExit,
  type ProcessSpec,
  type ProcessStatus,
  RecordType,
  WRITE_QUEUE_BYTES_MAX,
} from '../shim-protocol.ts';
import { type Child, type Enclose, exitInside, type Output, SpawnFailed } from './child.ts';
import { Frames } from './frames.ts';
import { openHandles } from './handles.ts';
import type { Journal } from './journal.ts';
import { spawnOnPipes } from './pipes.ts';
import { findProgram } from './program.ts';
import { spawnOnPty } from './pty.ts';
import type { Reaper } from './reaper.ts';
import { Refused } from './refused.ts';

const PROCESSES_MAX = 65_535;
const TERMINAL_SIDE_MAX = 1_000;
/** After the last process of the run is dead, its output ends at once, unless a process outside holds it. */
const DRAIN_MS = 2_000;

export class RunProcess {
  readonly status: ProcessStatus;
  readonly child: Child;
  readonly frames = new Frames();
  /** See ProcessSpec. */
  readonly launcher: boolean;
  /** Set once everything it printed and its exit are journalled. */
  closed: Promise<void> | null = null;

  constructor(status: ProcessStatus, child: Child, launcher: boolean) {
    this.status = status;
    this.child = child;
    this.launcher = launcher;
  }
}

interface Needs {
  run: string;
  journal: Journal;
  reaper: Reaper;
  containment: Containment;
  /** What stands before the arguments of a process that is started in the network of the run. */
  enter(): Promise<string[]>;
  onExit(process: RunProcess): void;
}

export class Processes {
  readonly list: RunProcess[] = [];
  readonly #needs: Needs;
  readonly #journal: Journal;
  readonly #reaper: Reaper;
  readonly #containment: Containment;
  #spawning: Promise<void> = Promise.resolve();

  constructor(needs: Needs) {
    this.#needs = needs;
    this.#containment = needs.containment;
    this.#journal = needs.journal;
    this.#reaper = needs.reaper;
  }

  /**
   * Starts a process and journals it; one at a time, because its number is its place in the list.
   * @param beside it gets no floor
   * @throws SpawnFailed, journalled as trouble
   */
  spawn(spec: ProcessSpec, beside = false): Promise<RunProcess> {
    const mine = this.#spawning.then(() => this.#spawnNext(spec, beside));
    this.#spawning = mine.then(
      () => undefined,
      () => undefined,
    );
    return mine;
  }

  async #spawnNext(spec: ProcessSpec, beside: boolean): Promise<RunProcess> {
    const index = this.list.length;
    try {
      return await this.#spawn(index, spec, beside);
    } catch (error) {
      if (!(error instanceof SpawnFailed || error instanceof Refused)) throw error;
      this.#journal.append(RecordType.trouble, Math.min(index, PROCESSES_MAX), { cause: error.message });
      throw new SpawnFailed(error.message, { cause: error });
    }
  }

  async #spawn(index: number, spec: ProcessSpec, beside: boolean): Promise<RunProcess> {
    if (index > PROCESSES_MAX) throw new SpawnFailed('This run has started too many processes.');
    const { file, argv } = await this.#placed(spec);
    const marked = { ...spec, argv, env: { ...spec.env, [RUN_MARKER]: this.#needs.run } };
    const part = beside ? partOf(index) : undefined;
    const handles = openHandles(spec.handles ?? []);
    const enclose: Enclose = (start) => this.#containment.enclose(() => handles.lend(start), part);
    const own = (pid: number) => this.#reaper.own(pid);
    const output: Output = (stream, chunk) =>
      this.#journal.output(stream === 'out' ? RecordType.out : RecordType.err, index, chunk);
    let begun: Child;
    try {
      begun =
        spec.io.kind === 'pty'
          ? spawnOnPty(file, marked, terminalSize(spec.io.cols, spec.io.rows), enclose, own, output)
          : await spawnOnPipes(file, marked, spec.io.stdio, enclose, own, output);
    } finally {
      handles.close();
    }
    const child = spec.launcher ? { ...begun, exited: begun.exited.then(exitInside) } : begun;
    const status: ProcessStatus = {
      index,
      role: spec.role,
      pid: child.pid,
      start_ticks: startTicks(child.pid),
      io: spec.io.kind,
      ...(spec.io.kind === 'pty' ? { size: { cols: spec.io.cols, rows: spec.io.rows } } : {}),
      running: true,
      ...(spec.ownNetwork === undefined ? {} : { ownNetwork: spec.ownNetwork }),
      ...(beside ? { beside } : {}),
    };
    const started = new RunProcess(status, child, spec.launcher === true);
    this.list.push(started);
    this.#journal.append(RecordType.spawned, index, status);
    if (this.#journal.blocked) child.pause();
    void child.exited.then((exit) => this.#exited(started, exit));
    return started;
  }

  /** A process that is started in the network of the run is started by the program that enters it. */
  async #placed(spec: ProcessSpec): Promise<{ file: string; argv: string[] }> {
    const file = findProgram(spec);
    if (spec.ownNetwork === undefined) return { file, argv: spec.argv };
    const enter = await this.#needs.enter();
    return { file: enter[0]!, argv: [...enter, file, ...spec.argv.slice(1)] };
  }

  isLauncher(pid: number): boolean {
    return this.list.some(({ launcher, status }) => launcher && status.running && status.pid === pid);
  }

  #exited(process: RunProcess, exit: ProcessExit): void {
    process.status.running = false;
    process.status.exit = exit;
    this.#reaper.disown(process.child.pid);
    this.#needs.onExit(process);
  }

  /**
   * Reads what is left of a process whose tree is dead, whatever the backlog (it is at most what the kernel
   * holds), and journals its exit. Once per process.
   */
  close(process: RunProcess): Promise<void> {
    process.closed ??= this.#close(process);
    return process.closed;
  }

  async #close(process: RunProcess): Promise<void> {
    const { child } = process;
    const exit = await child.exited;
    child.resume();
    const drained = await Promise.race([child.drained.then(() => true), later(DRAIN_MS)]);
    if (!drained) {
      child.discard();
      this.#journal.append(RecordType.trouble, process.status.index, {
        cause: 'a process outside the run holds its output open; what it prints from now on is not recorded',
      });
    }
    this.#journal.append(RecordType.exited, process.status.index, exit);
  }

  /** Stops or restarts reading everywhere, except where the end is being read. */
  setBlocked(blocked: boolean): void {
    for (const process of this.list) {
      if (process.closed) continue;
      if (blocked) process.child.pause();
      else process.child.resume();
    }
  }

  /** Journals and writes one frame; `duplicate` when its id was seen before. @throws Refused */
  async write(process: RunProcess, frame: string, data: Buffer): Promise<{ duplicate: boolean }> {
    const known = process.frames.get(frame);
    if (known) {
      await known;
      return { duplicate: true };
    }
    if (!process.status.running) throw new Refused('no-process', 'The process has exited.');
    if (this.#journal.trouble) {
      throw new Refused('disk-full', `Nothing is written, because ${this.#journal.trouble}.`);
    }
    if (data.length > FRAME_BYTES_MAX) {
      throw new Refused('too-large', `A frame has at most ${FRAME_BYTES_MAX} bytes, not ${data.length}.`);
    }
    if (process.child.queued() + data.length > WRITE_QUEUE_BYTES_MAX) {
      throw new Refused('busy', `The process has not read ${process.child.queued()} bytes written before.`);
    }
    const head = Buffer.from(`${JSON.stringify({ frame })}\n`);
    this.#journal.append(RecordType.in, process.status.index, Buffer.concat([head, data]));
    const written = process.child.write(data).catch((error: Error) => {
      throw new Refused('no-process', `The process does not take its input any more (${error.message}).`);
    });
    process.frames.add(frame, written, this.#journal.offset, this.#journal.acked);
    await written;
    return { duplicate: false };
  }

  resize(process: RunProcess, cols: number, rows: number): void {
    if (process.status.io !== 'pty') throw new Refused('no-terminal', 'A process on pipes has no size.');
    const size = terminalSize(cols, rows);
    if (!process.status.running) throw new Refused('no-process', 'The process has exited.');
    process.child.resize(size.cols, size.rows);
    this.#journal.append(RecordType.resized, process.status.index, size);
  }
}

/** Name of the group within the run's group that holds one process beside. */
export const partOf = (index: number) => `beside-${index}`;

function terminalSize(cols: number, rows: number): { cols: number; rows: number } {
  for (const side of [cols, rows]) {
    if (Number.isInteger(side) && side >= 1 && side <= TERMINAL_SIDE_MAX) continue;
    throw new Refused(
      'bad-size',
      `A terminal of ${cols}×${rows} is not possible (1 to ${TERMINAL_SIDE_MAX}).`,
    );
  }
  return { cols, rows };
}

function later(delay_ms: number): Promise<false> {
  return new Promise((resolve) => setTimeout(() => resolve(false), delay_ms));
}
