/**
 * Hands the floor to a person and back. For an engine that already is a terminal this is only the lease; for a
 * structured engine the processes are swapped (swap.ts). This file decides when, and what the agent is told afterwards.
 * A new host can continue at every step.
 */
import type { AgentView, LeaseView } from '../../api.ts';
import { messageOf } from '../../errors.ts';
import { besideOf, engineHasFloor, terminalOf } from '../../runs/floor.ts';
import type { Run } from '../../runs/run.ts';
import type { SwapRecord } from '../../shim/shim-protocol.ts';
import type { LeaseRecord } from '../../store/leases.ts';
import { leaseView } from '../../terminals/leases.ts';
import { cutText } from '../../text.ts';
import { requireLegal } from '../../verbs/legal.ts';
import { changedFiles } from '../../workspaces/changed-files.ts';
import type { Launcher } from '../launch/launch.ts';
import { BOUNDARY_MS_MAX } from '../lifecycle/boundary.ts';
import type { InjectionDelivery } from '../messages/inject.ts';
import { returnNote } from '../notes.ts';
import type { TranscriptReader } from '../turn/transcript.ts';
import type { By, Wiring } from '../wiring.ts';
import { closeBeside, openBeside } from './beside.ts';
import { isGone, reachForLease } from './lease-boundary.ts';
import { LeaseEnds } from './lease-end.ts';
import { heldFor, tellLease, tellReleased } from './lease-events.ts';
import { handoverOver, noEngineCame, Swaps } from './swap.ts';
import { comesUp, notHeldYet, waitsAlready } from './takeover-refusals.ts';

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
  | 'gates'
  | 'generation'
  | 'stateDir'
  | 'programCopies'
  | 'resolve'
  | 'closing'
  | 'touched'
>;

export class Takeover {
  readonly #wiring: Needs;
  readonly #launcher: Launcher;
  readonly #delivery: InjectionDelivery;
  readonly #transcript: TranscriptReader;
  readonly #hold: (agent: string, by: By) => void;
  readonly #swaps: Swaps;
  readonly #ends: LeaseEnds;

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
    this.#swaps = new Swaps(parts);
    this.#ends = new LeaseEnds(parts);
  }

  /** From the run's sink: a swap has moved on. */
  swapped(run: Run, swap: SwapRecord): void {
    this.#swaps.swapped(run, swap);
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
    const settled = () =>
      isGone(this.#wiring, lease) || this.#wiring.leases.find(lease.agent)?.phase !== 'pending';
    await run.until(settled, BOUNDARY_MS_MAX);
    return leaseView(this.#wiring.leases.require(lease.agent, lease.generation));
  }

  /** Its holder changed its mind, or vanished, while it waits for the boundary. */
  #cancel(run: Run, lease: LeaseRecord, expired: boolean): void {
    if (run.record.requested === 'handover') {
      throw comesUp(lease.agent);
    }
    this.#ends.free(run, lease, expired ? 'lease.expired' : 'lease.cancelled', {});
  }

  /** A host died in the middle of a takeover or a hand-back: go on where it stood. */
  async continue(run: Run, lease: LeaseRecord): Promise<void> {
    const { takeover } = run.runtime.capabilities;
    await this.#swaps.over(run);
    if (lease.phase === 'pending') await this.#drive(run, lease);
    else if (lease.phase === 'returning') await this.#return(run, lease);
    else if (takeover === 'direct' || besideOf(run.record.floor, 'terminal') !== null) return;
    else if (engineHasFloor(run.record.floor))
      this.#ends.free(run, lease, 'lease.ended', {
        why: 'the terminal ended',
        ...heldFor(this.#wiring, lease),
      });
    else this.#transcript.follow(run, this.#wiring.resolve(this.#wiring.agents.get(lease.agent).config));
  }

  async #drive(run: Run, lease: LeaseRecord): Promise<LeaseView> {
    const { agent, generation } = lease;
    const { takeover } = run.runtime.capabilities;
    const terminal = terminalOf(run.record.floor);
    const size = lease.detail.surfaces?.terminal;
    try {
      if (takeover === 'swap') {
        if (engineHasFloor(run.record.floor)) {
          await reachForLease(this.#wiring, run, lease);
          await this.#swaps.toTerminal(run, lease);
        }
        // Also where the host that asked for the swap did not live to see it done.
        this.#transcript.follow(run, this.#wiring.resolve(this.#wiring.agents.get(agent).config));
        handoverOver(run);
      } else if (takeover === 'beside') await openBeside(this.#wiring, this.#launcher, run, lease);
      else if (size !== undefined && terminal !== null)
        await run.client.resize(terminal.index, size.cols, size.rows);
    } catch (error) {
      this.#ends.free(run, lease, 'lease.failed', { why: messageOf(error) });
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
        if (!engineHasFloor(run.record.floor)) await this.#swaps.toEngine(run, lease, note);
        // Also where the host that asked for the swap did not live to see it done.
        this.#transcript.end(run, this.#wiring.resolve(config));
        await this.#launcher.open(run);
        handoverOver(run);
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
    noEngineCame(run);
    this.#wiring.leases.change(lease.agent, lease.generation, (record) => {
      record.phase = 'held';
    });
    this.#wiring.touched(lease.agent);
  }

  left(run: Run): void {
    this.#ends.left(run);
  }

  ended(run: Run): void {
    this.#ends.ended(run);
    this.#swaps.forget(run);
  }
}
