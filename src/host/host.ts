/**
 * The host: one method per verb that a client may ask for. It dispatches and holds no logic; console, CLI and
 * MCP tools all come through here.
 */
import type { Detection } from '../runtimes/runtime.ts';
import { agentView } from './agents/views.ts';
import type * as api from './api.ts';
import { AetherError } from './errors.ts';
import type { Mailboxes } from './mailboxes/mailboxes.ts';
import { answerApproval } from './operations/approve.ts';
import { cancelInjection } from './operations/cancel-injection.ts';
import { changesMeanwhile } from './operations/changed-files.ts';
import type { Fleet } from './operations/fleet.ts';
import type { Holds } from './operations/hold.ts';
import { acceptInjection, type InjectionDelivery, viewOf } from './operations/inject.ts';
import { interrupt } from './operations/interrupt.ts';
import { lastTerminal } from './operations/last-terminal.ts';
import type { Lifecycle } from './operations/lifecycle.ts';
import type { Pauses } from './operations/pause.ts';
import type { Takeover } from './operations/takeover.ts';
import type { ToolVerbs } from './operations/tool-verbs.ts';
import type { Watchdog } from './operations/watchdog.ts';
import type { By, Wiring } from './operations/wiring.ts';
import { replayFrom, terminalOf } from './runs/floor.ts';
import type { Run } from './runs/run.ts';
import { requireHoldable, requireLegal } from './runs/verbs.ts';
import { leaseView } from './terminals/leases.ts';
import { checkSize } from './terminals/size.ts';
import { JournalViewer } from './terminals/viewer.ts';
import { cutText } from './text.ts';

export interface HostParts {
  wiring: Wiring;
  lifecycle: Lifecycle;
  delivery: InjectionDelivery;
  takeover: Takeover;
  pauses: Pauses;
  holds: Holds;
  watchdog: Watchdog;
  fleet: Fleet;
  tools: ToolVerbs;
  mailboxes: Mailboxes;
  info(): Omit<api.HostInfo, 'configProblem' | 'configWaits' | 'runtimes'>;
  runtimes(): Detection[];
  consoleLink(): string;
  /** Directory of a run's journal. */
  journal(run: string): string;
  /** Stops the agents, then this host. */
  down(by: By): Promise<void>;
}

export class Host implements api.HostApi {
  readonly #p: HostParts;
  readonly #agentListeners = new Set<(names: string[]) => void>();
  readonly #touched = new Set<string>();
  #keystrokes = 0;

  constructor(parts: HostParts) {
    this.#p = parts;
  }

  info(): api.HostInfo {
    const { problem, waits } = this.#p.fleet;
    return {
      ...this.#p.info(),
      configProblem: problem,
      configWaits: waits,
      runtimes: this.#p.runtimes(),
    };
  }

  consoleLink(): string {
    return this.#p.consoleLink();
  }

  agents(): api.AgentView[] {
    return this.#p.wiring.agents.all().map((agent) => this.agent(agent.name));
  }

  agent(name: string): api.AgentView {
    const { agents, runs, leases, approvals, clock, runtime } = this.#p.wiring;
    const agent = agents.get(name);
    const lease = leases.find(name);
    return agentView({
      agent,
      run: runs.newest(name),
      lease: lease === null ? null : leaseView(lease),
      capabilities: runtime(agent.config.runtime).capabilities,
      totals: runs.totals(name),
      openApprovals: approvals.countOpen(name),
      unreadMail: this.#p.mailboxes.unread(`agent:${name}`),
      pending: this.#p.fleet.pending(name),
      stuck: this.#p.watchdog.stuck(name),
      restartDue_ms: this.#p.lifecycle.restartDue(name),
      restarts: this.#p.lifecycle.restarts(name),
      now: clock.now(),
    });
  }

  plan(): Promise<api.PlanView> {
    return this.#p.fleet.plan();
  }

  apply(by: By): Promise<api.PlanView> {
    return this.#p.fleet.apply(by);
  }

  async start(
    name: string,
    by: By,
    options: { fresh?: boolean; goal?: string } = {},
  ): Promise<api.AgentView> {
    requireLegal(this.agent(name), 'start');
    await this.#p.lifecycle.start(name, by, options);
    return this.agent(name);
  }

  async stop(name: string, by: By): Promise<api.AgentView> {
    // Stopping what is stopped is no error: the wish is recorded, and it outlives edits and restarts.
    await this.#p.lifecycle.stop(name, by);
    this.#p.holds.forget(name, by);
    return this.agent(name);
  }

  async kill(name: string, by: By): Promise<api.AgentView> {
    requireLegal(this.agent(name), 'kill');
    await this.#p.lifecycle.kill(name, by);
    this.#p.holds.forget(name, by);
    return this.agent(name);
  }

  async restart(name: string, by: By, options: { fresh?: boolean } = {}): Promise<api.AgentView> {
    requireLegal(this.agent(name), 'restart');
    await this.#p.lifecycle.restart(name, by, options);
    return this.agent(name);
  }

  async pause(name: string, by: By): Promise<api.AgentView> {
    requireLegal(this.agent(name), 'pause');
    await this.#p.pauses.pause(this.#liveRun(name), by);
    return this.agent(name);
  }

  async resume(name: string, by: By): Promise<api.AgentView> {
    const { activity, hold } = this.#legal(name, 'resume');
    if (activity === 'paused') await this.#p.pauses.resume(this.#liveRun(name), by);
    if (hold !== null) await this.#p.holds.resume(name, by);
    return this.agent(name);
  }

  hold(name: string, by: By): api.AgentView {
    requireLegal(this.agent(name), 'hold');
    this.#p.holds.begin(name, by);
    return this.agent(name);
  }

  #legal(name: string, verb: api.Verb): api.AgentView {
    const view = this.agent(name);
    requireLegal(view, verb);
    return view;
  }

  down(by: By): Promise<void> {
    return this.#p.down(by);
  }

  inject(
    name: string,
    input: { text: string; priority?: 'now' | 'next' | 'later'; id?: string },
    by: By,
  ): api.InjectionView {
    const view = acceptInjection(this.#p.wiring, name, input, by);
    void this.#p.delivery.kick(name);
    return view;
  }

  injection(id: string): api.InjectionView {
    const record = this.#p.wiring.injections.get(id);
    if (record !== null) return viewOf(record);
    throw new AetherError({
      code: 'inject.unknown',
      who: 'user',
      message: `There is no injection ${JSON.stringify(cutText(id, { chars_max: 80 }))}.`,
      next: 'Use the id that `aether inject` printed.',
    });
  }

  injections(name: string): api.InjectionView[] {
    this.#p.wiring.agents.get(name);
    return this.#p.wiring.injections.list(name, 200).map(viewOf);
  }

  cancelInjection(id: string, by: By): Promise<api.InjectionView> {
    return cancelInjection(this.#p.wiring, this.#p.delivery, id, by);
  }

  async takeover(
    name: string,
    input: { holder: string; when: 'boundary' | 'now'; cols: number; rows: number },
  ): Promise<api.LeaseView> {
    const view = this.agent(name);
    return this.#p.takeover.take(view, this.#liveRun(name), input);
  }

  async handback(name: string, input: { generation: number; note?: string; held?: boolean }): Promise<void> {
    this.#p.wiring.leases.require(name, input.generation);
    if (input.held) requireHoldable(this.agent(name));
    await this.#p.takeover.handback(name, this.#liveRun(name), input, 'operator');
  }

  async changes(name: string): Promise<{ since_ms: number; files: string[] } | null> {
    return changesMeanwhile(this.agent(name));
  }

  leaseBeat(name: string, generation: number): void {
    this.#p.wiring.leases.beat(name, generation);
  }

  async interrupt(name: string, by: By): Promise<void> {
    requireLegal(this.agent(name), 'interrupt');
    await interrupt(this.#p.wiring, this.#liveRun(name), by);
  }

  terminalView(
    name: string,
    onChunk: (chunk: api.TerminalChunk) => void,
    onReset: (info: api.TerminalInfo | null) => void,
  ): api.TerminalViewer {
    const run = this.#liveRun(name);
    return new JournalViewer(
      {
        run: run.id,
        journal: run.paths.journal,
        screen: () => {
          const { floor, journal_offset: to } = run.record;
          const terminal = terminalOf(floor);
          if (terminal === null) return { from: null, to, info: null };
          const info = { run: run.id, process: terminal.index, ...terminal.size };
          return { from: replayFrom(terminal, to) ?? to, to, info };
        },
        onGrown: (listener) => run.onGrown(listener),
      },
      onChunk,
      onReset,
      this.#p.wiring.log,
    );
  }

  lastTerminal(name: string): Buffer {
    this.#p.wiring.agents.get(name);
    const newest = this.#p.wiring.runs.newest(name);
    return newest === null ? Buffer.alloc(0) : lastTerminal(newest, this.#p.journal(newest.id));
  }

  terminalWrite(name: string, generation: number, data: string): void {
    const run = this.#holderRun(name, generation);
    this.#keystrokes += 1;
    const id = `key-${this.#p.wiring.generation}-${generation}-${this.#keystrokes}`;
    run.write({ id, data }).catch((error: unknown) => {
      this.#p.wiring.log.warn({ agent: name, error: String(error) }, 'keystrokes were not delivered');
    });
  }

  terminalResize(name: string, generation: number, cols: number, rows: number): void {
    const size = checkSize(cols, rows);
    const run = this.#holderRun(name, generation);
    run.client.resize(run.record.floor.process!, size.cols, size.rows).catch((error: unknown) => {
      this.#p.wiring.log.warn({ agent: name, error: String(error) }, 'the terminal was not resized');
    });
  }

  #holderRun(name: string, generation: number): Run {
    const lease = this.#p.wiring.leases.require(name, generation);
    const run = this.#liveRun(name);
    if (lease.phase === 'held' && terminalOf(run.record.floor) !== null) return run;
    throw new AetherError({
      code: 'lease.phase',
      who: 'user',
      message: `The terminal of ${name} is not yours to type into: it is being ${lease.phase === 'pending' ? 'taken over' : 'handed back'}.`,
      next: 'Wait a moment.',
    });
  }

  #liveRun(name: string): Run {
    this.#p.wiring.agents.get(name);
    const run = this.#p.wiring.runs.of(name);
    if (run !== null) return run;
    throw new AetherError({
      code: 'agent.notRunning',
      who: 'user',
      message: `${name} does not run.`,
      next: `Start it: aether start ${name}.`,
    });
  }

  approvals(filter: { agent?: string; state?: 'open' | 'all' } = {}): api.ApprovalView[] {
    return this.#p.wiring.approvals.list(filter);
  }

  answerApproval(id: string, answer: api.ApprovalAnswer, by: By): api.ApprovalView {
    return answerApproval(this.#p.wiring, id, answer, by);
  }

  operatorMail(filter: { all?: boolean; limit?: number } = {}) {
    const { all, ...rest } = filter;
    return this.#p.mailboxes.inbox('operator', { ...rest, unreadOnly: all !== true });
  }

  ackOperatorMail(ids: string[], by: By) {
    return this.#p.mailboxes.ack({ principal: by, agent: null, run: null }, ids, 'operator');
  }

  events(filter: Parameters<api.HostApi['events']>[0]): api.EventView[] {
    return this.#p.wiring.events.list(filter);
  }

  follow(listener: (event: api.EventView) => void): () => void {
    return this.#p.wiring.events.follow(listener);
  }

  followAgents(listener: (names: string[]) => void): () => void {
    this.#agentListeners.add(listener);
    return () => this.#agentListeners.delete(listener);
  }

  /** An agent's view may have changed. Told once per 50 ms, however often it changes. */
  touched(name: string): void {
    this.#touched.add(name);
    if (this.#touched.size > 1) return;
    this.#p.wiring.clock.after(50, () => {
      const names = [...this.#touched];
      this.#touched.clear();
      for (const listener of this.#agentListeners) listener(names);
    });
  }

  memoryStore(caller: api.Caller, input: Parameters<api.HostApi['memoryStore']>[1]) {
    return this.#p.tools.memoryStore(caller, input);
  }

  memorySearch(caller: api.Caller, input: Parameters<api.HostApi['memorySearch']>[1]) {
    return this.#p.tools.memorySearch(caller, input);
  }

  memoryGet(caller: api.Caller, input: Parameters<api.HostApi['memoryGet']>[1]) {
    return this.#p.tools.memoryGet(caller, input);
  }

  memoryForget(caller: api.Caller, input: Parameters<api.HostApi['memoryForget']>[1]) {
    return this.#p.tools.memoryForget(caller, input);
  }

  mailSend(caller: api.Caller, input: Parameters<api.HostApi['mailSend']>[1]) {
    return this.#p.tools.mailSend(caller, input);
  }

  mailInbox(caller: api.Caller, input: Parameters<api.HostApi['mailInbox']>[1]) {
    return this.#p.tools.mailInbox(caller, input);
  }

  mailAck(caller: api.Caller, input: Parameters<api.HostApi['mailAck']>[1]) {
    return this.#p.tools.mailAck(caller, input);
  }

  agentsList(caller: api.Caller) {
    return this.#p.tools.agentsList(caller);
  }

  askOperator(caller: api.Caller, input: Parameters<api.HostApi['askOperator']>[1], signal: AbortSignal) {
    return this.#p.tools.askOperator(caller, input, signal);
  }

  report(caller: api.Caller, input: Parameters<api.HostApi['report']>[1]) {
    return this.#p.tools.report(caller, input);
  }
}
