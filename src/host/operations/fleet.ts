/**
 * From aether.yaml to agents. An edit applies by itself what restarts nothing; removals and restarts wait for
 * `apply`; a file that cannot be read keeps the last good fleet and says why.
 */
import type { PlanView } from '../api.ts';
import { diffConfig } from '../config/diff.ts';
import { configHash } from '../config/hash.ts';
import type { AgentConfig, Config } from '../config/types.ts';
import { AetherError, messageOf, type WireError } from '../errors.ts';
import type { Launcher } from './launch.ts';
import type { Lifecycle } from './lifecycle.ts';
import { onceStored } from './upkeep.ts';
import type { By, Wiring } from './wiring.ts';

export class Fleet {
  readonly #wiring: Wiring;
  readonly #lifecycle: Lifecycle;
  readonly #launcher: Launcher;
  readonly #load: () => Config;
  readonly #plan: (config: Config) => Promise<PlanView>;
  #config: Config | null = null;
  #problem: WireError | null = null;
  /** As it was opened when the host started. */
  #console: Config['console'] | null = null;

  constructor(parts: {
    wiring: Wiring;
    lifecycle: Lifecycle;
    launcher: Launcher;
    load: () => Config;
    plan: (config: Config) => Promise<PlanView>;
  }) {
    this.#wiring = parts.wiring;
    this.#lifecycle = parts.lifecycle;
    this.#launcher = parts.launcher;
    this.#load = parts.load;
    this.#plan = parts.plan;
  }

  /** The last good configuration; null before the first. */
  get config(): Config | null {
    return this.#config;
  }

  get problem(): WireError | null {
    return this.#problem;
  }

  /** Why the last edit of this agent is not in force yet. */
  pending(name: string): string | null {
    if (this.#config === null) return null;
    const wanted = this.#config.agents.find((agent) => agent.name === name) ?? null;
    const applied = this.#wiring.agents.find(name)?.config ?? null;
    const difference = diffConfig(applied, wanted);
    if (difference.action === 'none') return null;
    return difference.action === 'remove'
      ? 'removed from aether.yaml'
      : `changed: ${difference.changed.join(', ')}`;
  }

  async plan(): Promise<PlanView> {
    return this.#planned(this.#load());
  }

  /** Everything, restarts and removals included. Resolves when each agent has started, failed or stopped. */
  async apply(by: By): Promise<PlanView> {
    const config = this.#load();
    const plan = await this.#planned(config);
    this.#accept(config);
    const names = new Set(config.agents.map((agent) => agent.name));
    const work: Promise<void>[] = [];
    for (const agent of config.agents) work.push(this.#applyOne(agent, by));
    for (const agent of this.#wiring.agents.all())
      if (!names.has(agent.name)) work.push(this.#remove(agent.name, by));
    await Promise.all(work);
    this.#wiring.events.append({
      topic: 'config.applied',
      principal: by,
      grade: 'enforced',
      data: { agents: [...names] },
    });
    return plan;
  }

  /** The file changed on disk: it is noticed once that can be stored. */
  edited(result: Config | AetherError): void {
    onceStored(this.#wiring, 'an edit of aether.yaml', () => this.changed(result));
  }

  /** The file is as `result` says. */
  changed(result: Config | AetherError): void {
    const { events, touched, agents } = this.#wiring;
    if (result instanceof AetherError) {
      this.#problem = result.toWire();
      events.append({
        topic: 'config.broken',
        principal: 'host',
        grade: 'observed',
        data: { problem: this.#problem },
      });
      for (const agent of agents.all()) touched(agent.name);
      return;
    }
    this.#accept(result);
    const waiting: string[] = [];
    for (const agent of result.agents) {
      const difference = diffConfig(agents.find(agent.name)?.config ?? null, agent);
      if (difference.action === 'none') continue;
      if (difference.restarts && this.#wiring.runs.of(agent.name) !== null) waiting.push(agent.name);
      else this.#quietly(agent);
    }
    for (const agent of agents.all())
      if (this.pending(agent.name) === 'removed from aether.yaml') waiting.push(agent.name);
    events.append({
      topic: 'config.changed',
      principal: 'host',
      grade: 'observed',
      data: { pending: waiting },
    });
    for (const agent of agents.all()) touched(agent.name);
  }

  async #planned(config: Config): Promise<PlanView> {
    const plan = await this.#plan(config);
    const { enabled, port } = this.#console ?? config.console;
    if (config.console.enabled === enabled && config.console.port === port) return plan;
    const warning = `${config.file}: what changed below console counts from the next start of the host (\`aether down\`, then \`aether up\`).`;
    return { ...plan, warnings: [...plan.warnings, warning] };
  }

  #accept(config: Config): void {
    this.#console ??= config.console;
    this.#config = config;
    this.#problem = null;
    this.#wiring.agents.arrange(config.agents.map((agent) => agent.name));
  }

  /** What restarts nothing: a new agent, or a change that a running one takes as it is. */
  #quietly(config: AgentConfig): void {
    const known = this.#wiring.agents.find(config.name);
    this.#configure(config);
    if (known !== undefined && (known.wanted === 'stopped' || known.problem === null)) return;
    if (
      this.#wiring.agents.get(config.name).wanted !== 'running' ||
      this.#wiring.runs.of(config.name) !== null
    )
      return;
    this.#lifecycle.start(config.name, 'host').catch((error: unknown) => {
      this.#wiring.log.warn({ agent: config.name, error: messageOf(error) }, 'a new agent did not start');
    });
  }

  async #applyOne(config: AgentConfig, by: By): Promise<void> {
    const { agents, runs, log } = this.#wiring;
    const known = agents.find(config.name);
    const difference = diffConfig(known?.config ?? null, config);
    if (difference.action !== 'none') this.#configure(config);
    const agent = agents.get(config.name);
    if (agent.wanted !== 'running') return this.#lifecycle.reconcile([config.name]);
    try {
      const running = runs.of(config.name) !== null;
      if (running && difference.restarts) await this.#lifecycle.restart(config.name, by);
      else if (!running && (difference.action !== 'none' || agent.problem !== null))
        await this.#lifecycle.start(config.name, by);
      else await this.#lifecycle.reconcile([config.name]);
    } catch (error) {
      // The agent carries its problem; the others go on.
      log.warn({ agent: config.name, error: messageOf(error) }, 'not started');
    }
  }

  #configure(config: AgentConfig): void {
    const { agents, events, store } = this.#wiring;
    store.transaction(() => {
      const known = agents.find(config.name);
      agents.configure(config, configHash(config));
      events.append({
        topic: known === undefined ? 'agent.added' : 'agent.changed',
        agent: config.name,
        principal: 'operator',
        grade: 'enforced',
        data: { runtime: config.runtime },
      });
    });
    const run = this.#wiring.runs.of(config.name);
    if (run !== null) this.#launcher.toolsChanged(run.id);
    this.#wiring.touched(config.name);
  }

  async #remove(name: string, by: By): Promise<void> {
    const { agents, events, log } = this.#wiring;
    try {
      await this.#lifecycle.stop(name, by, 'removed from aether.yaml');
    } catch (error) {
      log.error({ agent: name, error: messageOf(error) }, 'a removed agent could not be stopped');
      return;
    }
    agents.remove(name);
    events.append({ topic: 'agent.removed', agent: name, principal: by, grade: 'enforced', data: {} });
    this.#wiring.touched(name);
  }
}
