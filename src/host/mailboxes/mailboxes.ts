/**
 * Mail between agents, outside clients and the operator: durable, read until acknowledged. A mailbox is named
 * by its principal; people and models also write the bare name of an agent.
 */
import type { MessageView, Principal } from '../api.ts';
import type { Clock } from '../clock.ts';
import { AetherError, nearest } from '../errors.ts';
import type { Events } from '../events/events.ts';
import type { Ids } from '../ids.ts';
import { limits } from '../limits.ts';
import { OPERATOR } from '../principals.ts';
import type { Actor } from '../shapes.ts';
import { MessageTable } from '../store/messages.ts';
import type { Store } from '../store/store.ts';
import { cutText } from '../text.ts';

const INBOX_DEFAULT = 20;

export interface NewMessage {
  /** An agent's name, 'operator', 'client:NAME', or a principal as `from` shows it. */
  to: string;
  subject: string;
  body: string;
  /** Id of a message that the sender sent or received. */
  replyTo?: string;
}

export class Mailboxes {
  readonly #store: Store;
  readonly #table: MessageTable;
  readonly #clock: Clock;
  readonly #ids: Ids;
  readonly #events: Pick<Events, 'append'>;
  /** Spares a write per call; the table is the truth. */
  readonly #seen: Set<string>;

  constructor(options: { store: Store; clock: Clock; ids: Ids; events: Pick<Events, 'append'> }) {
    this.#store = options.store;
    this.#table = new MessageTable(options.store);
    this.#clock = options.clock;
    this.#ids = options.ids;
    this.#events = options.events;
    this.#seen = new Set(this.#table.clients());
  }

  /** Remembers that an outside client was here: from now on it has a mailbox. */
  clientSeen(name: string): void {
    if (this.#seen.has(name)) return;
    this.#table.clientSeen(name, this.#clock.now());
    this.#seen.add(name);
  }

  /**
   * Delivers at once: the message is in the recipient's mailbox when this returns.
   * @param agents names of the agents that exist
   * @param via the senders that the sender follows at this moment, besides itself
   */
  send(by: Actor, input: NewMessage, agents: readonly string[], via: readonly Principal[] = []): MessageView {
    const from = by.principal;
    const to = this.#recipient(input.to, agents);
    if (input.subject.trim() === '' || input.subject.length > limits.mail_subject_chars_max) {
      throw new AetherError({
        code: 'mail.subject',
        who: 'agent',
        message: `A subject has 1 to ${limits.mail_subject_chars_max} characters; this one has ${input.subject.length}.`,
        next: 'Say in a few words what it is about; the rest goes in the body.',
      });
    }
    const bytes = Buffer.byteLength(input.body);
    if (bytes > limits.mail_body_bytes_max) {
      throw new AetherError({
        code: 'mail.too-long',
        who: 'agent',
        message: `The body has ${bytes} bytes; a message holds ${limits.mail_body_bytes_max}.`,
        next: 'Write it to a file both can read and send the path, or send it in parts.',
      });
    }
    return this.#store.transaction(() => {
      if (input.replyTo !== undefined) this.#checkReply(from, input.replyTo);
      if (this.#table.countUnread(to) >= limits.mail_unread_max) {
        throw new AetherError({
          code: 'mail.full',
          who: 'agent',
          message: `The mailbox of ${to} holds ${limits.mail_unread_max} messages nobody has acknowledged.`,
          next: 'Wait until it has been read, or tell the operator.',
        });
      }
      const now = this.#clock.now();
      const message: MessageView = {
        id: this.#ids.uuid(now),
        from,
        to,
        subject: input.subject,
        body: input.body,
        replyTo: input.replyTo ?? null,
        sent_ms: now,
        acked_ms: null,
      };
      this.#table.insert(message, via);
      const data = { message, ...(via.length === 0 ? {} : { via: [...via] }) };
      this.#events.append({ topic: 'mail.sent', ...by, grade: 'enforced', data });
      return message;
    });
  }

  /**
   * Unread messages, oldest first; with `unreadOnly: false` the newest messages, newest first.
   * @param input.limit 1 to limits.mail_inbox_max, default 20
   */
  inbox(
    owner: Principal,
    input: { unreadOnly?: boolean; limit?: number },
  ): { messages: MessageView[]; unread: number } {
    const limit = Math.min(Math.max(1, Math.trunc(input.limit ?? INBOX_DEFAULT)), limits.mail_inbox_max);
    const messages =
      input.unreadOnly === false ? this.#table.newest(owner, limit) : this.#table.unread(owner, limit);
    return { messages, unread: this.#table.countUnread(owner) };
  }

  /** The senders behind a message: its own, and those that its sender followed. */
  wordsOf({ id, from }: MessageView): Principal[] {
    return [from, ...this.#table.via(id)];
  }

  unread(owner: Principal): number {
    return this.#table.countUnread(owner);
  }

  /**
   * Marks messages as dealt with. All or nothing; acknowledging twice is the same as once.
   * @param owner whose mailbox they are in
   */
  ack(by: Actor, ids: readonly string[], owner = by.principal): { acked: string[]; already: string[] } {
    if (ids.length === 0 || ids.length > limits.mail_ack_ids_max) {
      throw new AetherError({
        code: 'mail.ack-count',
        who: 'agent',
        message: `1 to ${limits.mail_ack_ids_max} messages can be acknowledged at once; ${ids.length} were named.`,
        next: 'Name the ids that the inbox returned.',
      });
    }
    return this.#store.transaction(() => {
      const now = this.#clock.now();
      const acked: string[] = [];
      const already: string[] = [];
      for (const id of new Set(ids)) {
        const message = this.#table.get(id);
        if (message === null || message.to !== owner) {
          throw new AetherError({
            code: 'mail.unknown',
            who: 'agent',
            message: `No message with the id ${JSON.stringify(cutText(id, { chars_max: 64 }))} is in your mailbox; none was acknowledged.`,
            next: 'Use the ids exactly as the inbox returned them.',
          });
        }
        if (message.acked_ms === null) {
          this.#table.ack(id, now);
          acked.push(id);
        } else already.push(id);
      }
      if (acked.length > 0)
        this.#events.append({ topic: 'mail.acked', ...by, grade: 'enforced', data: { ids: acked } });
      return { acked, already };
    });
  }

  #checkReply(from: Principal, id: string): void {
    const message = this.#table.get(id);
    if (message !== null && (message.to === from || message.from === from)) return;
    throw new AetherError({
      code: 'mail.unknown',
      who: 'agent',
      message: `replyTo names ${JSON.stringify(cutText(id, { chars_max: 64 }))}, which is not one of your messages.`,
      next: 'Use the id of a message from your inbox, or leave replyTo out.',
    });
  }

  #recipient(to: string, agents: readonly string[]): Principal {
    const name = to.trim();
    if (name === OPERATOR) return OPERATOR;
    if (agents.includes(name)) return `agent:${name}`;
    const [kind, ...rest] = name.split(':');
    const bare = rest.join(':');
    if (kind === 'agent' && agents.includes(bare)) return `agent:${bare}`;
    if (kind === 'client' && this.#seen.has(bare)) return `client:${bare}`;
    const known = [...agents, OPERATOR, ...[...this.#seen].map((client) => `client:${client}`)];
    const near = nearest(name.replace(/^agent:/, ''), known);
    throw new AetherError({
      code: 'mail.recipient',
      who: 'agent',
      message: `No agent here is called ${JSON.stringify(cutText(name, { chars_max: 100 }))}; the message was not sent.`,
      next:
        near.length > 0
          ? `Did you mean ${near.join(' or ')}?`
          : `Send it to one of: ${known.slice(0, 20).join(', ')}${known.length > 20 ? ', …' : ''}.`,
    });
  }
}
