/**
 * What verbs may ask of the host, by noun. Described from the side of clients, so that the CLI and the browser can
 * import the definitions as types, and so that a test can pass nouns of its own.
 */
import type {
  AdoptedView,
  AgentView,
  ApprovalAnswer,
  ApprovalView,
  ConversationView,
  CuratedMemory,
  EventsFilter,
  EventView,
  HostInfo,
  ImportedMemories,
  InjectionView,
  LeaseView,
  MemoryChange,
  MemoryFilter,
  MemoryMarks,
  MemoryPage,
  MemoryQuota,
  MemoryRemains,
  MemoryStory,
  MemoryView,
  MessageView,
  OpenStream,
  PlanView,
  Principal,
  StreamSink,
  TerminalBytes,
  TerminalViewer,
} from '../api.ts';

type By = Principal;

export interface Rooms {
  host: {
    info(): HostInfo;
    /** A new one-time login link to the console. */
    consoleLink(plain?: boolean): string;
    /** Stops every agent (their wish to run stays) and then the host. */
    down(by: By): Promise<void>;
  };
  agents: {
    all(): AgentView[];
    /** @throws AetherError `agent.unknown` */
    get(name: string): AgentView;
    /** Calls (coalesced) with names of agents whose view changed. @returns unsubscribe */
    follow(listener: (names: string[]) => void): () => void;
  };
  fleet: {
    plan(): Promise<PlanView>;
    /** Resolves when each agent has started, failed or stopped. */
    apply(by: By): Promise<PlanView>;
  };
  lifecycle: {
    start(agent: string, by: By, options: { fresh?: boolean; goal?: string }): Promise<void>;
    stop(agent: string, by: By): Promise<void>;
    kill(agent: string, by: By): Promise<void>;
    restart(agent: string, by: By, options: { fresh?: boolean }): Promise<void>;
    /** Cancels the running turn; engine and conversation live. */
    interrupt(agent: string, by: By): Promise<void>;
    /** Stops every process of the agent where it is, and proves it. */
    pause(agent: string, by: By): Promise<void>;
    thaw(agent: string, by: By): Promise<void>;
  };
  adoption: {
    /** Begun by hand, the newest first. */
    conversations(which: {
      runtime: string;
      directory?: string | undefined;
      id?: string | undefined;
      from?: string | undefined;
    }): Promise<ConversationView[]>;
    /** Resolves once the agent runs with its copy, or has failed to start with it. */
    adopt(
      agent: string,
      asked: {
        runtime: string;
        id: string;
        from?: string | undefined;
        force?: boolean | undefined;
        fresh?: boolean | undefined;
      },
      by: By,
    ): Promise<AdoptedView>;
  };
  holds: {
    begin(agent: string, by: By): void;
    resume(agent: string, by: By): Promise<void>;
    /** The agent was stopped: there is nothing to hold any more. */
    forget(agent: string, by: By): void;
  };
  authority: {
    /** @throws AetherError `authority.not-narrowed` where none of these is followed; undefined: all */
    widen(agent: string, senders: Principal[] | undefined, by: By): void;
  };
  messages: {
    /** Accepts it durably; the same id again answers with the first one. */
    send(
      agent: string,
      message: { text: string; priority?: InjectionView['priority']; id?: string },
      by: By,
    ): InjectionView;
    /** @throws AetherError `inject.unknown` */
    get(id: string): InjectionView;
    list(agent: string): InjectionView[];
    /** @throws AetherError `inject.settled` when it is too late */
    cancel(id: string, by: By): Promise<InjectionView>;
  };
  takeover: {
    /** Resolves once the floor is held. */
    take(
      view: AgentView,
      input: { holder: string; when: 'boundary' | 'now'; cols: number; rows: number },
      by: By,
    ): Promise<LeaseView>;
    handback(
      view: AgentView,
      input: { generation: number; note?: string; held?: boolean },
      by: By,
    ): Promise<void>;
    /** The present lease of an agent; null: it is not taken over. */
    lease(agent: string): LeaseView | null;
    /** The holder is still there; a lease without a beat expires. */
    beat(agent: string, generation: number): void;
    /** Files of the workspace that changed since it was taken over, held or paused; null while it is none of these. */
    changes(view: AgentView): Promise<{ since_ms: number; files: string[] } | null>;
  };
  terminals: {
    /** Never swaps and never resizes. */
    view(agent: string, show: (item: TerminalBytes) => void): TerminalViewer;
    /** The newest bytes that an agent without a run printed to its terminal. */
    last(agent: string): Buffer;
    /** @throws AetherError `lease.stale` with another generation than that of the holder */
    write(agent: string, generation: number, data: string, viewer?: string): void;
    resize(agent: string, generation: number, size: { cols: number; rows: number }, viewer?: string): void;
    /** This viewer decides the size from now on. */
    use(agent: string, generation: number, viewer: string): void;
  };
  approvals: {
    list(filter: { agent?: string; state?: 'open' | 'all' }): ApprovalView[];
    answer(id: string, answer: ApprovalAnswer, by: By): ApprovalView;
  };
  /** Mail to the operator. */
  mail: {
    /** Unread, oldest first; with `all` the newest first. */
    inbox(filter: { all?: boolean; limit?: number }): { messages: MessageView[]; unread: number };
    /** All of `ids` or none. */
    ack(ids: string[], by: By): { acked: string[]; already: string[] };
  };
  memories: {
    list(by: By, filter: MemoryFilter): Promise<MemoryPage>;
    /** By the beginning of an id. @throws AetherError `memory.unknown`, `memory.ambiguous` */
    show(by: By, id: string): MemoryStory;
    edit(by: By, id: string, change: MemoryChange): CuratedMemory;
    pin(by: By, id: string, pinned: boolean): CuratedMemory;
    forget(
      by: By,
      id: string,
    ): Promise<{ memory: MemoryView; earlier: string[]; marked: MemoryMarks; remains: MemoryRemains[] }>;
    redact(id: string): Promise<{ places: number }>;
    /** All or none; `known` were there already, or are over. */
    import(
      by: By,
      asked: {
        scope: string;
        from: string;
        memories: (Omit<MemoryChange, 'expires'> & { text: string })[];
        preview?: boolean | undefined;
      },
    ): ImportedMemories;
    quota(scope: string): MemoryQuota;
    feedback(
      by: By,
      given: {
        agent?: string | undefined;
        thumb: 'up' | 'down';
        words?: string | undefined;
        event?: number | undefined;
        memory?: string | undefined;
      },
    ): { memory: CuratedMemory | null; weighed: string[] };
  };
  events: {
    list(filter: EventsFilter): EventView[];
    /** Every matching event after `after`, once and in order, as fast as the sink takes them. */
    stream(
      filter: { agent?: string; topics?: string[] },
      after: string,
      sink: StreamSink<EventView>,
    ): OpenStream;
    /** Cursor after the newest event. */
    end(): string;
  };
}
