/**
 * The agent's conversation in the gateway: messages of the host go in one after the other, each under its own id as
 * idempotency key; what the gateway tells of the conversation comes out as events for the host.
 */
import { type Payload, record } from './blocks.ts';
import { type Channel, GatewayRefusal } from './channel.ts';
import type { DriverRequest, DriverSettings, ObservedEvent, PluginNotice } from './driver-protocol.ts';
import { callsTool, Messages, sentAs } from './messages.ts';
import { Receipts } from './receipts.ts';
import { Steering } from './steering.ts';
import { Subagents } from './subagents.ts';
import { ToolCalls } from './tool-calls.ts';
import { type TurnEnd, Turns } from './turns.ts';

type Message = Extract<DriverRequest, { type: 'message' }>;
type Ask = Extract<PluginNotice, { type: 'ask' }>;

const QUEUE_MODES = { now: 'interrupt', next: 'steer', later: 'followup' } as const;
/** How often a message is offered again, under its key, to a gateway that cannot take it just now. */
const ATTEMPTS = 5;
const AGAIN_MS = 500;
/** The latest messages that are looked through for those that the host sends again. */
const HISTORY = 200;
/** Of those, the latest, whose receipts may have been lost with the gateway before. */
const RECONCILED_MAX = 50;

export interface ConversationEvents {
  emit(event: ObservedEvent): void;
  channel(): Channel;
  /** Ends what is left of an earlier gateway, once, before anything new. */
  begin(): Promise<void>;
}

export class Conversation {
  readonly #key: string;
  readonly #steps_max: number;
  readonly #events: ConversationEvents;
  readonly #receipts: Receipts;
  readonly #messages: Messages;
  readonly #turns: Turns;
  readonly #tools: ToolCalls;
  readonly #steering = new Steering();
  readonly #subagents: Subagents;
  /** Messages of the host that the conversation had when this gateway started. */
  #before = new Set<string>();
  #line: Promise<void> = Promise.resolve();
  #activity = '';
  /** The tool about which a person is asked. */
  #asking: string | null = null;
  #servers: Promise<void> | null = null;
  /** Model requests of the turns under way. */
  #steps = 0;

  constructor({ sessionKey, steps_max }: DriverSettings, events: ConversationEvents) {
    this.#key = sessionKey;
    this.#steps_max = steps_max ?? Number.POSITIVE_INFINITY;
    this.#events = events;
    const emit = (event: ObservedEvent) => events.emit(event);
    this.#receipts = new Receipts(emit);
    this.#messages = new Messages(emit);
    this.#tools = new ToolCalls(emit);
    this.#subagents = new Subagents(emit);
    this.#turns = new Turns({
      emit,
      began: () => this.#working('a turn began'),
      ended: (end) => this.#ended(end),
      dropped: (id) => this.#receipts.cancelled(id, 'the gateway took it out of its queue'),
      now: () => performance.now(),
    });
  }

  /** Makes it or finds it, ends what was left of it, and listens. */
  async open(resumed: boolean): Promise<void> {
    await this.#create();
    if (resumed) await this.#remember(this.#events.channel());
    await this.listen();
  }

  async #create(): Promise<void> {
    const channel = this.#events.channel();
    await channel.call('sessions.create', { key: this.#key, cwd: process.cwd() }).catch(ifThere);
  }

  async listen(): Promise<void> {
    await this.#events.channel().call('sessions.messages.subscribe', { key: this.#key });
  }

  async #remember(channel: Channel): Promise<void> {
    const { messages } = await channel.call('chat.history', { sessionKey: this.#key, limit: HISTORY });
    const all = Array.isArray(messages) ? messages.map(record) : [];
    const sent = all.map(sentAs).filter((id) => id !== null);
    this.#before = new Set(sent);
    // Of some the gateway before this one died before it could say that it has them.
    for (const id of sent.slice(-RECONCILED_MAX)) this.#receipts.found(id);
  }

  send(message: Message): void {
    const { id } = message;
    if (id !== null && this.#before.has(id)) {
      this.#receipts.found(id);
      return;
    }
    if (id !== null) this.#receipts.waits(id);
    const deliver = () => this.#deliver(message, id ?? `opening-${crypto.randomUUID()}`);
    // What is to end the running tool does not wait for what waits for its end.
    const send = () => {
      this.#line = this.#line.then(deliver, deliver);
    };
    if (message.priority === 'next') this.#steering.offer(send);
    else send();
  }

  async #deliver({ id, text, priority }: Message, key: string): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      if (id !== null && attempt === 1 && !this.#receipts.sent(id)) return;
      try {
        await this.#events.begin();
        await this.#events.channel().call('chat.send', {
          sessionKey: this.#key,
          message: text,
          idempotencyKey: key,
          queueMode: QUEUE_MODES[priority],
          // Otherwise a line that begins with a slash would be a command to the gateway.
          suppressCommandInterpretation: true,
        });
        if (id !== null) this.#receipts.delivered(id);
        return;
      } catch (error) {
        const known = error instanceof GatewayRefusal && error.known;
        if (!known && attempt < ATTEMPTS) {
          await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
          continue;
        }
        if (id !== null) this.#receipts.forget(id);
        const what = known ? 'refused a message' : 'did not say whether it has a message';
        this.#note('error', `The gateway ${what}: ${(error as Error).message}`);
        return;
      }
    }
  }

  /** Takes back what has not reached the conversation. */
  async cancel(id: string): Promise<void> {
    const stage = this.#receipts.withdrawable(id);
    if (stage === 'waiting') {
      this.#receipts.cancelled(id, 'it was not sent yet');
      return;
    }
    // A message that began a turn of its own gave it its name: taking it back would be to interrupt.
    if (stage === null || this.#turns.active.includes(id)) return;
    const { aborted } = await this.#events.channel().call('chat.abort', { sessionKey: this.#key, runId: id });
    if (aborted === true) this.#receipts.cancelled(id, 'the gateway took it out of its queue');
  }

  /** Ends the turns under way; what is queued stays. */
  async interrupt(): Promise<void> {
    const channel = this.#events.channel();
    await Promise.all(
      this.#turns.active.map((runId) => channel.call('chat.abort', { sessionKey: this.#key, runId })),
    );
  }

  event(name: string, payload: Payload): void {
    const own = payload.sessionKey === this.#key;
    const runId = String(payload.runId ?? '');
    if (name === 'session.message') this.#said(own, payload);
    else if (name === 'chat' && own) this.#turns.chat(runId, payload);
    else if (name === 'agent' && own) this.#agent(runId, payload);
    else if (name === 'agent') this.#subagents.event(String(payload.sessionKey ?? ''), payload);
  }

  #agent(runId: string, { stream, data }: Payload): void {
    const told = record(data);
    if (stream === 'lifecycle') this.#turns.lifecycle(runId, told);
    else if (stream === 'item') this.#tools.item(told);
    else if (stream === 'run_status') this.#working(`the gateway is ${String(told.phase)}`);
  }

  #said(own: boolean, payload: Payload): void {
    const message = record(payload.message);
    const id = String(payload.messageId ?? record(message.__openclaw).id ?? '');
    if (id === '' || !this.#messages.isNew(id)) return;
    const used = message.role === 'assistant' ? this.#messages.usage(id, message) : 0;
    if (!own) {
      // Of a subagent only what it costs: its report comes as a message.
      this.#subagents.spent(String(payload.sessionKey ?? ''), used);
      return;
    }
    if (message.role === 'user') {
      const sent = sentAs(message);
      const ours = sent !== null && this.#receipts.has(sent) ? sent : null;
      this.#messages.user(id, message, ours);
      if (ours !== null) this.#receipts.taken(ours);
    } else if (message.role === 'assistant') {
      this.#messages.assistant(id, message);
      this.#tools.written(message);
      const { runId } = record(message.__openclaw);
      if (typeof runId === 'string') this.#turns.replied(runId, callsTool(message));
    }
  }

  /** The plugin tells of a model request: `began` false, its answer is whole. */
  requested(sessionKey: string | null, began: boolean): void {
    if (sessionKey !== this.#key) return;
    if (!began) {
      this.#receipts.answered();
      return;
    }
    this.#receipts.requested();
    this.#working('a model request was made');
    this.#step();
    this.#servers ??= this.#tellServers();
  }

  #step(): void {
    this.#steps += 1;
    if (this.#steps <= this.#steps_max) return;
    this.#note('warn', `The turn is ended: it made more than ${this.#steps_max} model requests (steps_max).`);
    this.interrupt().catch((error: Error) => this.#note('warn', `It could not be ended: ${error.message}`));
  }

  /** Whether its MCP server is there: known once a turn has needed its tools. */
  async #tellServers(): Promise<void> {
    const answer = await this.#events
      .channel()
      .call('tools.effective', { sessionKey: this.#key })
      .catch(() => ({}) as Payload);
    const groups = Array.isArray(answer.groups) ? answer.groups.map(record) : [];
    const tools = groups.flatMap(({ tools }) => (Array.isArray(tools) ? tools.map(record) : []));
    const there = tools.some(({ id }) => String(id).startsWith('aether__'));
    this.#events.emit({
      kind: 'mcp-status',
      servers: [{ name: 'aether', status: there ? 'connected' : 'failed' }],
    });
  }

  subagent(key: string, what: 'began' | 'ended', label: string): void {
    if (key === this.#key) {
      if (what === 'ended') this.#deleted();
      return;
    }
    if (what === 'ended') this.#subagents.left(key);
    else if (this.#subagents.spawned(key, label))
      this.#events
        .channel()
        .call('sessions.messages.subscribe', { key })
        .catch((error: Error) => this.#note('warn', `A subagent's costs are not counted: ${error.message}`));
  }

  /** By a person in the terminal. OpenClaw would begin another by itself, but in a directory of its own. */
  #deleted(): void {
    this.#note('warn', 'The conversation was deleted in OpenClaw: the next message begins a new one.');
    const again = () =>
      this.#create().catch((error: Error) =>
        this.#note('error', `The conversation could not be made again: ${error.message}`),
      );
    this.#line = this.#line.then(again, again);
  }

  called({ id, toolUseId, tool, input, sessionKey }: Ask): void {
    const own = sessionKey === this.#key;
    this.#tools.called(toolUseId ?? id, { tool, input, own });
    this.#subagents.called(toolUseId ?? id, tool, input);
    if (!own) return;
    this.#steering.stands(id);
    this.#working(`called ${tool}`);
  }

  /** The call is past the gate, and runs where it was let pass. */
  past(call: string): void {
    this.#steering.past(call);
  }

  answered(toolUseId: string, text: string, isError: boolean): void {
    this.#tools.answered(toolUseId, text, isError);
    this.#subagents.answered(toolUseId);
    if (this.#turns.active.length > 0) this.#working('a tool answered');
  }

  asking(tool: string | null): void {
    this.#asking = tool;
    if (tool === null) this.#working('the question was answered');
    else this.#active('waiting-for-operator', `asks to use ${tool}`, tool);
  }

  idle(evidence: string): void {
    this.#active('idle', evidence);
  }

  #ended({ outcome, text, last }: TurnEnd): void {
    this.#tools.clear();
    this.#steering.clear();
    if (last) this.#steps = 0;
    this.#receipts.turnEnded(outcome === 'done');
    const tell = () => {
      const said = text === null ? {} : { text };
      this.#events.emit({ kind: 'turn-ended', outcome, ...said });
      if (last) this.#active('idle', `the turn ended: ${outcome}`);
    };
    // What is known of the tools is told within the first turn.
    if (this.#servers === null) tell();
    else void this.#servers.then(tell);
  }

  #working(evidence: string): void {
    if (this.#asking !== null) return;
    const tool = this.#tools.current;
    if (tool === null) this.#active('thinking', evidence);
    else this.#active('tool', evidence, tool);
  }

  #active(
    activity: 'idle' | 'thinking' | 'tool' | 'waiting-for-operator',
    evidence: string,
    tool?: string,
  ): void {
    const now = `${activity}:${tool ?? ''}`;
    if (now === this.#activity) return;
    this.#activity = now;
    this.#events.emit({ kind: 'activity', activity, evidence, ...(tool === undefined ? {} : { tool }) });
  }

  #note(level: 'info' | 'warn' | 'error', text: string): void {
    this.#events.emit({ kind: 'note', level, text });
  }
}

/** A conversation that exists is gone on with. */
function ifThere(error: Error): void {
  if (!/exist/i.test(error.message)) throw error;
}
