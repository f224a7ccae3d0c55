/** Agents as clients see them, put together from the nouns, and the notice that one has changed. */
import type { Runtime } from '../../../runtimes/runtime.ts';
import { agentView, type ViewParts } from '../../agents/views.ts';
import type { AgentView } from '../../api.ts';
import { AetherError } from '../../errors.ts';
import type { Mailboxes } from '../../mailboxes/mailboxes.ts';
import { leaseView } from '../../terminals/leases.ts';
import type { VerbFacts } from '../../verbs/verb.ts';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import type { Watchdog } from '../lifecycle/watchdog.ts';
import type { Wiring } from '../wiring.ts';
import type { Fleet } from './fleet.ts';

/** However often a view changes within this, it is told once. */
const GATHER_MS = 50;

interface Parts {
  wiring: Pick<Wiring, 'agents' | 'runs' | 'leases' | 'approvals' | 'clock' | 'runtime'>;
  mailboxes: Mailboxes;
  fleet: Fleet;
  lifecycle: Lifecycle;
  watchdog: Watchdog;
  legal(facts: VerbFacts): AgentView['verbs'];
}

export class AgentViews {
  readonly #p: Parts;
  readonly #listeners = new Set<(names: string[]) => void>();
  readonly #touched = new Set<string>();

  constructor(parts: Parts) {
    this.#p = parts;
  }

  all(): AgentView[] {
    return this.#p.wiring.agents.all().map((agent) => this.get(agent.name));
  }

  /** @throws AetherError `agent.unknown` */
  get(name: string): AgentView {
    const { agents, runs, leases, approvals, clock } = this.#p.wiring;
    const agent = agents.get(name);
    const lease = leases.find(name);
    return agentView({
      agent,
      run: runs.newest(name),
      lease: lease === null ? null : leaseView(lease),
      capabilities: this.#runtime(agent.config.runtime)?.capabilities ?? null,
      interruptKeys:
        (this.#runtime(agent.config.runtime)?.interruptKeys?.(agent.config.options) ?? null) !== null,
      totals: runs.totals(name),
      openApprovals: approvals.countOpen(name),
      unreadMail: this.#p.mailboxes.unread(`agent:${name}`),
      pending: this.#p.fleet.pending(name),
      stuck: this.#p.watchdog.stuck(name),
      gaps: runs.gaps(name),
      restartDue: this.#restartDue(name),
      waits_since_ms: this.#p.lifecycle.waits(name),
      restarts: this.#p.lifecycle.restarts.count(name),
      legal: this.#p.legal,
      now: clock.now(),
    });
  }

  #restartDue(name: string): ViewParts['restartDue'] {
    const due = this.#p.lifecycle.restarts.due(name);
    return due && { at_ms: due.at_ms, after: due.automatic?.after ?? null };
  }

  /** Null for a runtime of another version: its agent is shown like the others, and cannot start. */
  #runtime(runtime: string): Runtime | null {
    try {
      return this.#p.wiring.runtime(runtime);
    } catch (error) {
      if (error instanceof AetherError && error.code === 'runtime.unknown') return null;
      throw error;
    }
  }

  /** What other agents may know of them. */
  listed() {
    return this.all().map(({ name, runtime, state, activity, goal }) => ({
      name,
      runtime,
      state,
      activity,
      goal,
    }));
  }

  follow(listener: (names: string[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The view of an agent may have changed. */
  touched(name: string): void {
    this.#touched.add(name);
    if (this.#touched.size > 1) return;
    this.#p.wiring.clock.after(GATHER_MS, () => {
      const names = [...this.#touched];
      this.#touched.clear();
      for (const listener of this.#listeners) listener(names);
    });
  }
}
