/**
 * The nouns that the effect of a tool works with. Nouns that must know of the call (which senders it follows, who is
 * notified) are wrapped here, so that a tool cannot forget that.
 */
import type { Caller, MemoryRemains, MemoryView, MessageView, Principal } from '../api.ts';
import type { Approvals } from '../approvals/approvals.ts';
import type { Clock } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { Events } from '../events/events.ts';
import type { EventOf, NewEvent, Topic, Topics } from '../events/topics.ts';
import type { Mailboxes, NewMessage } from '../mailboxes/mailboxes.ts';
import type {
  ForgottenMemory,
  FoundMemories,
  Memory,
  MemoryName,
  MemorySearch,
  ReadMemory,
  StoredMemory,
} from '../memory/memory.ts';
import type { NewMemory } from '../memory/statements.ts';
import type { CallName, Calls, Results } from '../verbs/client.ts';
import type { Dispatcher } from '../verbs/dispatch.ts';
import type { Call } from './call.ts';
import { Questions } from './questions.ts';

/** What one agent may know of another. */
export interface ListedAgent {
  name: string;
  runtime: string;
  state: string;
  activity: string | null;
  goal: string | null;
}

export interface Nouns {
  memory: Memories;
  mail: Mail;
  questions: Questions;
  agents: { list(): ListedAgent[] };
  events: {
    /** A fact about the call itself; a noun appends its own. */
    append<T extends Topic>(call: Call, topic: T, grade: NewEvent<T>['grade'], data: Topics[T]): EventOf<T>;
  };
  /** Verbs of the host, in the caller's name: only those whose definition lets callers of its kind in. */
  verbs: { call<N extends CallName>(call: Call, name: N, input: Calls[N]['input']): Results[N] };
}

export interface NounsOptions {
  verbs(): Pick<Dispatcher, 'call'>;
  clock: Clock;
  events: Pick<Events, 'append'>;
  memory: Memory;
  mailboxes: Mailboxes;
  approvals: Approvals;
  agents(): ListedAgent[];
  /** The senders that the caller follows now, besides itself. */
  senders(caller: Caller): Principal[];
  /** The caller is given these messages to read. */
  onRead(caller: Caller, messages: MessageView[]): void;
  /** The caller is given these memories to read. */
  onRecall(caller: Caller, memories: readonly MemoryView[]): void;
  /** The caller waits for an answer of the operator, or does no more. */
  onAsking(caller: Caller): void;
  /** Mail for an agent has been committed. Must not throw. */
  onMail(agent: string, message: MessageView): void;
}

/** The memory, as a caller may use it. */
export interface Memories {
  store(call: Call, input: NewMemory): StoredMemory;
  search(call: Call, input: MemorySearch): FoundMemories | Promise<FoundMemories>;
  get(call: Call, input: MemoryName & { history?: boolean }): ReadMemory;
  forget(call: Call, input: MemoryName): ForgottenMemory;
}

/** The mailboxes, as a caller may use them. */
export interface Mail {
  send(call: Call, input: NewMessage): MessageView;
  inbox(
    call: Call,
    input: { unreadOnly?: boolean; limit?: number },
  ): { messages: MessageView[]; unread: number };
  ack(call: Call, ids: readonly string[]): { acked: string[]; already: string[] };
}

export function nounsOf(options: NounsOptions): Nouns {
  const { agents, events, approvals, clock, onAsking, verbs } = options;
  return {
    memory: memoryOf(options),
    mail: mailOf(options),
    questions: new Questions({ approvals, clock, onAsking }),
    agents: { list: agents },
    events: {
      append: ({ principal, agent, run }, topic, grade, data) =>
        events.append({ topic, agent, run, principal, grade, data }),
    },
    verbs: {
      call: ({ principal }, name, input) => verbs().call({ principal, label: principal }, name, input),
    },
  };
}

function memoryOf({ memory, senders, onRecall }: NounsOptions): Memories {
  /** What a call was given: its author's words lead the conversation from now on, and it may write from it. */
  const given = (call: Call, memories: readonly MemoryView[]) => {
    onRecall(call, memories);
    call.leaves(() => memory.shown(readerOf(call), memories));
  };
  return {
    store(call, input) {
      const { toolUseId } = call;
      const evidence = toolUseId === undefined ? {} : { evidence: { toolUse: toolUseId } };
      const stored = memory.store(call, { ...input, ...evidence }, senders(call), readerOf(call));
      given(call, stored.contradictedBy);
      return stored;
    },
    search(call, input) {
      const recalled = (found: FoundMemories) => {
        given(call, [...found.memories, ...found.memories.flatMap(({ contradictedBy }) => contradictedBy)]);
        return found;
      };
      const found = memory.searchApart(call, input);
      return found instanceof Promise ? found.then(recalled) : recalled(found);
    },
    get(call, input) {
      const found = memory.get(call, input);
      given(call, [found.memory, ...found.history, ...found.contradictedBy]);
      return found;
    },
    forget(call, input) {
      const gone = memory.forget(call, input);
      call.afterCommit(() => remains(memory.scrub(gone.memory.id)));
      return gone;
    },
  };
}

/** A failure is no failure of forgetting: it is done, and the rest is gone on with when the host starts next. */
const remains = (scrub: Promise<MemoryRemains[]>): Promise<Record<string, unknown>> =>
  scrub.then(
    (all) => (all.length === 0 ? {} : { remains: all }),
    (error: unknown) => ({
      remains: [
        {
          what: `the database: ${messageOf(error)}`,
          where: [],
          how: 'the host goes on with removing it when it starts next',
        },
      ],
    }),
  );

/** What is shown to it was shown to all that it says later: a run, or the process of an outside client. */
const readerOf = ({ run, principal, instance }: Call): string => run ?? `${principal} ${instance}`;

function mailOf({ mailboxes, agents, senders, onRead, onMail }: NounsOptions): Mail {
  return {
    send(call, input) {
      const names = agents().map((agent) => agent.name);
      const message = mailboxes.send(call, input, names, senders(call));
      const agent = message.to.startsWith('agent:') ? message.to.slice('agent:'.length) : null;
      if (agent !== null) {
        call.afterCommit(() => {
          onMail(agent, message);
          return undefined;
        });
      }
      return message;
    },
    inbox(call, input) {
      const found = mailboxes.inbox(call.principal, input);
      onRead(call, found.messages);
      return found;
    },
    ack: (call, ids) => mailboxes.ack(call, ids),
  };
}
