/**
 * Swaps the engine and its terminal over the same conversation. The shim does it durably, and goes back to the first
 * when the second does not start; this file asks for it and waits.
 */
import { nextSize, onFloor, toOpenWith } from '../../runs/floor.ts';
import type { Run } from '../../runs/run.ts';
import type { ProcessSpec, StopLadder, SwapRecord } from '../../shim/shim-protocol.ts';
import type { LeaseRecord } from '../../store/leases.ts';
import { boxed } from '../launch/boxed.ts';
import type { Launcher } from '../launch/launch.ts';
import { placeFiles } from '../launch/run-files.ts';
import type { TranscriptReader } from '../turn/transcript.ts';
import type { Wiring } from '../wiring.ts';
import { notSwapped } from './takeover-refusals.ts';

/** What this file uses of the host. */
type Needs = Pick<Wiring, 'agents' | 'generation' | 'stateDir' | 'resolve' | 'programCopies'>;

const SWAP_MS = 45_000;
/** A terminal that exits sooner than this never worked: the shim goes back to the engine. */
const SETTLE_MS = 1_200;

export class Swaps {
  readonly #wiring: Needs;
  readonly #launcher: Launcher;
  readonly #transcript: TranscriptReader;
  /** By run: the newest word on its newest swap. */
  readonly #swaps = new Map<string, SwapRecord>();

  constructor(parts: { wiring: Needs; launcher: Launcher; transcript: TranscriptReader }) {
    this.#wiring = parts.wiring;
    this.#launcher = parts.launcher;
    this.#transcript = parts.transcript;
  }

  /** From the run's sink: a swap has moved on. */
  swapped(run: Run, swap: SwapRecord): void {
    this.#swaps.set(run.id, swap);
  }

  forget(run: Run): void {
    this.#swaps.delete(run.id);
  }

  /** A swap that an earlier host asked for is finished or rolled back by the shim alone: not to be disturbed. */
  async over(run: Run): Promise<void> {
    const { swapping } = await run.client.currentStatus();
    if (swapping) await run.until(() => this.#outcome(run) !== null, SWAP_MS);
  }

  /** The terminal in the engine's place; throws when the engine is back. */
  async toTerminal(run: Run, lease: LeaseRecord): Promise<void> {
    const { runtime, record } = run;
    const config = this.#wiring.agents.get(lease.agent).config;
    if (runtime.terminal === undefined) throw new Error(`${runtime.name} has no terminal`);
    const size = lease.detail.surfaces?.terminal ?? { cols: 80, rows: 24 };
    // First of all: from now on nothing more is given to it.
    run.save((saved) => {
      saved.requested = 'handover';
      nextSize(saved.floor, size);
    });
    const spec = this.#wiring.resolve(config);
    const place = this.#launcher.place(lease.agent, run.id);
    const terminal = await runtime.terminal(spec, place, record.engine, size);
    const engine = await this.#launcher.prepare(config, run.id, record.engine, { note: '' });
    await placeFiles(this.#wiring.stateDir, engine.launch);
    await placeFiles(this.#wiring.stateDir, terminal);
    this.#transcript.begin(run, spec);
    await this.#swap(run, 'take', lease, engine.launch.stop, terminal.process, engine.launch.process);
  }

  /** The engine in the terminal's place; throws when the terminal is back. @param note what the agent is told */
  async toEngine(run: Run, lease: LeaseRecord, note: string): Promise<void> {
    const config = this.#wiring.agents.get(lease.agent).config;
    const { runtime, record } = run;
    if (runtime.terminal === undefined) throw new Error(`${runtime.name} has no terminal`);
    const { size } = onFloor(record.floor);
    const engine = await this.#launcher.prepare(config, run.id, record.engine, { note });
    const terminal = await runtime.terminal(
      engine.spec,
      this.#launcher.place(lease.agent, run.id),
      record.engine,
      size,
    );
    await placeFiles(this.#wiring.stateDir, engine.launch);
    run.save((saved) => {
      saved.requested = 'handover';
      nextSize(saved.floor, size);
      toOpenWith(saved.floor, engine.launch.opening);
    });
    await this.#swap(run, 'return', lease, terminal.stop, engine.launch.process, terminal.process);
  }

  /** One swap by the shim, waited for; throws when it rolled back. */
  async #swap(
    run: Run,
    what: 'take' | 'return',
    lease: LeaseRecord,
    stop: StopLadder,
    to: ProcessSpec,
    fallback: ProcessSpec,
  ): Promise<void> {
    const from = run.record.floor.process;
    if (from === null) throw new Error('the run has no process');
    // An attempt of its own per host: the shim answers one that it knows with what came of it then.
    const opId = `${what}-${lease.generation}-${this.#wiring.generation}`;
    this.#swaps.delete(run.id);
    // One conversation, one place: the terminal that takes the engine's is in the engine's box.
    await run.client.swap({
      opId,
      from,
      stop,
      to: await boxed(this.#wiring, run, to),
      fallback: await boxed(this.#wiring, run, fallback),
      settle_ms: SETTLE_MS,
    });
    await run.until(() => this.#outcome(run) !== null, SWAP_MS);
    const swap = this.#outcome(run);
    if (swap?.phase === 'done') return;
    throw notSwapped(run.record.agent, to.role, swap, run.ended);
  }

  #outcome(run: Run): SwapRecord | null {
    const swap = this.#swaps.get(run.id);
    return swap === undefined || swap.phase === 'begun' ? null : swap;
  }
}

/** The swap is over: the agent is given messages again. */
export function handoverOver(run: Run): void {
  if (run.ended || run.record.requested !== 'handover') return;
  run.save((saved) => {
    saved.requested = null;
  });
}

/** The terminal has the floor as before. */
export function noEngineCame(run: Run): void {
  run.save((saved) => {
    // They were for that engine: a terminal must never read them.
    toOpenWith(saved.floor, []);
  });
  handoverOver(run);
}
