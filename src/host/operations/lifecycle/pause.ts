/**
 * Pause and resume for clients. The shim freezes the processes and proves it; this file asks it to, and afterwards
 * tells the agent what it could not notice: how much time passed, and what changed.
 */
import type { Clock } from '../../clock.ts';
import { messageOf } from '../../errors.ts';
import { limits } from '../../limits.ts';
import type { Run } from '../../runs/run.ts';
import { stoodStill } from '../../runs/tree.ts';
import type { RunTree } from '../../store/runs.ts';
import { acceptInjection, type InjectionDelivery } from '../messages/inject.ts';
import { frozenNote, whatChanged } from '../notes.ts';
import type { By, Wiring } from '../wiring.ts';

/** What this file uses of the host. */
type Needs = Pick<
  Wiring,
  'store' | 'clock' | 'ids' | 'log' | 'events' | 'agents' | 'runs' | 'injections' | 'leases'
>;

/** The shim answers when its journal has it; reading that is a matter of milliseconds. */
const READ_MS = 5_000;
/** How often it is looked whether a run still stands still. */
const LOOK_MS = 250;

export class Pauses {
  readonly #wiring: Needs;
  readonly #delivery: InjectionDelivery;
  readonly #unread: (agent: string) => number;
  /** Pauses of which agents are being told. */
  readonly #telling = new Set<string>();

  constructor(parts: {
    wiring: Needs;
    delivery: InjectionDelivery;
    unread: (agent: string) => number;
  }) {
    this.#wiring = parts.wiring;
    this.#delivery = parts.delivery;
    this.#unread = parts.unread;
  }

  /** @returns once every process of the run stands still. @throws AetherError `shim.not-still`: it goes on */
  async pause(run: Run, by: By): Promise<void> {
    await this.#asked(run, 'pause', by, async () => {
      await run.client.pause(this.#wiring.ids.short('pause'), by);
      await run.pump();
      await run.until(() => run.record.tree.pause !== null, READ_MS);
    });
  }

  async resume(run: Run, by: By): Promise<void> {
    await this.#asked(run, 'resume', by, async () => {
      await run.client.thaw(this.#wiring.ids.short('resume'), by);
      await run.pump();
      await run.until(() => run.record.tree.pause === null, READ_MS);
    });
    await this.tell(run);
  }

  /** What is asked for and has not happened yet is shown, unless something else is. */
  async #asked(run: Run, what: 'pause' | 'resume', by: By, act: () => Promise<void>): Promise<void> {
    if (run.record.requested === null) {
      run.save((record) => {
        record.requested = what;
        record.asked = { by, at_ms: this.#wiring.clock.now() };
      });
    }
    try {
      await act();
    } finally {
      this.forget(run);
    }
  }

  /** The request is over: also after the death of the host that was asked. */
  forget(run: Run): void {
    const { requested } = run.record;
    if (run.ended || run.closed || (requested !== 'pause' && requested !== 'resume')) return;
    run.save((record) => {
      record.requested = null;
    });
  }

  /** Tells the agent of a pause that is over, once; also of one that an earlier host had yet to tell of. */
  async tell(run: Run): Promise<void> {
    const { away } = run.record.tree;
    if (away === null || run.ended || run.closed || this.#telling.has(away.opId)) return;
    const { agent } = run.record;
    this.#telling.add(away.opId);
    try {
      await this.#tell(run, away);
    } catch (error) {
      const { log } = this.#wiring;
      log.warn({ agent, error: messageOf(error) }, 'an agent could not be notified that it was paused');
      return;
    } finally {
      this.#telling.delete(away.opId);
    }
    void this.#delivery.kick(agent);
  }

  async #tell(run: Run, { opId, from_ms, to_ms }: NonNullable<RunTree['away']>): Promise<void> {
    const { agent } = run.record;
    const told = to_ms - from_ms >= limits.away_told_ms && run.runtime.capabilities.engine === 'structured';
    const changed = told ? await whatChanged(this.#wiring, agent, from_ms, this.#unread(agent)) : [];
    // Looking took a while: it may have ended, or stood still again.
    if (run.ended || run.closed || run.record.tree.away?.opId !== opId) return;
    this.#wiring.store.transaction(() => {
      if (told) {
        const text = awayNote(to_ms - from_ms, changed);
        acceptInjection(this.#wiring, agent, { text, priority: 'later' }, 'host');
      }
      run.save((record) => {
        record.tree.away = null;
      });
    });
  }
}

/** Like run.until, of a clock that stands still while the run does: time frozen is not counted. */
export async function untilAwake(
  { clock }: { clock: Clock },
  run: Run,
  condition: () => boolean,
  limit_ms: number,
): Promise<boolean> {
  for (let left_ms = limit_ms; left_ms > 0; ) {
    const before = stoodStill(run.record.tree, clock.now());
    if (await run.until(condition, left_ms)) return true;
    if (run.ended || run.closed) return false;
    const stood_ms = stoodStill(run.record.tree, clock.now()) - before;
    left_ms = stood_ms > 0 ? Math.max(stood_ms, LOOK_MS) : 0;
  }
  return false;
}

function awayNote(away_ms: number, changed: string[]): string {
  return [frozenNote(away_ms), ...changed, 'Go on with your work.'].join('\n');
}
