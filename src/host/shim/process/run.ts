/**
 * The run: one process with the floor at a time, swaps between them, one end. Each verb of the wire is a
 * method here; the order of what happens is the order in the journal.
 */
import { messageOf } from '../../errors.ts';
import type { Containment } from '../../process/containment.ts';
import { startTicks } from '../../process/proc.ts';
import {
  type ContainmentRecord,
  type PauseRecord,
  type ProcessExit,
  type ProcessSpec,
  type ProcessStatus,
  RecordType,
  type RelayStatus,
  type RunExit,
  SHIM_PROTOCOL,
  type ShimRequest,
  type ShimStatus,
  type SwapRecord,
  type ThawRecord,
} from '../shim-protocol.ts';
import { Besides } from './beside.ts';
import { SpawnFailed } from './child.ts';
import { Companions } from './companions.ts';
import type { Journal } from './journal.ts';
import { climb, type LadderTools, LEFTOVERS } from './ladder.ts';
import { Pausing } from './pausing.ts';
import { Processes, type RunProcess } from './processes.ts';
import type { Reaper } from './reaper.ts';
import { Refused } from './refused.ts';
import { RunNet } from './run-net.ts';
import { type SwapRequest, swapProcesses } from './swap.ts';

type Request<Op> = Extract<ShimRequest, { op: Op }>;

const OPERATIONS_REMEMBERED = 1_000;

export class Run {
  readonly processes: Processes;
  readonly #name: string;
  readonly #journal: Journal;
  readonly #reaper: Reaper;
  readonly #operations = new Map<string, Promise<unknown>>();
  readonly #ended = Promise.withResolvers<RunExit>();
  readonly #tools: LadderTools;
  readonly #containment: Containment;
  readonly #pausing: Pausing;
  readonly #net: RunNet;
  readonly #besides: Besides;
  #current: RunProcess | null = null;
  #starting = false;
  #swap: { from: RunProcess; abort: AbortController; over: Promise<void> } | null = null;
  #stop: AbortController | null = null;
  #finishing = false;
  #killed = 0;
  #notedMeans: ContainmentRecord['means'] | null = null;

  constructor(name: string, journal: Journal, reaper: Reaper, containment: Containment) {
    this.#name = name;
    this.#journal = journal;
    this.#reaper = reaper;
    this.#pausing = new Pausing(containment, journal);
    this.#containment = containment;
    this.#net = new RunNet(new Companions(containment, reaper), (decisions) => {
      for (const decision of decisions) journal.append(RecordType.egress, 0, decision);
    });
    this.processes = new Processes({
      run: name,
      journal,
      reaper,
      containment,
      enter: () => this.#net.enter(),
      onExit: (process) => this.#exited(process),
    });
    this.#tools = {
      scope: containment,
      launcher: (pid) => this.processes.isLauncher(pid),
      sweep: () => reaper.sweep(),
    };
    this.#besides = new Besides(this.processes, containment, this.#tools);
  }

  /** Resolves once the run has exited and its last record is in the journal. */
  get ended(): Promise<RunExit> {
    return this.#ended.promise;
  }

  /** False until a process was started. */
  get begun(): boolean {
    return this.#starting || this.processes.list.length > 0 || this.#finishing;
  }

  status(): ShimStatus {
    const status: ShimStatus = {
      protocol: SHIM_PROTOCOL,
      run: this.#name,
      pid: process.pid,
      start_ticks: startTicks(process.pid),
      offset: this.#journal.offset,
      processes: this.processes.list.map((process) => process.status),
      current: this.#current?.status.index ?? null,
      swapping: this.#swap !== null,
      stopping: this.#stop !== null || this.#finishing,
    };
    if (this.#journal.trouble) status.trouble = this.#journal.trouble;
    status.containment = this.#contained();
    if (this.#pausing.record) status.paused = this.#pausing.record;
    status.relays = this.#net.relays.list();
    if (this.#net.network.isOpen) status.ownNetwork = true;
    return status;
  }

  start(request: Request<'start'>): Promise<ProcessStatus> {
    return this.#once(request.opId, () => this.#start(request.spec));
  }

  async #start(spec: ProcessSpec): Promise<ProcessStatus> {
    this.#refuseWhileEnding();
    if (this.begun) throw new Refused('started', 'The run has begun already.');
    this.#refuseWithoutDisk();
    this.#starting = true;
    try {
      return (await this.spawn(spec)).status;
    } catch (error) {
      if (error instanceof SpawnFailed) {
        void this.#finish('spawnFailed', error.message);
        throw new Refused('spawn-failed', error.message);
      }
      throw error;
    } finally {
      this.#starting = false;
    }
  }

  beside(request: Request<'beside'>): Promise<ProcessStatus> {
    return this.#once(request.opId, async () => {
      this.#refuseWhileEnding();
      if (!this.#current?.status.running)
        throw new Refused('no-process', 'No process runs, so none can be started beside it.');
      if (this.#pausing.busy) throw new Refused('paused', 'The run is paused.');
      this.#refuseWithoutDisk();
      try {
        return (await this.#besides.start(request.spec)).status;
      } catch (error) {
        if (error instanceof SpawnFailed) throw new Refused('spawn-failed', error.message);
        throw error;
      }
    });
  }

  end(request: Request<'end'>): Promise<ProcessExit> {
    return this.#once(request.opId, async () => {
      const process = this.#besides.find(request.process);
      if (this.#pausing.busy) throw new Refused('paused', 'The run is paused.');
      this.#killed += await this.#besides.end(process, request.stop);
      if (process.status.exit) return process.status.exit;
      throw new Refused('not-ended', `Process ${request.process} is stuck in the kernel.`);
    });
  }

  /** Starts a process and gives it the floor. */
  async spawn(spec: ProcessSpec): Promise<RunProcess> {
    // First: a host that finds this process must know how to find what comes of it.
    this.#noteContained();
    try {
      this.#current = await this.processes.spawn(spec);
    } finally {
      this.#noteContained();
    }
    return this.#current;
  }

  #contained(): ContainmentRecord {
    return { means: this.#containment.means, path: this.#containment.place?.path ?? null };
  }

  #noteContained(): void {
    if (this.#notedMeans === this.#containment.means) return;
    this.#notedMeans = this.#containment.means;
    this.#journal.append(RecordType.contained, 0, this.#contained());
  }

  pause(request: Request<'pause'>): Promise<PauseRecord> {
    return this.#once(request.opId, async () => {
      this.#refuseWhileEnding();
      if (this.#swap) throw new Refused('swapping', 'The run is being swapped.');
      if (!this.#current?.status.running)
        throw new Refused('no-process', 'No process runs, so none can be paused.');
      return await this.#pausing.pause(request.opId, request.by);
    });
  }

  thaw(request: Request<'thaw'>): Promise<ThawRecord> {
    return this.#once(request.opId, async () => {
      this.#refuseWhileEnding();
      return await this.#pausing.thaw(request.opId, request.by, 'resume');
    });
  }

  async write(request: Request<'write'>): Promise<{ duplicate: boolean }> {
    const process = this.#writable(request.process);
    this.#refuseWhileEnding();
    // It is being ended: a frame for it would be lost with it.
    if (process === this.#swap?.from) throw new Refused('swapping', 'The run is being swapped.');
    return await this.processes.write(process, request.frame, Buffer.from(request.data, request.encoding));
  }

  resize(request: Request<'resize'>): void {
    this.processes.resize(this.#writable(request.process), request.cols, request.rows);
  }

  relay(request: Request<'relay'>): Promise<RelayStatus> {
    return this.#once(request.opId, async () => {
      this.#refuseWhileEnding();
      return await this.#net.relays.open(request);
    });
  }

  network(request: Request<'network'>): Promise<{ relays: RelayStatus[] }> {
    return this.#once(request.opId, async () => {
      this.#refuseWhileEnding();
      if (this.begun) throw new Refused('started', 'The run has begun already.');
      await this.#net.open(request);
      return { relays: this.#net.relays.list() };
    });
  }

  policy(request: Request<'policy'>): void {
    this.#net.allow(request.allow);
  }

  ack(request: Request<'ack'>): void {
    try {
      this.#journal.ack(request.offset);
    } catch (error) {
      if (error instanceof RangeError) throw new Refused('bad-offset', error.message);
      throw error;
    }
  }

  async swap(request: SwapRequest): Promise<{ accepted: true }> {
    return this.#once(request.opId, async () => {
      this.#refuseWhileEnding();
      if (this.#swap) throw new Refused('swapping', 'Another swap is under way.');
      if (this.#pausing.busy) throw new Refused('paused', 'The run is paused.');
      const from = this.#floor(request.from);
      if (!from.status.running) throw new Refused('no-process', 'The process has exited.');
      this.#refuseWithoutDisk();
      this.#beginSwap(request, from);
      return { accepted: true as const };
    });
  }

  #beginSwap(request: SwapRequest, from: RunProcess): void {
    this.#journal.append(RecordType.swap, from.status.index, {
      opId: request.opId,
      phase: 'begun',
      from: from.status.index,
    });
    const abort = new AbortController();
    const over = swapProcesses(request, from, abort.signal, {
      spawn: (spec) => this.spawn(spec),
      end: async (process, ladder) => {
        const tools = { ...this.#tools, scope: this.#besides.others() };
        const end = await climb(process, ladder, tools, abort.signal);
        this.#killed += end.killed;
        if (abort.signal.aborted || (end.survivors > 0 && process.status.running)) return false;
        await this.processes.close(process);
        return true;
      },
      record: (record) => this.#journal.append(RecordType.swap, record.to ?? record.from, record),
    })
      .catch((error: unknown) => {
        const why = `a defect of the shim: ${messageOf(error)}`;
        const record: SwapRecord = { opId: request.opId, phase: 'failed', from: from.status.index, why };
        this.#journal.append(RecordType.swap, from.status.index, record);
        return this.#current?.status.running ? {} : { lost: why };
      })
      .then((outcome: { lost?: string }) => {
        this.#swap = null;
        if (this.#stop) return;
        if (outcome.lost) void this.#finish('spawnFailed', outcome.lost);
        else if (this.#current?.status.running === false) void this.#finish('exited');
      });
    this.#swap = { from, abort, over };
  }

  /**
   * Ends the run. A second stop takes over from a first one that is still being polite; both are answered with
   * the one end of the run.
   */
  stop(request: Request<'stop'>): Promise<RunExit> {
    return this.#once(request.opId, async () => {
      if (!this.#finishing) void this.#stopNow(request);
      return await this.#ended.promise;
    });
  }

  async #stopNow(request: Request<'stop'>): Promise<void> {
    this.#stop?.abort();
    const stop = new AbortController();
    this.#stop = stop;
    const swap = this.#swap;
    if (swap) {
      swap.abort.abort();
      await swap.over;
    }
    await this.#pausing.beforeStop(request);
    if (stop.signal.aborted) return;
    const { killed } = await climb(this.#current, request.stop, this.#tools, stop.signal);
    this.#killed += killed;
    if (!stop.signal.aborted) await this.#finish('stopped', request.reason);
  }

  #exited(process: RunProcess): void {
    if (process.status.beside) {
      if (!this.#stop && !this.#finishing) void this.#besides.end(process, LEFTOVERS);
      return;
    }
    if (process !== this.#current || this.#swap || this.#stop) return;
    void this.#finish('exited');
  }

  /** Leaves nothing behind and writes the run's last record, once. */
  async #finish(cause: RunExit['cause'], reason?: string): Promise<void> {
    if (this.#finishing) return;
    this.#finishing = true;
    await this.#pausing.beforeEnd();
    const never = new AbortController().signal;
    const ladder =
      cause === 'stopped'
        ? { term_ms: 0, kill_ms: 1_000 }
        : // What stands still cannot end by itself.
          { ...LEFTOVERS, ...(this.#pausing.record ? { term_ms: 0 } : {}) };
    const end = await climb(null, ladder, this.#tools, never);
    this.#killed += end.killed;
    await this.#net.close();
    for (const process of this.processes.list) {
      // One that SIGKILL does not end is stuck in the kernel: it is counted, not waited for.
      if (!process.status.running || process.closed || end.survivors === 0)
        await this.processes.close(process);
    }
    this.#reaper.sweep();
    const exit: RunExit = {
      code: this.#current?.status.exit?.code ?? null,
      signal: this.#current?.status.exit?.signal ?? null,
      cause,
      killed: this.#killed,
      survivors: end.survivors,
    };
    if (reason !== undefined) exit.reason = reason;
    this.#journal.append(RecordType.runExited, this.#current?.status.index ?? 0, exit);
    this.#ended.resolve(exit);
  }

  /** The process with the floor, or one beside it. */
  #writable(index: number): RunProcess {
    const process = this.processes.list[index];
    return process?.status.beside ? process : this.#floor(index);
  }

  #floor(index: number): RunProcess {
    if (this.#current?.status.index === index) return this.#current;
    throw new Refused('no-floor', `Process ${index} does not have the floor.`);
  }

  #refuseWhileEnding(): void {
    if (this.#stop || this.#finishing) throw new Refused('stopping', 'The run is ending.');
  }

  #refuseWithoutDisk(): void {
    if (this.#journal.trouble) {
      throw new Refused('disk-full', `Nothing is started, because ${this.#journal.trouble}.`);
    }
  }

  /** The same operation asked for again is answered with what came of it the first time. */
  #once<T>(opId: string, operation: () => Promise<T>): Promise<T> {
    const known = this.#operations.get(opId);
    if (known) return known as Promise<T>;
    const result = operation();
    this.#operations.set(opId, result);
    // What was refused has not happened and may be asked for again.
    result.catch(() => this.#operations.delete(opId));
    if (this.#operations.size > OPERATIONS_REMEMBERED) {
      this.#operations.delete(this.#operations.keys().next().value!);
    }
    return result;
  }
}
