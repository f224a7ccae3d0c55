/**
 * The conversation: an append-only file of JSON lines that is the whole state of the engine. An entry is in the
 * kernel before it is reported, so a SIGKILL at any instant loses at most the call that was running; the
 * next process finds that call without a result and says so.
 */
import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { type ModelMessage, modelMessageSchema } from 'ai';
import { type Entry, type Queued, toolCalls } from './entries.ts';
import { type Mask, maskedJson } from './secrets.ts';

/** An agent whose conversation outgrew this has to begin a new one; no model could read it anyway. */
const CONVERSATION_BYTES_MAX = 256 * 1024 * 1024;

/** What the model is told about a call whose process died. */
const NOT_RUN =
  'Not run, or not finished: the agent was interrupted. Check what happened before doing it again.';

export class Conversation {
  readonly entries: Entry[] = [];
  readonly #fd: number;
  readonly #path: string;
  readonly #session: string;
  readonly #mask: Mask;
  #bytes = 0;

  /**
   * Opens or begins it. A last line that was cut off is removed, and a call without a result gets one.
   * @throws Error that names the file when it is damaged elsewhere
   */
  constructor(path: string, owner: { session: string; agent: string }, mask: Mask) {
    this.#path = path;
    this.#session = owner.session;
    this.#mask = mask;
    this.#fd = openSync(path, 'a+', 0o600);
    this.#load(readFileSync(path));
    if (this.entries.length === 0) {
      this.append({ type: 'conversation', version: 1, ...owner, at_ms: Date.now() });
    }
    this.repair(NOT_RUN);
  }

  /** The key of the next entry: unique in the conversation, the same for every reader. */
  nextKey(): string {
    return `${this.#session}:${this.entries.length}`;
  }

  /** @throws Error when the disk refuses it; then nothing was added */
  append(entry: Entry): Entry {
    const line = maskedJson(entry, this.#mask);
    const data = Buffer.from(`${line}\n`, 'utf8');
    if (this.#bytes + data.length > CONVERSATION_BYTES_MAX) {
      throw new Error(
        `The conversation ${this.#path} has reached ${CONVERSATION_BYTES_MAX} bytes. Start the agent with a fresh conversation.`,
      );
    }
    try {
      for (let done = 0; done < data.length; ) done += writeSync(this.#fd, data, done);
    } catch (error) {
      ftruncateSync(this.#fd, this.#bytes);
      throw error;
    }
    this.#bytes += data.length;
    // What is kept is what was written: masked, and without what JSON drops.
    const kept = JSON.parse(line) as Entry;
    this.entries.push(kept);
    return kept;
  }

  /** The conversation as a model reads it. */
  messages(): ModelMessage[] {
    const messages: ModelMessage[] = [];
    for (const entry of this.entries) {
      const last = messages.at(-1);
      if (entry.type === 'user') messages.push({ role: 'user', content: entry.text });
      else if (entry.type === 'assistant') messages.push(entry.message);
      else if (entry.type === 'tool') {
        const result = {
          type: 'tool-result' as const,
          toolCallId: entry.toolUseId,
          toolName: entry.tool,
          output: entry.output,
        };
        if (last?.role === 'tool') last.content.push(result);
        else messages.push({ role: 'tool', content: [result] });
      }
    }
    return messages;
  }

  /** Messages that were accepted and have not become part of the conversation, oldest first. */
  queued(): Queued[] {
    const waiting = new Map<string, Queued>();
    for (const entry of this.entries) {
      if (entry.type === 'queued') waiting.set(entry.message.id, entry.message);
      else if (entry.type === 'cancelled') waiting.delete(entry.id);
      else if (entry.type === 'user' && entry.from) waiting.delete(entry.from.id);
    }
    return [...waiting.values()];
  }

  knows(messageId: string): boolean {
    return this.entries.some((entry) => entry.type === 'queued' && entry.message.id === messageId);
  }

  /** Messages with a receipt that no model has answered yet. */
  unanswered(): string[] {
    const last = this.entries.findLastIndex((entry) => entry.type === 'assistant');
    return this.entries
      .slice(last + 1)
      .flatMap((entry) => (entry.type === 'user' && entry.from?.receipt ? entry.from.id : []));
  }

  /** Calls of the last assistant message that have no result. */
  openCalls(): { toolUseId: string; tool: string }[] {
    const last = this.entries.findLastIndex((entry) => entry.type === 'assistant');
    const entry = this.entries[last];
    if (entry?.type !== 'assistant') return [];
    const answered = new Set(
      this.entries.slice(last + 1).flatMap((one) => (one.type === 'tool' ? one.toolUseId : [])),
    );
    return toolCalls(entry.message)
      .filter((call) => !answered.has(call.toolCallId))
      .map((call) => ({ toolUseId: call.toolCallId, tool: call.toolName }));
  }

  /** Gives every open call a result that says why it has none: a model refuses a conversation with a gap. */
  repair(why: string): Entry[] {
    return this.openCalls().map((call) =>
      this.append({
        type: 'tool',
        ...call,
        output: { type: 'error-text', value: why },
        text: why,
        isError: true,
        at_ms: Date.now(),
      }),
    );
  }

  close(): void {
    closeSync(this.#fd);
  }

  #load(data: Buffer): void {
    if (data.length > CONVERSATION_BYTES_MAX) {
      throw new Error(
        `The conversation ${this.#path} is larger than ${CONVERSATION_BYTES_MAX} bytes. Start the agent with a fresh conversation.`,
      );
    }
    let start = 0;
    for (let end = data.indexOf(10); end >= 0; end = data.indexOf(10, start)) {
      this.entries.push(this.#parse(data.toString('utf8', start, end), this.entries.length + 1));
      start = end + 1;
    }
    // A line without an end was being written when the process was killed: nothing was done about it.
    if (start < data.length) ftruncateSync(this.#fd, start);
    this.#bytes = start;
  }

  #parse(line: string, number: number): Entry {
    try {
      const entry = JSON.parse(line) as Entry;
      if (entry.type === 'assistant') modelMessageSchema.parse(entry.message);
      else if (!TYPES.has(entry.type)) throw new Error(`unknown entry '${String(entry.type)}'`);
      return entry;
    } catch (error) {
      throw new Error(
        `Line ${number} of the conversation ${this.#path} is damaged. Correct that line, or start the agent with a fresh conversation.`,
        { cause: error },
      );
    }
  }
}

const TYPES: ReadonlySet<string> = new Set<Entry['type']>([
  'conversation',
  'queued',
  'cancelled',
  'user',
  'assistant',
  'tool',
  'turn',
]);
