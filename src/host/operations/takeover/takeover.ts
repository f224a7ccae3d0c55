/**
 * Handing the floor to a human and back. For an engine that already is a terminal this is only the lease; for a
 * structured engine the shim swaps processes over the same conversation, by itself and durably — this file
 * decides when, and what the agent is told afterwards. Every step can be taken up again by a new host.
 */
import type { AgentView, LeaseView } from '../../api.ts';
import { messageOf } from '../../errors.ts';
import { besideOf, engineHasFloor, nextSize, onFloor, terminalOf, toOpenWith } from '../../runs/floor.ts';
import type { Run } from '../../runs/run.ts';
import type { ProcessSpec, StopLadder, SwapRecord } from '../../shim/shim-protocol.ts';
import type { LeaseRecord } from '../../store/leases.ts';
import { leaseView } from '../../terminals/leases.ts';
import { cutText } from '../../text.ts';
import { requireLegal } from '../../verbs/legal.ts';
import { changedFiles } from '../../workspaces/changed-files.ts';
import type { Launcher } from '../launch/launch.ts';
import { leftByHand } from '../launch/run-end.ts';
import { writeFiles } from '../launch/run-files.ts';
import type { InjectionDelivery } from '../messages/inject.ts';
import { returnNote } from '../notes.ts';
import type { By, Wiring } from '../wiring.ts';
import { closeBeside, openBeside } from './beside.ts';
import { BOUNDARY_MS_MAX, isGone, reachBoundary } from './boundary.ts';
import { heldFor, type LeaseData, type LeaseTopic, tellLease, tellReleased } from './lease-events.ts';
import { comesUp, notHeldYet, notSwapped, waitsAlready } from './takeover-refusals.ts';
import type { TranscriptReader } from './transcript.ts';

/** What this file uses of the host. */
type Needs = Pick<
  Wiring,
  | 'store'
  | 'clock'
  | 'ids'
  | 'log'
  | 'events'
  | 'agents'
  | 'runs'
  | 'injections'
  | 'leases'
  | 'approvals'
  | 'generation'
  | 'stateDir'
  | 'resolve'
  | 'closing'
  | 'touched'
>;

const SWAP_MS = 45_000;
/** A terminal that exits sooner than this never worked: the shim goes back to the engine. */
const SETTLE_MS = 1_200;

export class Takeover {
  readonly #wiring: Needs;
  readonly #launcher: Launcher;
  readonly #delivery: InjectionDelivery;
  readonly #transcript: TranscriptReader;
  readonly #hold: (agent: string, by: By) => void;
  /** By run: the newest word on its newest swap. */
  readonly #swaps = new Map<string, SwapRecord>();

  constructor(parts: {
    wiring: Needs;
    launcher: Launcher;
    delivery: InjectionDelivery;
    transcript: TranscriptReader;
    hold: (agent: string, by: By) => void;
  }) {
    this.#wiring = parts.wiring;
    this.#launcher = parts.launcher;
    this.#delivery = parts.delivery;
    this.#transcript = parts.transcript;
    this.#hold = parts.hold;
  }

  /** From the run's sink: a swap has moved on. */
  swapped(run: Run, swap: SwapRecord): void {
    this.#swaps.set(run.id, swap);
  }

  /** @returns once the terminal is up, or throws why it is not. */
  async take(
    view: AgentView,
    run: Run,
    input: { holder: string; when: 'boundary' | 'now'; cols: number; rows: number },
    by: By,
  ): Promise<LeaseView> {
    const size = { cols: input.cols, rows: input.rows };
    const mine = this.#wiring.leases.find(view.name);
    if (mine !== null && mine.holder === input.holder && mine.run === run.id) {
      if (mine.phase === 'held' && this.#wiring.leases.silent(view.name))
        return this.#retake(run, mine, size);
      if (mine.phase === 'pending') return this.#hurry(run, mine, input.when);
    }
    requireLegal(view, 'takeover');
    if (mine !== null) {
      throw waitsAlready(view.name, mine.holder);
    }
    const detail = { when: input.when, by, surfaces: { terminal: size } };
    const lease = tellLease(this.#wiring, 'lease.requested', { when: input.when }, () =>
      this.#wiring.leases.take(view.name, run.id, input.holder, detail),
    );
    this.#wiring.touched(view.name);
    return this.#drive(run, lease);
  }

  /** The holder is back in another window, after the first was lost or its host died: a new generation, so the old one is fenced. */
  async #retake(run: Run, old: LeaseRecord, size: { cols: number; rows: number }): Promise<LeaseView> {
    const { leases } = this.#wiring;
    const fresh = leases.take(old.agent, run.id, old.holder ?? '', {
      ...old.detail,
      surfaces: { ...old.detail.surfaces, terminal: size },
    });
    const held = leases.change(old.agent, fresh.generation, (record) => {
      record.phase = 'held';
      record.since_ms = old.since_ms;
    });
    const terminal = terminalOf(run.record.floor);
    if (terminal !== null) await run.client.resize(terminal.index, size.cols, size.rows);
    tellLease(this.#wiring, 'lease.held', { again: true }, () => held);
    this.#wiring.touched(old.agent);
    return leaseView(held);
  }

  /** It waits for the boundary, and its holder may not want to wait any longer. */
  async #hurry(run: Run, lease: LeaseRecord, when: 'boundary' | 'now'): Promise<LeaseView> {
    if (when === 'now') {
      this.#wiring.leases.change(lease.agent, lease.generation, (record) => {
        record.detail.when = 'now';
      });
      run.wake();
    }
    const settled = () => this.#gone(lease) || this.#wiring.leases.find(lease.agent)?.phase !== 'pending';
    await run.until(settled, BOUNDARY_MS_MAX);
    return leaseView(this.#wiring.leases.require(lease.agent, lease.generation));
  }

  /** Its holder changed its mind, or vanished, while it waits for the boundary. */
  #cancel(run: Run, lease: LeaseRecord, expired: boolean): void {
    if (run.record.requested === 'handover') {
      throw comesUp(lease.agent);
    }
    this.#free(run, lease, expired ? 'lease.expired' : 'lease.cancelled', {});
  }

  /** A host died in the middle of a takeover or a hand-back: go on where it stood. */
  async continue(run: Run, lease: LeaseRecord): Promise<void> {
    const { takeover } = run.runtime.capabilities;
    await this.#swapOver(run);
    if (lease.phase === 'pending') await this.#drive(run, lease);
    else if (lease.phase === 'returning') await this.#return(run, lease);
    else if (takeover === 'direct' || besideOf(run.record.floor, 'terminal') !== null) return;
    else if (engineHasFloor(run.record.floor))
      this.#free(run, lease, 'lease.ended', { why: 'the terminal ended', ...heldFor(this.#wiring, lease) });
    else this.#transcript.follow(run, this.#wiring.resolve(this.#wiring.agents.get(lease.agent).config));
  }

  /** A swap that an earlier host asked for is finished or rolled back by the shim alone: not to be disturbed. */
  async #swapOver(run: Run): Promise<void> {
    const { swapping } = await run.client.currentStatus();
    if (swapping) await run.until(() => this.#outcome(run) !== null, SWAP_MS);
  }

  #outcome(run: Run): SwapRecord | null {
    const swap = this.#swaps.get(run.id);
    return swap === undefined || swap.phase === 'begun' ? null : swap;
  }

  async #drive(run: Run, lease: LeaseRecord): Promise<LeaseView> {
    const { agent, generation } = lease;
    const { takeover } = run.runtime.capabilities;
    const terminal = terminalOf(run.record.floor);
    const size = lease.detail.surfaces?.terminal;
    try {
      if (takeover === 'swap') {
        if (engineHasFloor(run.record.floor)) {
          await reachBoundary(this.#wiring, run, lease);
          await this.#swapToTerminal(run, lease);
        }
        // Also where the host that asked for the swap did not live to see it done.
        this.#transcript.follow(run, this.#wiring.resolve(this.#wiring.agents.get(agent).config));
        this.#handoverOver(run);
      } else if (takeover === 'beside') await openBeside(this.#wiring, this.#launcher, run, lease);
      else if (size !== undefined && terminal !== null)
        await run.client.resize(terminal.index, size.cols, size.rows);
    } catch (error) {
      this.#free(run, lease, 'lease.failed', { why: messageOf(error) });
      throw error;
    }
    const held = tellLease(this.#wiring, 'lease.held', {}, () =>
      this.#wiring.leases.change(agent, generation, (record) => {
        record.phase = 'held';
        record.since_ms = this.#wiring.clock.now();
        record.detail.waitingFor = null;
      }),
    );
    this.#wiring.touched(agent);
    run.wake();
    return leaseView(held);
  }

  #gone(lease: LeaseRecord): boolean {
    return isGone(this.#wiring, lease);
  }

  async #swapToTerminal(run: Run, lease: LeaseRecord): Promise<void> {
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
    writeFiles(this.#wiring.stateDir, engine.launch);
    writeFiles(this.#wiring.stateDir, terminal);
    this.#transcript.begin(run, spec);
    await this.#swap(run, 'take', lease, engine.launch.stop, terminal.process, engine.launch.process);
  }

  #handoverOver(run: Run): void {
    if (run.ended || run.record.requested !== 'handover') return;
    run.save((saved) => {
      saved.requested = null;
    });
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
    const box = run.box('engine');
    await run.client.swap({
      opId,
      from,
      stop,
      to: box.wrap(to),
      fallback: box.wrap(fallback),
      settle_ms: SETTLE_MS,
    });
    await run.until(() => this.#outcome(run) !== null, SWAP_MS);
    const swap = this.#outcome(run);
    if (swap?.phase === 'done') return;
    throw notSwapped(run.record.agent, to.role, swap, run.ended);
  }

  async handback(
    name: string,
    run: Run,
    input: { generation: number; note?: string; held?: boolean; expired?: boolean },
    by: By,
  ): Promise<void> {
    const lease = this.#wiring.leases.require(name, input.generation);
    if (lease.phase === 'pending') return this.#cancel(run, lease, input.expired ?? false);
    if (lease.phase !== 'held') {
      throw notHeldYet(name);
    }
    if (input.held) this.#hold(name, by);
    const returning = this.#wiring.leases.change(name, input.generation, (record) => {
      record.phase = 'returning';
      record.detail.note = cutText(input.note ?? '', { chars_max: 16_384 });
      if (input.expired) record.detail.expired = true;
    });
    this.#wiring.touched(name);
    this.#wiring.log.info({ agent: name, by }, 'handing back');
    await this.#return(run, returning);
  }

  async #return(run: Run, lease: LeaseRecord): Promise<void> {
    const { clock } = this.#wiring;
    const config = this.#wiring.agents.get(lease.agent).config;
    const changed = await changedFiles(config.workspace, lease.since_ms ?? clock.now());
    this.#wiring.leases.require(lease.agent, lease.generation);
    const note = returnNote(lease, clock.now(), changed);
    const { takeover } = run.runtime.capabilities;
    try {
      if (takeover === 'swap') {
        if (!engineHasFloor(run.record.floor)) await this.#swapToEngine(run, lease, note);
        // Also where the host that asked for the swap did not live to see it done.
        this.#transcript.end(run, this.#wiring.resolve(config));
        await this.#launcher.open(run);
        this.#handoverOver(run);
      } else if (takeover === 'beside') await closeBeside(this.#wiring, run, lease, note);
    } catch (error) {
      if (!run.ended && !engineHasFloor(run.record.floor)) this.#stillHeld(run, lease);
      throw error;
    }
    const data = { note: lease.detail.note ?? '', diff: changed, ...heldFor(this.#wiring, lease) };
    tellReleased(this.#wiring, lease, lease.detail.expired ? 'lease.expired' : 'lease.returned', data);
    this.#wiring.touched(lease.agent);
    await this.#delivery.kick(lease.agent);
  }

  #stillHeld(run: Run, lease: LeaseRecord): void {
    run.save((saved) => {
      // They are for an engine that did not come: a terminal must never read them.
      toOpenWith(saved.floor, []);
    });
    this.#handoverOver(run);
    this.#wiring.leases.change(lease.agent, lease.generation, (record) => {
      record.phase = 'held';
    });
    this.#wiring.touched(lease.agent);
  }

  async #swapToEngine(run: Run, lease: LeaseRecord, note: string): Promise<void> {
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
    writeFiles(this.#wiring.stateDir, engine.launch);
    run.save((saved) => {
      saved.requested = 'handover';
      nextSize(saved.floor, size);
      toOpenWith(saved.floor, engine.launch.opening);
    });
    await this.#swap(run, 'return', lease, terminal.stop, engine.launch.process, terminal.process);
  }

  /** It came to an end that is no hand-back. */
  #free<T extends LeaseTopic>(run: Run, lease: LeaseRecord, topic: T, data: LeaseData<T>): void {
    if (this.#gone(lease)) return;
    this.#handoverOver(run);
    tellReleased(this.#wiring, lease, topic, data);
    this.#wiring.touched(lease.agent);
    run.wake();
  }

  /** @param left its holder ended the run by leaving the terminal */
  #over(run: Run, lease: LeaseRecord, left: boolean): void {
    const why = 'the run ended';
    if (left) this.#free(run, lease, 'lease.returned', { left, why, ...heldFor(this.#wiring, lease) });
    else if (lease.phase === 'pending') this.#free(run, lease, 'lease.failed', { why });
    else this.#free(run, lease, 'lease.ended', { why, ...heldFor(this.#wiring, lease) });
  }

  /** A terminal beside the engine has ended by itself: its holder left it. */
  left(run: Run): void {
    const lease = this.#wiring.leases.find(run.record.agent);
    const { floor } = run.record;
    if (lease?.phase !== 'held' || lease.run !== run.id || run.runtime.capabilities.takeover !== 'beside')
      return;
    if (besideOf(floor, 'terminal') !== null || onFloor(floor).pid === null) return;
    this.#free(run, lease, 'lease.returned', {
      left: true,
      why: 'the terminal ended',
      ...heldFor(this.#wiring, lease),
    });
    void this.#delivery.kick(lease.agent);
  }

  ended(run: Run): void {
    const lease = this.#wiring.leases.find(run.record.agent);
    if (!engineHasFloor(run.record.floor)) this.#readRest(run);
    const left = leftByHand(run.record) && run.record.exit?.signal === null;
    if (lease !== null && lease.run === run.id) this.#over(run, lease, left);
    this.#transcript.forget(run);
    this.#swaps.delete(run.id);
  }

  /** What was said in a terminal that ended by itself, up to its last word. */
  #readRest(run: Run): void {
    const { agents, resolve, log } = this.#wiring;
    try {
      this.#transcript.end(run, resolve(agents.get(run.record.agent).config));
    } catch (error) {
      log.warn({ run: run.id, error: messageOf(error) }, 'the end of the transcript could not be read');
    }
  }
}
