/**
 * Holds an agent: it runs no tool and begins no turn until it is resumed. The request is part of the agent's record, so
 * it outlives hosts and runs; the gate enforces it. Background processes that a tool left keep running; pause stops
 * those.
 */
import { messageOf } from '../../errors.ts';
import { limits } from '../../limits.ts';
import { isOperator } from '../../principals.ts';
import type { Run } from '../../runs/run.ts';
import { SingleFlight } from '../../single-flight.ts';
import type { Launcher } from '../launch/launch.ts';
import { acceptInjection, type InjectionDelivery } from '../messages/inject.ts';
import { heldNote, whatChanged } from '../notes.ts';
import { engineActivity, showActivity } from '../turn/activity.ts';
import type { By, Wiring } from '../wiring.ts';

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
  | 'closing'
  | 'touched'
>;

export class Holds {
  readonly #wiring: Needs;
  readonly #launcher: Launcher;
  readonly #delivery: InjectionDelivery;
  readonly #unread: (agent: string) => number;
  readonly #resuming = new SingleFlight();

  constructor(parts: {
    wiring: Needs;
    launcher: Launcher;
    delivery: InjectionDelivery;
    unread: (agent: string) => number;
  }) {
    this.#wiring = parts.wiring;
    this.#launcher = parts.launcher;
    this.#delivery = parts.delivery;
    this.#unread = parts.unread;
  }

  /** From now on no further tool call passes; that it stands still is told by its activity. */
  begin(name: string, by: By): void {
    const { agents, clock, events, runs, store, touched } = this.#wiring;
    const run = runs.of(name);
    store.transaction(() => {
      if (agents.get(name).hold !== null) return;
      agents.change(name, (agent) => {
        agent.hold = { by, since_ms: clock.now(), held_ms: null, blocked: [] };
      });
      events.append({
        topic: 'hold.requested',
        agent: name,
        run: run?.id ?? null,
        principal: by,
        grade: 'enforced',
        data: {},
      });
      this.#show(run);
    });
    touched(name);
    if (run !== null) this.#wiring.gates.of(run).pass();
  }

  /** It goes on, and is told how long it stood still and what changed; also after a hold that outlasted the gate. */
  resume(name: string, by: By): Promise<void> {
    return this.#resuming.run(name, () => this.#resume(name, by));
  }

  async #resume(name: string, by: By): Promise<void> {
    const { agents, runs, store, touched } = this.#wiring;
    const run = runs.of(name);
    const since_ms = agents.get(name).hold?.since_ms;
    const letGo = run === null ? () => {} : this.#wiring.gates.of(run).keepShut();
    try {
      const note = await this.#note(name, run);
      // Gathering took a while: it may have been stopped meanwhile.
      if (agents.find(name)?.hold?.since_ms !== since_ms) return;
      store.transaction(() => {
        this.#over(name, by, 'resumed');
        if (note !== null) this.#tell(name, note);
        this.#show(run);
      });
      touched(name);
      if (run === null || run.ended || !run.connected || agents.get(name).hold !== null) return;
      if (this.#wiring.leases.find(name) !== null) return;
      // What was withheld at its start, then the messages, so that they are read right after the tool that waits.
      await this.#launcher.open(run);
      await this.#delivery.kick(name);
    } finally {
      letGo();
      if (run !== null) this.#wiring.gates.of(run).pass();
    }
  }

  /** An agent with a full queue goes on all the same. */
  #tell(name: string, text: string): void {
    try {
      acceptInjection(this.#wiring, name, { text, priority: 'next' }, 'host');
    } catch (error) {
      this.#wiring.log.warn({ agent: name, error: messageOf(error) }, 'not told that it was held');
    }
  }

  /** It was stopped: what is started again later is not held. */
  forget(name: string, by: By): void {
    if (this.#wiring.agents.find(name)?.hold != null) this.#over(name, by, 'stopped');
  }

  /** Calls that have waited as long as their engine lets them. To be called every few seconds. */
  sweep(): void {
    for (const run of this.#wiring.runs.live()) this.#wiring.gates.of(run).endLongWaits();
  }

  #over(name: string, by: By, why: 'resumed' | 'stopped'): void {
    const { agents, clock, events, runs } = this.#wiring;
    const { hold } = agents.get(name);
    if (hold === null) return;
    agents.change(name, (agent) => {
      agent.hold = null;
    });
    events.append({
      topic: 'hold.ended',
      agent: name,
      run: runs.of(name)?.id ?? null,
      principal: by,
      grade: 'enforced',
      data: { why, held_ms: hold.held_ms === null ? 0 : clock.now() - hold.held_ms },
    });
  }

  #show(run: Run | null): void {
    if (run === null || run.ended) return;
    run.save(() => showActivity(this.#wiring, run, this.#wiring.clock.now()));
  }

  /** Null where there is nothing to tell: an idle agent is not woken to hear that nothing has happened. */
  async #note(name: string, run: Run | null): Promise<string | null> {
    const { agents, clock } = this.#wiring;
    const { hold } = agents.get(name);
    if (hold === null || hold.held_ms === null || run === null) return null;
    const away_ms = clock.now() - hold.held_ms;
    if (away_ms < limits.away_told_ms && hold.blocked.length === 0) return null;
    const changed = await whatChanged(this.#wiring, name, hold.held_ms, this.#unread(name));
    const blocked = agents.find(name)?.hold?.blocked ?? [];
    if (blocked.length > 0) {
      const tools = [...new Set(blocked)].join(', ');
      changed.push(`Not run meanwhile: ${tools}. Call again what is still needed.`);
    } else if (changed.length === 0 && engineActivity(run) === 'idle') return null;
    return [
      heldNote(isOperator(hold.by) ? 'The operator' : hold.by, away_ms),
      ...changed,
      'Go on with your work.',
    ].join('\n');
  }
}
