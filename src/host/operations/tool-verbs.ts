/**
 * The MCP verbs of the host. Each runs at most once per (caller, bridge instance, sequence): the receipt is
 * written in the transaction of the effect and its events, and a repeat — a bridge that lost its connection, a
 * host that died after the commit — is answered from it. Every call is in the event log, refused ones too.
 */
import type { ApprovalView, Caller, Evidence, HostApi, MessageView, Principal } from '../api.ts';
import type { Approvals } from '../approvals/approvals.ts';
import type { Clock } from '../clock.ts';
import { AetherError, toWireError } from '../errors.ts';
import type { Events } from '../events/events.ts';
import type { EventOf, Topic, Topics } from '../events/topics.ts';
import { limits } from '../limits.ts';
import type { Mailboxes } from '../mailboxes/mailboxes.ts';
import type { Memory } from '../memory/memory.ts';
import { type CallKey, CallTable } from '../store/calls.ts';
import type { Store } from '../store/store.ts';
import { cutText } from '../text.ts';

/** A receipt this old belongs to a bridge that is long gone. */
const RECEIPT_KEPT_MS = 24 * 3_600_000;

export interface ListedAgent {
  name: string;
  runtime: string;
  state: string;
  activity: string | null;
  goal: string | null;
}

export interface ToolVerbsOptions {
  store: Store;
  clock: Clock;
  memory: Memory;
  mailboxes: Mailboxes;
  approvals: Approvals;
  events: Pick<Events, 'append'>;
  agents(): ListedAgent[];
  /** Throws where the words that the caller's turn goes by do not reach as far as this tool. */
  authority?(caller: Caller, tool: string): void;
  /** By whose words the caller goes now, beside their own. */
  senders?(caller: Caller): Principal[];
  /** The caller is given these messages to read. */
  onRead?(caller: Caller, messages: MessageView[]): void;
  /** The caller waits for an answer of the operator, or does no more. */
  onAsking?(caller: Caller): void;
  /** Mail for an agent has been committed. Must not throw. */
  onMail(agent: string, message: MessageView): void;
}

type McpVerbs = Pick<
  HostApi,
  | 'memoryStore'
  | 'memorySearch'
  | 'memoryGet'
  | 'memoryForget'
  | 'mailSend'
  | 'mailInbox'
  | 'mailAck'
  | 'agentsList'
  | 'askOperator'
  | 'report'
>;

export class ToolVerbs implements McpVerbs {
  readonly #o: ToolVerbsOptions;
  readonly #calls: CallTable;

  constructor(options: ToolVerbsOptions) {
    this.#o = options;
    this.#calls = new CallTable(options.store);
  }

  memoryStore(caller: Caller, input: Parameters<HostApi['memoryStore']>[1]) {
    return this.#once(caller, 'aether_memory_store', () => this.#o.memory.store(caller, input));
  }

  memorySearch(caller: Caller, input: Parameters<HostApi['memorySearch']>[1]) {
    return this.#read(caller, 'aether_memory_search', () => this.#o.memory.search(caller.principal, input));
  }

  memoryGet(caller: Caller, input: Parameters<HostApi['memoryGet']>[1]) {
    return this.#read(caller, 'aether_memory_get', () => ({
      memory: this.#o.memory.get(caller.principal, input),
    }));
  }

  memoryForget(caller: Caller, input: Parameters<HostApi['memoryForget']>[1]) {
    return this.#once(caller, 'aether_memory_forget', () => ({
      forgotten: this.#o.memory.forget(caller, input).id,
    }));
  }

  mailSend(caller: Caller, input: Parameters<HostApi['mailSend']>[1]) {
    let sent: MessageView | null = null;
    const result = this.#once(caller, 'aether_mail_send', () => {
      const agents = this.#o.agents().map((agent) => agent.name);
      const via = this.#o.senders?.(caller) ?? [];
      sent = this.#o.mailboxes.send(caller, input, agents, via);
      return { message: sent };
    });
    // Not for a repeat: then the mail was delivered, and its receiver told, the first time.
    if (sent !== null && result.message.to.startsWith('agent:')) {
      this.#o.onMail(result.message.to.slice('agent:'.length), result.message);
    }
    return result;
  }

  mailInbox(caller: Caller, input: Parameters<HostApi['mailInbox']>[1]) {
    return this.#read(caller, 'aether_mail_inbox', () => {
      const result = this.#o.mailboxes.inbox(caller.principal, input);
      this.#o.onRead?.(caller, result.messages);
      return result;
    });
  }

  mailAck(caller: Caller, input: Parameters<HostApi['mailAck']>[1]) {
    return this.#once(caller, 'aether_mail_ack', () => this.#o.mailboxes.ack(caller, input.ids));
  }

  agentsList(caller: Caller) {
    return this.#read(caller, 'aether_agents_list', () => ({
      agents: this.#o.agents().map(({ name, runtime, state, activity, goal }) => ({
        name,
        runtime,
        state,
        activity,
        goal,
        you: name === caller.agent,
      })),
    }));
  }

  report(caller: Caller, input: Parameters<HostApi['report']>[1]) {
    const started = performance.now();
    return this.#audited(caller, 'aether_report', started, () => {
      const bytes = Buffer.byteLength(input.summary) + Buffer.byteLength(input.details ?? '');
      if (input.summary.trim() === '' || bytes > limits.report_text_bytes_max) {
        throw new AetherError({
          code: 'report.text',
          who: 'agent',
          message: `A report needs a summary and holds ${limits.report_text_bytes_max} bytes; this one has ${bytes}.`,
          next: 'Say what was achieved in a few sentences; put long material in a file.',
        });
      }
      return this.#receipted(caller, 'aether_report', () => {
        const event = this.#append(caller, 'report.made', 'claimed', { ...input });
        this.#logCall(caller, 'aether_report', started, null);
        return { seq: event.seq };
      });
    });
  }

  async askOperator(
    caller: Caller,
    input: Parameters<HostApi['askOperator']>[1],
    signal: AbortSignal,
  ): Promise<ApprovalView> {
    const tool = 'aether_ask_operator';
    const started = performance.now();
    const { approvals, clock } = this.#o;
    const opened = this.#audited(caller, tool, started, () =>
      input.id === undefined ? this.#openQuestion(caller, input) : this.#ownQuestion(caller, input.id),
    );
    if (opened.state === 'open') {
      await new Promise<void>((resolve) => {
        const finish = () => {
          stopListening();
          stopTimer();
          signal.removeEventListener('abort', finish);
          this.#o.onAsking?.(caller);
          resolve();
        };
        const stopListening = approvals.onAnswered(opened.id, finish);
        const stopTimer = clock.after(Math.min(input.wait_ms, limits.ask_wait_ms), finish);
        signal.addEventListener('abort', finish, { once: true });
        this.#o.onAsking?.(caller);
        if (signal.aborted) finish();
      });
    }
    if (signal.aborted) return this.#unheard(caller, opened, input.id === undefined, signal, started);
    return this.#o.store.transaction(() => {
      const approval = approvals.get(opened.id);
      if (approval.state === 'answered') approvals.markDelivered(approval.id);
      this.#logCall(caller, tool, started, null);
      return approval;
    });
  }

  /** Drops receipts nobody can ask for any more; called when the host starts. Returns how many. */
  pruneReceipts(): number {
    return this.#calls.prune(this.#o.clock.now() - RECEIPT_KEPT_MS);
  }

  #openQuestion(caller: Caller, input: { question: string; choices?: string[] }): ApprovalView {
    const bytes = Buffer.byteLength(input.question);
    if (input.question.trim() === '' || bytes > limits.question_text_bytes_max) {
      throw new AetherError({
        code: 'question.text',
        who: 'agent',
        message: `A question holds 1 to ${limits.question_text_bytes_max} bytes; this one has ${bytes}.`,
        next: 'Ask one thing, with what the operator must know to answer it.',
      });
    }
    const { approval } = this.#o.approvals.open({
      kind: 'question',
      agent: caller.agent ?? caller.principal,
      run: caller.run,
      // The principal is part of it, because the instance is the bridge's own word: nobody can find another's.
      request: `${caller.principal}:${caller.instance}:${caller.sequence}`,
      title: input.question,
      detail: { question: input.question, ...(input.choices ? { choices: input.choices } : {}) },
      otherwise: 'Nothing happens; the agent decides for itself how long it waits.',
    });
    return approval;
  }

  #ownQuestion(caller: Caller, id: string): ApprovalView {
    const found = this.#o.approvals.find(id);
    // The same words for "none" and "another's": whether somebody else's question exists is not told.
    if (found?.kind === 'question' && found.agent === (caller.agent ?? caller.principal)) return found;
    throw new AetherError({
      code: 'question.unknown',
      who: 'agent',
      message: `No question of yours has the id ${JSON.stringify(cutText(id, { chars_max: 64 }))}.`,
      next: 'Use the id that aether_ask_operator returned, or ask again without an id.',
    });
  }

  /**
   * The call ended without an answer to it. A broken connection comes again and finds its question; but whoever
   * cancels the call that asked does not know the question's id, so nobody could ever fetch the answer.
   */
  #unheard(
    caller: Caller,
    opened: ApprovalView,
    asked: boolean,
    signal: AbortSignal,
    started: number,
  ): ApprovalView {
    if (signal.reason !== 'cancelled') return opened;
    return this.#o.store.transaction(() => {
      if (asked) this.#o.approvals.withdraw(opened.id, caller.principal);
      this.#logCall(caller, 'aether_ask_operator', started, 'call.cancelled');
      return this.#o.approvals.get(opened.id);
    });
  }

  /** An effect with its event, the audit row and the receipt, in one transaction. */
  #once<T>(caller: Caller, tool: string, effect: () => T): T {
    const started = performance.now();
    return this.#audited(caller, tool, started, () =>
      this.#receipted(caller, tool, () => {
        const result = effect();
        this.#logCall(caller, tool, started, null);
        return result;
      }),
    );
  }

  #read<T>(caller: Caller, tool: string, body: () => T): T {
    const started = performance.now();
    return this.#audited(caller, tool, started, () => {
      const result = body();
      this.#logCall(caller, tool, started, null);
      return result;
    });
  }

  #receipted<T>(caller: Caller, tool: string, body: () => T): T {
    const key: CallKey = { caller: caller.principal, instance: caller.instance, sequence: caller.sequence };
    return this.#o.store.transaction(() => {
      const receipt = this.#calls.get(key);
      if (receipt !== null) {
        if (receipt.tool === tool) return receipt.result as T;
        throw new AetherError({
          code: 'call.sequence-reused',
          who: 'runtime',
          message: `Request ${caller.sequence} of this bridge was ${receipt.tool} before and is ${tool} now.`,
          next: 'Restart the MCP server process of this client; a bridge never numbers two requests the same.',
        });
      }
      const result = body();
      this.#calls.insert(key, tool, result, this.#o.clock.now());
      if (caller.settled !== undefined) this.#calls.settle({ ...key, sequence: caller.settled });
      return result;
    });
  }

  /** Checks the grant, then does it; a refusal or failure is logged before it is thrown on. */
  #audited<T>(caller: Caller, tool: string, started: number, body: () => T): T {
    try {
      if (caller.principal.startsWith('client:')) {
        this.#o.mailboxes.clientSeen(caller.principal.slice('client:'.length));
      }
      this.#requireGrant(caller, tool);
      this.#o.authority?.(caller, tool);
      return body();
    } catch (error) {
      this.#logCall(caller, tool, started, toWireError(error).code);
      throw error;
    }
  }

  #requireGrant(caller: Caller, tool: string): void {
    if (caller.grants === null || caller.grants.includes(tool)) return;
    const who = caller.agent ?? 'NAME';
    throw new AetherError({
      code: 'tool.not-granted',
      who: 'config',
      message: `${caller.principal} is not granted ${tool}.`,
      next: `The operator can add ${tool} to agents.${who}.tools in aether.yaml. Go on without it, or ask for it.`,
    });
  }

  #append<T extends Topic>(caller: Caller, topic: T, grade: Evidence['grade'], data: Topics[T]): EventOf<T> {
    const { principal, agent, run } = caller;
    return this.#o.events.append({ topic, agent, run, principal, grade, data });
  }

  #logCall(caller: Caller, tool: string, started: number, error: string | null): void {
    this.#append(caller, 'mcp.called', 'observed', {
      tool,
      ...(caller.toolUseId === undefined ? {} : { toolUseId: caller.toolUseId }),
      ms: Math.round((performance.now() - started) * 100) / 100,
      ok: error === null,
      ...(error === null ? {} : { error }),
    });
  }
}
