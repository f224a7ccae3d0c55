/**
 * From aether.yaml to agents. An edit may come from an agent that can write the file, while the host runs or while none
 * does: it applies by itself only as far as it narrows, in the name of the file. Everything else waits for `apply`,
 * which only an operator may call. A file that cannot be read keeps the last good fleet and says why.
 */
import path from 'node:path';
import type { HostInfo, PlanChange, PlanView, Principal } from '../../api.ts';
import { diffConfig, type LiveEdit, liveEdit, waitingSettings } from '../../config/diff.ts';
import { canonicalJson, configHash } from '../../config/hash.ts';
import { RETENTION } from '../../config/load.ts';
import { MEMORY } from '../../config/memory-schema.ts';
import type { AgentConfig, Config, FleetSettings } from '../../config/types.ts';
import { AetherError, messageOf, type WireError } from '../../errors.ts';
import { limits } from '../../limits.ts';
import type { SettingTable } from '../../store/settings.ts';
import type { Launcher } from '../launch/launch.ts';
import { changeNetwork } from '../launch/network.ts';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import { onceStored } from '../upkeep/chores.ts';
import type { By, Wiring } from '../wiring.ts';

/** What this file uses of the host. */
type Needs = Pick<
  Wiring,
  'stateDir' | 'store' | 'clock' | 'log' | 'events' | 'agents' | 'runs' | 'closing' | 'touched'
>;

/** Of a host that no configuration has told otherwise: its console takes any free port. */
const DEFAULTS: FleetSettings = {
  console: { enabled: true, port: 0 },
  retention: RETENTION,
  terminal: { scrollback_lines: limits.terminal_scrollback_lines },
  memory: MEMORY,
};

export class Fleet {
  readonly #wiring: Needs;
  readonly #table: SettingTable;
  readonly #lifecycle: Lifecycle;
  readonly #launcher: Launcher;
  readonly #load: () => Config;
  readonly #plan: (config: Config) => Promise<PlanView>;
  /** Agents that could have written what the file says now, besides an operator. */
  readonly #exposedTo: () => string[];
  #config: Config | null = null;
  /** Why nothing of the last edit applies by itself. */
  #unproven: string | null = null;
  /** What an operator was shown of the file last. */
  #shown: string | null = null;
  #settings: FleetSettings;
  #problem: WireError | null = null;
  /** As it was opened when the host started. */
  #console: FleetSettings['console'] | null = null;

  constructor(parts: {
    wiring: Needs;
    table: SettingTable;
    lifecycle: Lifecycle;
    launcher: Launcher;
    load: () => Config;
    plan: (config: Config) => Promise<PlanView>;
    exposedTo: () => string[];
  }) {
    this.#wiring = parts.wiring;
    this.#table = parts.table;
    this.#settings = { ...DEFAULTS, ...parts.table.all() };
    this.#lifecycle = parts.lifecycle;
    this.#launcher = parts.launcher;
    this.#load = parts.load;
    this.#plan = parts.plan;
    this.#exposedTo = parts.exposedTo;
  }

  /** The last good configuration; null before the first. */
  get config(): Config | null {
    return this.#config;
  }

  get problem(): WireError | null {
    return this.#problem;
  }

  /** As they were applied last, by this host or one before it. */
  get settings(): FleetSettings {
    return this.#settings;
  }

  /** Why the last edit of this agent is not in force yet. */
  pending(name: string): string | null {
    if (this.#config === null) return null;
    const wanted = this.#config.agents.find((agent) => agent.name === name);
    const applied = this.#wiring.agents.find(name)?.config;
    if (wanted === undefined) return applied === undefined ? null : 'removed from aether.yaml';
    if (applied === undefined) return 'added to aether.yaml';
    const { waits } = liveEdit(applied, wanted, this.#wiring.runs.of(name) !== null);
    return waits.length === 0 ? null : reasons(waits);
  }

  /** Every edit of the file that waits for `apply`. */
  get waits(): HostInfo['configWaits'] {
    const names = [...(this.#config?.agents ?? []), ...this.#wiring.agents.all()].map(({ name }) => name);
    const waits: HostInfo['configWaits'] = [...new Set(names)].flatMap((agent) => {
      const why = this.pending(agent);
      return why === null ? [] : [{ agent, why }];
    });
    const whole = this.#unproven === null ? [] : [{ agent: null, why: `aether.yaml ${this.#unproven}` }];
    return [
      ...whole,
      ...waits,
      ...this.#waitingSettings.map((wait) => ({ agent: null, why: reasons([wait]) })),
    ];
  }

  get #waitingSettings(): LiveEdit['waits'] {
    return this.#config === null ? [] : waitingSettings(this.#settings, this.#config);
  }

  /**
   * What the file says when the host starts, before any agent is started. A fleet that is known from before is only
   * narrowed: an agent may have edited the file while no host ran.
   * @param asked an operator starts the host, in a terminal
   * @returns whether all of it is to be applied
   */
  begin(found: Config | AetherError | null, asked: boolean): boolean {
    if (found === null) return false;
    const known = this.#wiring.agents.all().length > 0;
    const whole = !(found instanceof AetherError) && (!known || (asked && this.#exposedTo().length === 0));
    if (found instanceof AetherError) this.changed(found);
    else {
      // Of a version that did not note down what was applied, the file is all there is to go by.
      this.#apply(whole ? found : { ...found, ...this.#table.all() });
      this.#accept(found);
      if (!whole) this.#narrowProven();
      if (!whole && this.waits.length > 0) this.#changedEvent();
    }
    this.#console = this.#settings.console;
    return whole;
  }

  async plan(): Promise<PlanView> {
    const config = this.#load();
    const plan = await this.#planned(config);
    this.#shown = meaningOf(config);
    return plan;
  }

  /** Everything, restarts and removals included. Resolves when each agent has started, failed or stopped. */
  async apply(by: By): Promise<PlanView> {
    const config = this.#load();
    this.#requireShown(config);
    const plan = await this.#planned(config);
    this.#accept(config);
    this.#unproven = null;
    this.#apply(config);
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

  /**
   * The agent that an operator asks for by its name: one that the file has and the fleet does not is put in force, and
   * not started. No other edit is.
   * @throws AetherError `agent.undeclared`, `config.unproven`, or what is wrong with the file
   */
  declared(name: string, by: By): AgentConfig {
    const config = this.#load();
    const wanted = config.agents.find((agent) => agent.name === name);
    if (wanted === undefined) {
      throw new AetherError({
        code: 'agent.undeclared',
        who: 'user',
        message: `${config.file} has no agent named ${name}.`,
        next: 'Declare it there below `agents:`, and do this again.',
      });
    }
    const applied = this.#wiring.agents.find(name)?.config;
    if (applied !== undefined) return applied;
    this.#requireShown(config, 'do this again');
    this.#accept(config);
    this.#configure(wanted, by);
    return wanted;
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
    this.#narrowProven();
    this.#changedEvent();
    for (const agent of agents.all()) touched(agent.name);
  }

  #narrowProven(): void {
    this.#unproven =
      this.#config !== null && this.#differs(this.#config) ? unproven(this.#exposedTo()) : null;
    if (this.#unproven === null) for (const { name } of this.#wiring.agents.all()) this.narrow(name);
  }

  /** There is something to apply. */
  #differs(config: Config): boolean {
    const { agents } = this.#wiring;
    const wanted = new Set(config.agents.map(({ name }) => name));
    return (
      agents.all().some(({ name }) => !wanted.has(name)) ||
      waitingSettings(this.#settings, config).length > 0 ||
      config.agents.some(
        (agent) => diffConfig(agents.find(agent.name)?.config ?? null, agent).action !== 'none',
      )
    );
  }

  /** @throws AetherError `config.unproven` where the file may hold what no operator has read */
  #requireShown(config: Config, then = '`aether apply`'): void {
    const why = unproven(this.#exposedTo());
    if (why === null || meaningOf(config) === this.#shown || !this.#differs(config)) return;
    throw new AetherError({
      code: 'config.unproven',
      who: 'user',
      message: `${config.file} ${why}: it may say more than you wrote.`,
      next: `Read it with \`aether plan\`, then ${then}: only what was shown is applied. A file outside the workspaces needs no such review.`,
    });
  }

  #changedEvent(): void {
    const agents = this.waits.flatMap(({ agent }) => (agent === null ? [] : [agent]));
    this.#wiring.events.append({
      topic: 'config.changed',
      principal: this.#file,
      grade: 'observed',
      data: {
        pending: [...agents, ...this.#waitingSettings.map(({ key }) => key)],
        ...(this.#unproven === null ? {} : { unproven: this.#unproven }),
      },
    });
  }

  /**
   * Puts in force what the file narrows of this agent: at an edit, and before a start for what an engine is started
   * with. Starts nothing.
   */
  narrow(name: string): void {
    const { agents, events, store, runs } = this.#wiring;
    const wanted = this.#config?.agents.find((agent) => agent.name === name);
    const applied = agents.find(name)?.config;
    if (wanted === undefined || applied === undefined || this.#unproven !== null) return;
    const { config, narrowed } = liveEdit(applied, wanted, runs.of(name) !== null);
    if (narrowed.length === 0) return;
    store.transaction(() => {
      agents.change(name, (agent) => {
        agent.config = config;
        agent.config_hash = configHash(config);
      });
      events.append({
        topic: 'agent.changed',
        agent: name,
        principal: this.#file,
        grade: 'enforced',
        data: { runtime: config.runtime, narrowed },
      });
    });
    this.#told(name);
  }

  /** Who an edit is by: the author of a file is not known. */
  get #file(): Principal {
    return `file:${path.basename(this.#config?.file ?? 'aether.yaml')}`;
  }

  /** Its grants may have changed. */
  #told(name: string): void {
    const run = this.#wiring.runs.of(name);
    if (run !== null) {
      this.#launcher.toolsChanged(run.id);
      void changeNetwork(this.#wiring, run);
    }
    this.#wiring.touched(name);
  }

  async #planned(config: Config): Promise<PlanView> {
    const made = await this.#plan(config);
    const plan = { ...made, changes: made.changes.map((change) => this.#explained(change, config)) };
    const { enabled, port } = this.#console ?? config.console;
    if (config.console.enabled === enabled && config.console.port === port) return plan;
    const warning = `${config.file}: changes below console apply from the next start of the host (\`aether down\`, then \`aether up\`).`;
    return { ...plan, warnings: [...plan.warnings, warning] };
  }

  /** With what keeps the edit from applying by itself. */
  #explained(change: PlanChange, config: Config): PlanChange {
    const wanted = config.agents.find((agent) => agent.name === change.agent);
    const applied = this.#wiring.agents.find(change.agent)?.config;
    if (wanted === undefined || applied === undefined) return change;
    const { waits } = liveEdit(applied, wanted, this.#wiring.runs.of(change.agent) !== null);
    if (waits.length === 0) return change;
    return { ...change, why: `${change.why}; waits for \`aether apply\`: ${reasons(waits)}` };
  }

  #apply({ console, retention, terminal, memory }: FleetSettings): void {
    this.#settings = { console, retention, terminal, memory };
    this.#table.put(this.#settings);
  }

  #accept(config: Config): void {
    this.#config = config;
    this.#problem = null;
    this.#wiring.agents.arrange(config.agents.map((agent) => agent.name));
  }

  async #applyOne(config: AgentConfig, by: By): Promise<void> {
    const { agents, runs, log } = this.#wiring;
    const known = agents.find(config.name);
    const difference = diffConfig(known?.config ?? null, config);
    if (difference.action !== 'none') this.#configure(config, by);
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

  #configure(config: AgentConfig, by: By): void {
    const { agents, events, store } = this.#wiring;
    store.transaction(() => {
      const known = agents.find(config.name);
      agents.configure(config, configHash(config));
      events.append({
        topic: known === undefined ? 'agent.added' : 'agent.changed',
        agent: config.name,
        principal: by,
        grade: 'enforced',
        data: { runtime: config.runtime },
      });
    });
    this.#told(config.name);
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

function reasons(waits: LiveEdit['waits']): string {
  return waits.map(({ key, why }) => `${key} ${why}`).join('; ');
}

/** Said after the name of the file. */
function unproven(agents: readonly string[]): string | null {
  if (agents.length === 0) return null;
  return `was replaced while ${agents.join(', ')} could write beside it`;
}

/** Of a file, wherever its lines stand. */
function meaningOf({ positions: _where, ...rest }: Config): string {
  return canonicalJson(rest);
}
