/**
 * The agent: takes messages, keeps them in order, and runs one turn at a time. A message is in the conversation file
 * before it is acknowledged, so it survives the death of this process.
 */
import { randomUUID } from 'node:crypto';
import { cutText } from '../../../host/text.ts';
import { entryEvents, type Queued } from './entries.ts';
import type { Priority } from './loop-protocol.ts';
import { Turn, type TurnContext } from './turn.ts';

const QUEUE_MAX = 1_000;
/** Of a message, to find what is remembered by. */
const RECALL_CHARS_MAX = 4_000;

type AgentContext = Omit<TurnContext, 'takeMessages' | 'recalled'>;

export class Agent {
  readonly #context: AgentContext;
  /** Called before each turn: the place to reconnect what was lost. */
  readonly #beforeTurn: () => Promise<void>;
  readonly #onFatal: (error: unknown) => void;
  readonly #queue: Queued[];
  #turn: Turn | null = null;
  /** Undefined: the host was not asked yet. */
  #recalled: string | null | undefined = undefined;
  #running: Promise<void> = Promise.resolve();
  #interrupts: string[] = [];
  #started = false;
  #onIdle = () => {};
  #closed = false;

  constructor(context: AgentContext, hooks: { beforeTurn(): Promise<void>; onFatal(error: unknown): void }) {
    this.#context = context;
    this.#beforeTurn = hooks.beforeTurn;
    this.#onFatal = hooks.onFatal;
    this.#queue = context.conversation.queued();
  }

  get busy(): boolean {
    return this.#turn !== null;
  }

  /**
   * @param queued what happens to messages that were accepted before and never got their turn: they are
   *   taken up now, or left in the file for the next process
   * @param onIdle after each turn, when no other follows
   */
  start({ queued, onIdle }: { queued: 'take' | 'leave'; onIdle?: () => void }): void {
    this.#started = true;
    this.#onIdle = onIdle ?? (() => {});
    if (queued === 'leave') this.#queue.length = 0;
    if (this.#queue.length === 0) this.#idle('nothing to do yet');
    this.#next();
  }

  /**
   * @param id null for a message without a receipt
   */
  deliver(id: string | null, text: string, priority: Priority): void {
    const { conversation, front } = this.#context;
    const receipt = (evidence: string) => {
      if (id !== null) front.emit({ kind: 'inject', injectId: id, stage: 'delivered', evidence });
    };
    if (id !== null && conversation.knows(id)) {
      receipt('in the conversation file since before');
      return;
    }
    if (this.#queue.length >= QUEUE_MAX) {
      if (id !== null) {
        front.emit({
          kind: 'inject',
          injectId: id,
          stage: 'cancelled',
          evidence: `${QUEUE_MAX} messages are waiting already`,
        });
      }
      return;
    }
    const message: Queued = { id: id ?? randomUUID(), text, priority, receipt: id !== null };
    conversation.append({ type: 'queued', message, at_ms: Date.now() });
    this.#queue.push(message);
    receipt('written to the conversation file');
    if (priority === 'now') this.#turn?.cut('now');
    this.#next();
  }

  /** Takes back a message that waits. One that has become part of the conversation stays in it. */
  cancel(id: string): void {
    const at = this.#queue.findIndex((message) => message.id === id);
    if (at === -1) return;
    const { conversation, front } = this.#context;
    conversation.append({ type: 'cancelled', id, at_ms: Date.now() });
    this.#queue.splice(at, 1);
    front.emit({ kind: 'inject', injectId: id, stage: 'cancelled', evidence: 'taken from the queue' });
  }

  /** Cancels the running turn; answered when it has ended, at once when there is none. */
  interrupt(requestId: string): void {
    if (!this.#turn) {
      this.#context.front.emit({ kind: 'interrupted', requestId });
      return;
    }
    this.#interrupts.push(requestId);
    this.#turn.cut('interrupt');
  }

  /** Ends the running turn and takes no further one. What waits stays in the conversation file. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#turn?.cut('interrupt');
    await this.#running;
  }

  #next(): void {
    if (!this.#started || this.#closed || this.#turn) return;
    const first = this.#takeFirst();
    if (first.length === 0) return;
    this.#turn = new Turn({
      ...this.#context,
      recalled: () => this.#recalled ?? null,
      takeMessages: () => this.#take(['now', 'next']),
    });
    this.#running = this.#run(this.#turn, first).catch(this.#onFatal);
  }

  async #run(turn: Turn, first: Queued[]): Promise<void> {
    const { conversation, front } = this.#context;
    await this.#beforeTurn();
    if (this.#recalled === undefined) {
      const words = cutText(first.map(({ text }) => text).join('\n'), { chars_max: RECALL_CHARS_MAX });
      this.#recalled = await front.recall(words);
    }
    const outcome = await turn.run(first);
    const entry = conversation.append({ type: 'turn', ...outcome, at_ms: Date.now() });
    if (outcome.outcome === 'failed') {
      front.emit({ kind: 'note', level: 'error', text: outcome.text ?? 'The turn failed.' });
    }
    for (const event of entryEvents(entry)) front.emit(event);
    this.#turn = null;
    const interrupts = this.#interrupts.splice(0);
    const more = !this.#closed && this.#queue.length > 0;
    if (!more || interrupts.length > 0) this.#idle(`the turn has ended: ${outcome.outcome}`);
    for (const requestId of interrupts) front.emit({ kind: 'interrupted', requestId });
    this.#next();
  }

  /** What waits for the turn, or else one message that wanted a turn of its own. */
  #takeFirst(): Queued[] {
    const urgent = this.#take(['now', 'next']);
    return urgent.length > 0 ? urgent : this.#queue.splice(0, 1);
  }

  #take(priorities: Priority[]): Queued[] {
    const taken = this.#queue.filter((message) => priorities.includes(message.priority));
    for (const message of taken) this.#queue.splice(this.#queue.indexOf(message), 1);
    return taken;
  }

  #idle(evidence: string): void {
    this.#context.front.emit({ kind: 'activity', activity: 'idle', evidence });
    this.#onIdle();
  }
}
