/**
 * A HostApi whose facts a test decides: agents, events and approvals live in memory, terminals are real PTYs.
 * For tests of clients (the console); whatever asks the real host must use the real host.
 */
import type {
  AgentView,
  ApprovalAnswer,
  ApprovalView,
  EventView,
  HostApi,
  HostInfo,
  InjectionView,
  LeaseView,
  MessageView,
  PlanView,
  Principal,
  Verb,
} from '../../src/host/api.ts';
import { AetherError } from '../../src/host/errors.ts';
import { randomIds } from '../../src/host/ids.ts';
import { legalVerbs } from '../../src/host/runs/verbs.ts';
import type { Capabilities } from '../../src/runtimes/runtime.ts';
import { TerminalDouble } from './terminal-double.ts';

type Facts = Partial<Omit<AgentView, 'verbs' | 'name'>>;

const STRUCTURED: Capabilities = {
  engine: 'structured',
  takeover: 'swap',
  receipts: 'acted',
  resume: true,
  gate: { wait_ms_max: null },
};

const NOT_HERE = (): never => {
  throw new Error('the MCP verbs are not part of this double');
};

export class HostDouble implements HostApi {
  readonly #agents = new Map<string, AgentView>();
  readonly #terminals = new Map<string, TerminalDouble>();
  readonly #events: EventView[] = [];
  readonly #approvals = new Map<string, ApprovalView>();
  readonly #injections = new Map<string, InjectionView>();
  readonly #listeners = new Set<(event: EventView) => void>();
  readonly #agentListeners = new Set<(names: string[]) => void>();
  readonly #boundaries = new Map<string, () => void>();
  readonly #stateDir: string;
  #generation = 0;
  /** Every verb that reached the host, as `verb agent`. */
  readonly asked: string[] = [];
  readonly beats: string[] = [];
  /** To the operator, oldest first. */
  readonly mail: MessageView[] = [];
  lastPrinted = Buffer.alloc(0);
  /** Files that change while somebody holds an agent. */
  changed = ['src/rates.ts'];
  configProblem: HostInfo['configProblem'] = null;
  now: () => number = Date.now;
  /** What a takeover runs in the terminal. */
  terminalArgv = ['/bin/sh'];
  link: () => string = () => 'unset';

  constructor(stateDir: string) {
    this.#stateDir = stateDir;
  }

  /* ---------- the script ---------- */

  /** Adds an agent or changes facts of it. */
  set(name: string, facts: Facts): AgentView {
    const before = this.#agents.get(name) ?? blank(name, this.now());
    const view = { ...before, ...facts };
    if (view.runtime === 'command') view.can = { hold: false, receipts: 'delivered', turns: false };
    view.openApprovals = this.approvals({ agent: name }).length;
    view.verbs = legalVerbs({
      name,
      state: view.state,
      lease: view.lease,
      capabilities: view.can.hold ? STRUCTURED : null,
      hasTerminal: view.terminal.available,
      paused: view.activity === 'paused',
      pausable: true,
      hold: view.hold !== null,
    });
    this.#agents.set(name, view);
    for (const listener of this.#agentListeners) listener([name]);
    return view;
  }

  remove(name: string): void {
    this.#agents.delete(name);
    for (const listener of this.#agentListeners) listener([name]);
  }

  emit(
    topic: string,
    agent: string | null,
    data: Record<string, unknown> = {},
    at_ms = this.now(),
    principal: Principal = 'host',
  ): EventView {
    const event = {
      seq: this.#events.length + 1,
      id: randomIds.uuid(at_ms),
      at_ms,
      topic,
      agent,
      run: agent === null ? null : (this.#agents.get(agent)?.run ?? null),
      principal,
      grade: 'observed',
      data,
    } as EventView;
    this.#events.push(event);
    for (const listener of this.#listeners) listener(event);
    return event;
  }

  ask(
    approval: Pick<ApprovalView, 'agent' | 'kind' | 'title' | 'detail'> & Partial<ApprovalView>,
  ): ApprovalView {
    const view: ApprovalView = {
      id: randomIds.short('apr'),
      run: this.#agents.get(approval.agent)?.run ?? null,
      state: 'open',
      opened_ms: this.now(),
      answer: null,
      answered_ms: null,
      answeredBy: null,
      otherwise: 'The agent waits; nothing runs until somebody answers.',
      ...approval,
    };
    this.#approvals.set(view.id, view);
    const { id, kind, title, detail } = view;
    this.emit('approval.opened', view.agent, { approval: id, kind, title, detail }, view.opened_ms);
    this.set(view.agent, {});
    return view;
  }

  terminal(name: string): TerminalDouble {
    let terminal = this.#terminals.get(name);
    if (!terminal) {
      terminal = new TerminalDouble();
      this.#terminals.set(name, terminal);
    }
    return terminal;
  }

  /** Ends every program that was started. */
  close(): void {
    for (const terminal of this.#terminals.values()) terminal.end();
  }

  /* ---------- HostApi ---------- */

  info(): HostInfo {
    return {
      pid: process.pid,
      version: '0.1.0',
      stateDir: this.#stateDir,
      configFile: '/srv/payments/aether.yaml',
      configProblem: this.configProblem,
      configWaits: this.agents().flatMap(({ name, pending }) =>
        pending === null ? [] : [{ agent: name, why: pending }],
      ),
      started_ms: 0,
      generation: 1,
      console: null,
      runtimes: [],
    };
  }

  consoleLink(): string {
    return this.link();
  }

  agents(): AgentView[] {
    return [...this.#agents.values()];
  }

  agent(name: string): AgentView {
    const view = this.#agents.get(name);
    if (view) return view;
    throw new AetherError({
      code: 'agent.unknown',
      who: 'user',
      message: `There is no agent "${name}".`,
      next: 'Run `aether ps` for the names.',
    });
  }

  async plan(): Promise<PlanView> {
    return { configFile: '/srv/payments/aether.yaml', changes: [], warnings: [] };
  }

  async apply(): Promise<PlanView> {
    this.asked.push('apply');
    for (const view of this.agents()) if (view.pending) this.set(view.name, { pending: null });
    this.emit('config.applied', null);
    return this.plan();
  }

  async start(name: string): Promise<AgentView> {
    this.#legal(name, 'start');
    this.emit('run.starting', name, { pid: 4242 });
    const run = randomIds.short('run');
    return this.set(name, {
      state: 'running',
      activity: 'thinking',
      run,
      pid: 4242,
      wanted: 'running',
      problem: null,
    });
  }

  async stop(name: string): Promise<AgentView> {
    this.#legal(name, 'stop');
    return this.#ended(name, 0, null);
  }

  async kill(name: string): Promise<AgentView> {
    this.#legal(name, 'kill');
    return this.#ended(name, null, 'SIGKILL');
  }

  #ended(name: string, code: number | null, signal: string | null): AgentView {
    this.emit('run.exited', name, { code, signal, cause: 'stopped' });
    return this.set(name, {
      state: 'stopped',
      activity: null,
      pid: null,
      wanted: 'stopped',
      since_ms: this.now(),
      hold: null,
    });
  }

  async pause(name: string): Promise<AgentView> {
    this.#legal(name, 'pause');
    const at_ms = this.now();
    const what = 'paused by operator: all 3 processes stand still (cgroup2); 0 CPU ticks in 100 ms';
    this.emit('run.paused', name, { by: 'operator', processes: 3, means: 'cgroup2' }, at_ms, 'operator');
    return this.set(name, {
      activity: 'paused',
      activityEvidence: { source: 'shim', grade: 'enforced', what, at_ms },
    });
  }

  async resume(name: string): Promise<AgentView> {
    this.#legal(name, 'resume');
    const { activity, activityEvidence, hold } = this.agent(name);
    const since_ms = activityEvidence?.at_ms ?? this.now();
    if (activity === 'paused')
      this.emit('run.resumed', name, { reason: 'resume', paused_ms: this.now() - since_ms });
    if (hold)
      this.emit('hold.ended', name, {
        why: 'resumed',
        held_ms: hold.held_ms === null ? 0 : this.now() - hold.held_ms,
      });
    return this.set(name, { activity: 'idle', hold: null, requested: null });
  }

  /** It stands still at once where no turn runs, otherwise at `standStill`. */
  hold(name: string): AgentView {
    this.#legal(name, 'hold');
    const before = this.agent(name);
    this.emit('hold.requested', name, {}, this.now(), 'operator');
    const view = this.set(name, {
      requested: 'hold',
      hold: { by: 'operator', since_ms: this.now(), held_ms: null },
    });
    return before.activity === 'idle' ? this.standStill(name, 'no turn runs') : view;
  }

  standStill(name: string, what = 'Bash stands at the gate and will not run before resume'): AgentView {
    const { hold } = this.agent(name);
    if (!hold) throw new Error(`nobody holds ${name}`);
    const at_ms = this.now();
    this.emit('hold.held', name, { evidence: what }, at_ms);
    return this.set(name, {
      requested: null,
      requestedEvidence: null,
      activity: 'held',
      activityEvidence: { source: 'gate', grade: 'enforced', what, at_ms },
      hold: { ...hold, held_ms: at_ms },
    });
  }

  async restart(name: string): Promise<AgentView> {
    this.#legal(name, 'restart');
    return this.set(name, { run: randomIds.short('run'), restarts: this.agent(name).restarts + 1 });
  }

  async down(): Promise<void> {
    this.asked.push('down');
  }

  inject(
    name: string,
    input: { text: string; priority?: 'now' | 'next' | 'later'; id?: string },
    by: Principal,
  ): InjectionView {
    this.#legal(name, 'inject');
    const id = input.id ?? randomIds.short('inj');
    const known = this.#injections.get(id);
    if (known) return known;
    const priority = input.priority ?? 'next';
    const view: InjectionView = {
      id,
      agent: name,
      text: input.text,
      priority,
      principal: by,
      state: 'queued',
      steps: [{ stage: 'queued', at_ms: this.now(), evidence: 'stored by the host' }],
    };
    this.#injections.set(id, view);
    this.emit('inject.queued', name, { inject: id, text: input.text, priority }, this.now(), by);
    return view;
  }

  injection(id: string): InjectionView {
    return this.#injections.get(id)!;
  }

  async cancelInjection(id: string): Promise<InjectionView> {
    const view = this.injection(id);
    if (view.state !== 'queued') this.#refuse('inject.settled', 'It was not taken back: it has been read.');
    view.state = 'cancelled';
    this.emit('inject.cancelled', view.agent, { inject: id, evidence: 'taken back before it was sent' });
    return view;
  }

  injections(name: string): InjectionView[] {
    return [...this.#injections.values()].filter((view) => view.agent === name);
  }

  /** Answers when the terminal is up: at `reachBoundary`, or at once with 'now' or when no tool runs. */
  async takeover(
    name: string,
    input: { holder: string; when: 'boundary' | 'now'; cols: number; rows: number },
  ): Promise<LeaseView> {
    this.#legal(name, 'takeover');
    const view = this.agent(name);
    this.#generation += 1;
    const lease: LeaseView = {
      agent: name,
      generation: this.#generation,
      holder: input.holder,
      phase: 'pending',
      since_ms: this.now(),
      expires_ms: null,
      waitingFor: view.activity === 'tool' && input.when === 'boundary' ? (view.last ?? 'the tool') : null,
    };
    this.emit('lease.requested', name, { holder: lease.holder, generation: lease.generation });
    this.set(name, { lease, requested: 'takeover at the boundary' });
    if (lease.waitingFor === null) this.reachBoundary(name, input);
    else await new Promise<void>((resolve) => this.#boundaries.set(name, resolve));
    return this.agent(name).lease!;
  }

  reachBoundary(name: string, size = { cols: 100, rows: 30 }): void {
    const { lease, run } = this.agent(name);
    if (!lease) throw new Error(`nobody asked to take over ${name}`);
    if (!this.terminal(name).info) {
      this.terminal(name).run(run ?? 'run', this.terminalArgv, { cols: size.cols, rows: size.rows });
    }
    this.emit('lease.held', name, { holder: lease.holder, generation: lease.generation });
    this.set(name, {
      lease: { ...lease, phase: 'held', waitingFor: null },
      requested: null,
      activity: 'held',
      terminal: { available: true, cols: size.cols, rows: size.rows, kind: 'takeover' },
    });
    this.#boundaries.get(name)?.();
  }

  async handback(name: string, input: { generation: number; note?: string; held?: boolean }): Promise<void> {
    const { lease } = this.agent(name);
    if (lease?.generation !== input.generation)
      this.#refuse('lease.stale', 'The lease is not held any more.');
    this.asked.push(`handback ${name}${input.held ? ' held' : ''}`);
    this.terminal(name).end();
    const { note, generation } = input;
    const diff = this.changed;
    const held_ms = this.now() - lease!.since_ms;
    this.emit('lease.returned', name, { note, generation, holder: lease!.holder, diff, held_ms });
    this.set(name, {
      lease: null,
      activity: input.held ? 'idle' : 'thinking',
      terminal: { available: false, cols: 0, rows: 0, kind: 'none' },
    });
    if (!input.held) return;
    this.set(name, { hold: { by: 'operator', since_ms: this.now(), held_ms: null } });
    this.standStill(name, 'no turn runs, and none will be begun before resume');
  }

  async changes(name: string): Promise<{ since_ms: number; files: string[] } | null> {
    const { lease } = this.agent(name);
    return lease === null ? null : { since_ms: lease.since_ms, files: this.changed };
  }

  leaseBeat(name: string, generation: number): void {
    this.beats.push(`${name} ${generation}`);
  }

  async interrupt(name: string): Promise<void> {
    this.#legal(name, 'interrupt');
    this.emit('turn.ended', name, { outcome: 'interrupted' });
    this.set(name, { activity: 'idle' });
  }

  terminalView(
    ...[name, onChunk, onReset]: Parameters<HostApi['terminalView']>
  ): ReturnType<HostApi['terminalView']> {
    return this.terminal(name).view(onChunk, onReset);
  }

  lastTerminal(name: string): Buffer {
    this.agent(name);
    return this.lastPrinted;
  }

  terminalWrite(name: string, generation: number, data: string): void {
    if (this.agent(name).lease?.generation !== generation)
      this.#refuse('lease.stale', 'Somebody else holds it.');
    this.terminal(name).write(data);
  }

  terminalResize(name: string, _generation: number, cols: number, rows: number): void {
    this.terminal(name).resize(cols, rows);
    this.set(name, { terminal: { ...this.agent(name).terminal, cols, rows } });
  }

  approvals(filter: { agent?: string; state?: 'open' | 'all' } = {}): ApprovalView[] {
    return [...this.#approvals.values()].filter(
      (view) =>
        (filter.state === 'all' || view.state === 'open') && (!filter.agent || view.agent === filter.agent),
    );
  }

  answerApproval(id: string, answer: ApprovalAnswer, by: Principal): ApprovalView {
    const view = this.#approvals.get(id);
    if (!view) this.#refuse('approval.unknown', 'There is no such question.');
    if (view!.state !== 'open') this.#refuse('approval.closed', 'This was answered already.');
    const answered: ApprovalView = {
      ...view!,
      state: 'answered',
      answer,
      answered_ms: this.now(),
      answeredBy: by,
    };
    this.#approvals.set(id, answered);
    this.emit('approval.answered', answered.agent, { approval: id, answer, by });
    this.set(answered.agent, { activity: 'thinking' });
    return answered;
  }

  operatorMail(filter: { all?: boolean; limit?: number } = {}) {
    const unread = this.mail.filter((message) => message.acked_ms === null);
    return { messages: filter.all ? [...this.mail].reverse() : unread, unread: unread.length };
  }

  ackOperatorMail(ids: string[]) {
    for (const message of this.mail) if (ids.includes(message.id)) message.acked_ms = this.now();
    this.emit('mail.acked', null, { ids });
    return { acked: ids, already: [] };
  }

  events(filter: Parameters<HostApi['events']>[0]): EventView[] {
    const rows = this.#events.filter(
      (event) =>
        event.seq > (filter.after ?? 0) &&
        event.seq < (filter.before ?? Number.POSITIVE_INFINITY) &&
        (filter.agent === undefined || event.agent === filter.agent) &&
        (!filter.topics || filter.topics.some((topic) => event.topic.startsWith(topic))),
    );
    const limit = filter.limit ?? 1_000;
    return filter.last ? rows.slice(-limit) : rows.slice(0, limit);
  }

  follow(listener: (event: EventView) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  followAgents(listener: (names: string[]) => void): () => void {
    this.#agentListeners.add(listener);
    return () => this.#agentListeners.delete(listener);
  }

  memoryStore = NOT_HERE;
  memorySearch = NOT_HERE;
  memoryGet = NOT_HERE;
  memoryForget = NOT_HERE;
  mailSend = NOT_HERE;
  mailInbox = NOT_HERE;
  mailAck = NOT_HERE;
  agentsList = NOT_HERE;
  askOperator = NOT_HERE;
  report = NOT_HERE;

  #legal(name: string, verb: Verb): void {
    const why = this.agent(name).verbs[verb];
    if (why !== null) this.#refuse('agent.illegal', why);
    this.asked.push(`${verb} ${name}`);
  }

  #refuse(code: string, message: string): never {
    throw new AetherError({
      code,
      who: 'user',
      message,
      next: 'Look at the present state and decide again.',
    });
  }
}

function blank(name: string, now: number): AgentView {
  return {
    name,
    runtime: 'claude-code',
    state: 'running',
    activity: 'idle',
    requested: null,
    requestedEvidence: null,
    run: `run_${name}`,
    pid: 4000 + name.length,
    since_ms: now,
    evidence: { source: 'shim', grade: 'enforced', what: 'process.started', at_ms: now },
    activityEvidence: { source: 'stream', grade: 'observed', what: 'session state', at_ms: now },
    wanted: 'running',
    last: null,
    goal: null,
    model: null,
    workspace: `/srv/payments/${name}`,
    sandbox: 'none',
    can: { hold: true, receipts: 'acted', turns: true },
    containment: 'cgroup2',
    cost_usd: null,
    tokens: { input: 0, output: 0 },
    lease: null,
    hold: null,
    stuck: null,
    openApprovals: 0,
    unreadMail: 0,
    restarts: 0,
    exit: null,
    problem: null,
    pending: null,
    verbs: {} as AgentView['verbs'],
    terminal: { available: false, cols: 0, rows: 0, kind: 'none' },
  };
}
