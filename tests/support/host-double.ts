/**
 * The real verbs over nouns whose facts a test decides: agents, events and approvals live in memory, terminals are
 * real PTYs. For tests of doors and clients; what asks the real host must use the real host.
 */
import type {
  AgentView,
  ApprovalAnswer,
  ApprovalView,
  EventsFilter,
  EventView,
  HostInfo,
  InjectionView,
  LeaseView,
  MessageView,
  PlanView,
  Principal,
  TerminalBytes,
  TerminalViewer,
} from '../../src/host/api.ts';
import { AetherError } from '../../src/host/errors.ts';
import { BEGINNING, cursorOf, foreignCursor, placeOf, tagOf } from '../../src/host/events/cursor.ts';
import { streamEvents } from '../../src/host/events/stream.ts';
import { randomIds } from '../../src/host/ids.ts';
import { Dispatcher } from '../../src/host/verbs/dispatch.ts';
import { requireLegal } from '../../src/host/verbs/legal.ts';
import type { Rooms } from '../../src/host/verbs/rooms.ts';
import { legalVerbs } from '../../src/host/verbs/table.ts';
import { MemoryDesk } from './memory-desk.ts';
import { TerminalDouble } from './terminal-double.ts';

type Facts = Partial<Omit<AgentView, 'verbs' | 'name'>>;

export class HostDouble {
  readonly #agents = new Map<string, AgentView>();
  readonly #terminals = new Map<string, TerminalDouble>();
  readonly #events: EventView[] = [];
  readonly #approvals = new Map<string, ApprovalView>();
  readonly #injections = new Map<string, InjectionView>();
  readonly #listeners = new Set<(event: EventView) => void>();
  readonly #agentListeners = new Set<(names: string[]) => void>();
  readonly #boundaries = new Map<string, () => void>();
  readonly #stateDir: string;
  #memories: MemoryDesk | null = null;
  #generation = 0;
  /** Every verb that reached the host, as `verb agent`. */
  readonly asked: string[] = [];
  readonly beats: string[] = [];
  /** To the operator, oldest first. */
  readonly mail: MessageView[] = [];
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
    if (view.runtime === 'command')
      view.can = { hold: false, receipts: 'delivered', turns: false, takeover: 'direct' };
    view.openApprovals = this.approvals({ agent: name }).length;
    view.verbs = legalVerbs({
      name,
      state: view.state,
      lease: view.lease,
      structured: view.can.hold,
      gated: view.can.hold,
      hasTerminal: view.terminal.available,
      waitsToStart: view.requested === 'start',
      paused: view.activity === 'paused',
      pausable: true,
      hold: view.hold !== null,
      narrowed: view.narrowedBy.length > 0,
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
    const seq = this.#events.length + 1;
    const id = randomIds.uuid(at_ms);
    const event = {
      seq,
      id,
      cursor: cursorOf({ seq, tag: tagOf(id) }),
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
      otherwise: 'The agent waits; nothing runs until the operator answers.',
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
    this.#memories?.close();
  }

  /** Opened when it is first asked for. */
  get memories(): MemoryDesk {
    if (this.#memories === null) {
      this.#memories = new MemoryDesk(undefined, {
        at: (seq) => this.#events[seq - 1] ?? null,
        list: (filter) => this.events(filter),
        requireAgent: (name) => this.agent(name),
      });
      // Its own log is told of in this one, where doors look.
      this.#memories.events.follow(({ topic, agent, data, at_ms, principal }) =>
        this.emit(topic, agent, data as Record<string, unknown>, at_ms, principal),
      );
    }
    return this.#memories;
  }

  /* ---------- the nouns ---------- */

  /** Looked up at every call: a test may replace a method. */
  get rooms(): Rooms {
    return {
      host: {
        info: () => this.info(),
        consoleLink: () => this.link(),
        down: async () => void this.asked.push('down'),
      },
      agents: {
        all: () => this.agents(),
        get: (name) => this.agent(name),
        follow: (listener) => this.followAgents(listener),
      },
      fleet: { plan: () => this.plan(), apply: () => this.apply() },
      lifecycle: {
        start: async (name) => void this.start(name),
        stop: async (name) => void this.stop(name),
        kill: async (name) => void this.kill(name),
        restart: async (name) => void this.restart(name),
        interrupt: async (name) => this.interrupt(name),
        pause: async (name) => void this.pause(name),
        thaw: async (name) => void this.thaw(name),
      },
      adoption: {
        conversations: async () => [],
        adopt: async (name) => {
          throw new Error(`${name} adopts nothing here`);
        },
      },
      holds: {
        begin: (name) => void this.hold(name),
        resume: async (name) => void this.endHold(name),
        forget: (name) => void this.set(name, { hold: null }),
      },
      authority: {
        widen: (name, senders) =>
          void this.set(name, {
            narrowedBy: this.agent(name).narrowedBy.filter((sender) => senders?.includes(sender) === false),
          }),
      },
      messages: {
        send: (name, input, by) => this.inject(name, input, by),
        get: (id) => this.injection(id),
        list: (name) => this.injections(name),
        cancel: async (id) => this.cancelInjection(id),
      },
      takeover: {
        take: ({ name }, input) => this.takeover(name, input),
        handback: ({ name }, input) => this.handback(name, input),
        lease: (name) => this.agent(name).lease,
        beat: (name, generation) => void this.beats.push(`${name} ${generation}`),
        changes: (view) => this.changes(view.name),
      },
      terminals: {
        view: (name, show) => this.terminalView(name, show),
        last: (name) => {
          this.agent(name);
          return Buffer.alloc(0);
        },
        write: (name, generation, data, viewer) => this.terminalWrite(name, generation, data, viewer),
        resize: (name, generation, size, viewer) => this.terminalResize(name, generation, size, viewer),
        use: (name, generation, viewer) => this.terminalUse(name, generation, viewer),
      },
      approvals: {
        list: (filter) => this.approvals(filter),
        answer: (id, answer, by) => this.answerApproval(id, answer, by),
      },
      mail: { inbox: (filter) => this.operatorMail(filter), ack: (ids) => this.ackOperatorMail(ids) },
      memories: lazily(() => this.memories.rooms),
      events: {
        list: (filter) => this.events(filter),
        stream: (filter, after, sink) =>
          streamEvents(
            { list: (page) => this.events(page), follow: (listener) => this.follow(listener) },
            filter,
            after,
            sink,
          ),
        end: () => this.#events.at(-1)?.cursor ?? cursorOf(BEGINNING),
      },
    };
  }

  get verbs(): Dispatcher {
    return new Dispatcher(this.rooms);
  }

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
    const memory = { recall_tokens: 800, memories_per_scope_max: 100, bytes_per_scope_max: 1_048_576 };
    return {
      configFile: '/srv/payments/aether.yaml',
      changes: [],
      memory: { ...memory, embeddings: null },
      warnings: [],
    };
  }

  async apply(): Promise<PlanView> {
    this.asked.push('apply');
    for (const view of this.agents()) if (view.pending) this.set(view.name, { pending: null });
    this.emit('config.applied', null);
    return this.plan();
  }

  start(name: string): AgentView {
    this.asked.push(`start ${name}`);
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

  stop(name: string): AgentView {
    this.asked.push(`stop ${name}`);
    return this.#ended(name, 0, null);
  }

  kill(name: string): AgentView {
    this.asked.push(`kill ${name}`);
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

  pause(name: string): AgentView {
    this.asked.push(`pause ${name}`);
    const at_ms = this.now();
    const what = 'paused by operator: all 3 processes are frozen (cgroup2); 0 CPU ticks in 100 ms';
    this.emit('run.paused', name, { by: 'operator', processes: 3, means: 'cgroup2' }, at_ms, 'operator');
    return this.set(name, {
      activity: 'paused',
      activityEvidence: { source: 'shim', grade: 'enforced', what, at_ms },
    });
  }

  thaw(name: string): AgentView {
    this.asked.push(`resume ${name}`);
    const since_ms = this.agent(name).activityEvidence?.at_ms ?? this.now();
    this.emit('run.resumed', name, { reason: 'resume', paused_ms: this.now() - since_ms });
    return this.set(name, { activity: 'idle', requested: null });
  }

  endHold(name: string): AgentView {
    this.asked.push(`resume ${name}`);
    const { hold } = this.agent(name);
    const held_ms = hold === null || hold.held_ms === null ? 0 : this.now() - hold.held_ms;
    this.emit('hold.ended', name, { why: 'resumed', held_ms });
    return this.set(name, { activity: 'idle', hold: null, requested: null });
  }

  /** It stands still at once where no turn runs, otherwise at `standStill`. */
  hold(name: string): AgentView {
    this.asked.push(`hold ${name}`);
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

  restart(name: string): AgentView {
    this.asked.push(`restart ${name}`);
    return this.set(name, { run: randomIds.short('run'), restarts: this.agent(name).restarts + 1 });
  }

  inject(
    name: string,
    input: { text: string; priority?: 'now' | 'next' | 'later'; id?: string },
    by: Principal,
  ): InjectionView {
    this.asked.push(`inject ${name}`);
    const id = input.id ?? randomIds.short('inj');
    const known = this.#injections.get(id);
    if (known && (known.agent !== name || known.text !== input.text))
      this.#refuse('inject.id', 'The id is that of another message.');
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
    return this.#injections.get(id) ?? this.#refuse('inject.unknown', 'There is no such message.');
  }

  cancelInjection(id: string): InjectionView {
    const view = this.injection(id);
    if (view.state !== 'queued') this.#refuse('inject.settled', 'It was not taken back: it has been read.');
    view.state = 'cancelled';
    this.emit('inject.cancelled', view.agent, { inject: id, evidence: 'taken back before it was sent' });
    return view;
  }

  injections(name: string): InjectionView[] {
    const { name: agent } = this.agent(name);
    return [...this.#injections.values()].filter((view) => view.agent === agent);
  }

  /** Answers when the terminal is up: at `reachBoundary`, or at once with 'now' or when no tool runs. */
  async takeover(
    name: string,
    input: { holder: string; when: 'boundary' | 'now'; cols: number; rows: number },
  ): Promise<LeaseView> {
    const view = this.agent(name);
    requireLegal(view, 'takeover');
    this.asked.push(`takeover ${name}`);
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

  interrupt(name: string): void {
    this.asked.push(`interrupt ${name}`);
    this.emit('turn.ended', name, { outcome: 'interrupted' });
    this.set(name, { activity: 'idle' });
  }

  terminalView(name: string, show: (item: TerminalBytes) => void): TerminalViewer {
    return this.terminal(name).view(show);
  }

  terminalWrite(name: string, generation: number, data: string, viewer?: string): void {
    if (this.agent(name).lease?.generation !== generation)
      this.#refuse('lease.stale', 'Somebody else holds it.');
    if (viewer !== undefined) this.terminalUse(name, generation, viewer);
    this.terminal(name).write(data);
  }

  terminalResize(
    name: string,
    generation: number,
    size: { cols: number; rows: number },
    viewer?: string,
  ): void {
    this.terminal(name).claim(size, generation, viewer);
    this.#sized(name);
  }

  terminalUse(name: string, generation: number, viewer: string): void {
    this.terminal(name).use(generation, viewer);
    this.#sized(name);
  }

  #sized(name: string): void {
    const { cols, rows } = this.terminal(name).info ?? this.agent(name).terminal;
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
    if (!ids.every((id) => this.mail.some((message) => message.id === id)))
      this.#refuse('mail.unknown', 'There is no such message.');
    for (const message of this.mail) if (ids.includes(message.id)) message.acked_ms = this.now();
    this.emit('mail.acked', null, { ids });
    return { acked: ids, already: [] };
  }

  events(filter: EventsFilter): EventView[] {
    const after = this.#seqOf(filter.after) ?? 0;
    const before = this.#seqOf(filter.before) ?? Number.POSITIVE_INFINITY;
    const rows = this.#events.filter(
      (event) =>
        event.seq > after &&
        event.seq < before &&
        event.at_ms >= (filter.since_ms ?? 0) &&
        event.at_ms <= (filter.until_ms ?? Number.POSITIVE_INFINITY) &&
        (filter.agent === undefined || event.agent === filter.agent) &&
        (!filter.topics || filter.topics.some((topic) => event.topic.startsWith(topic))),
    );
    const limit = filter.limit ?? 1_000;
    return filter.last ? rows.slice(-limit) : rows.slice(0, limit);
  }

  #seqOf(cursor: string | undefined): number | undefined {
    if (cursor === undefined) return undefined;
    const { seq, tag } = placeOf(cursor);
    const id = this.#events[seq - 1]?.id;
    if (seq > 0 && (id === undefined || tagOf(id) !== tag)) throw foreignCursor();
    return seq;
  }

  follow(listener: (event: EventView) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  followAgents(listener: (names: string[]) => void): () => void {
    this.#agentListeners.add(listener);
    return () => this.#agentListeners.delete(listener);
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
    sandboxWhy: 'the configuration says so',
    gaps: [],
    can: { hold: true, receipts: 'acted', turns: true, takeover: 'swap' },
    containment: 'cgroup2',
    cost_usd: null,
    tokens: { input: 0, output: 0 },
    lease: null,
    hold: null,
    stuck: null,
    narrowedBy: [],
    subagents: [],
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

/** Most tests have no memory: a store is opened for those that do. */
const lazily = <T extends object>(make: () => T): T =>
  new Proxy({} as T, { get: (_none, name) => Reflect.get(make(), name) });
