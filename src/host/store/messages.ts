/**
 * SQL of `messages` and of `clients`, the outside clients that have been here and may be written to.
 * Sender and recipient are principals ('agent:NAME', 'client:NAME', 'operator', 'host').
 */
import type { MessageView, Principal } from '../api.ts';
import { toJson } from './json.ts';
import type { Readable } from './reader.ts';
import { DAY_MS, defineTable } from './table.ts';

export const messages = defineTable({
  name: 'messages',
  leaves: { kept_ms: ({ events_days }) => events_days * DAY_MS, over: 'acked_ms < @before_ms' },
});

export const clients = defineTable({ name: 'clients', leaves: 'never' });

interface Row {
  ordinal: number;
  id: string;
  sender: string;
  recipient: string;
  subject: string;
  body: string;
  reply_to: string | null;
  sent_ms: number;
  acked_ms: number | null;
  via: string | null;
}

export class MessageTable {
  readonly #insert;
  readonly #get;
  readonly #inbox;
  readonly #unread;
  readonly #ack;
  readonly #seen;
  readonly #clients;

  constructor(store: Readable) {
    const { db } = store;
    this.#insert = db.prepare(
      `INSERT INTO messages (id, sender, recipient, subject, body, reply_to, sent_ms, via)
       VALUES (@id, @from, @to, @subject, @body, @replyTo, @sent_ms, @via)`,
    );
    this.#get = db.prepare<[string], Row>('SELECT * FROM messages WHERE id = ?');
    this.#inbox = {
      unread: db.prepare<[string, number], Row>(
        'SELECT * FROM messages WHERE recipient = ? AND acked_ms IS NULL ORDER BY ordinal LIMIT ?',
      ),
      all: db.prepare<[string, number], Row>(
        'SELECT * FROM messages WHERE recipient = ? ORDER BY ordinal DESC LIMIT ?',
      ),
    };
    this.#unread = db
      .prepare<[string], number>('SELECT count(*) FROM messages WHERE recipient = ? AND acked_ms IS NULL')
      .pluck();
    this.#ack = db.prepare<[number, string]>('UPDATE messages SET acked_ms = ? WHERE id = ?');
    this.#seen = db.prepare<[string, number]>(
      'INSERT INTO clients (name, first_ms) VALUES (?, ?) ON CONFLICT DO NOTHING',
    );
    this.#clients = db.prepare<[], string>('SELECT name FROM clients ORDER BY name').pluck();
  }

  /** @param via the senders that its sender followed, besides itself */
  insert(message: MessageView, via: readonly Principal[]): void {
    this.#insert.run({ ...message, via: via.length === 0 ? null : toJson(via) });
  }

  via(id: string): Principal[] {
    const via = this.#get.get(id)?.via ?? null;
    return via === null ? [] : (JSON.parse(via) as Principal[]);
  }

  get(id: string): MessageView | null {
    const row = this.#get.get(id);
    return row === undefined ? null : toView(row);
  }

  /** The oldest messages that have not been acknowledged, oldest first. */
  unread(recipient: string, limit: number): MessageView[] {
    return this.#inbox.unread.all(recipient, limit).map(toView);
  }

  /** The newest messages, read or not, newest first. */
  newest(recipient: string, limit: number): MessageView[] {
    return this.#inbox.all.all(recipient, limit).map(toView);
  }

  countUnread(recipient: string): number {
    return this.#unread.get(recipient) ?? 0;
  }

  ack(id: string, at_ms: number): void {
    this.#ack.run(at_ms, id);
  }

  clientSeen(name: string, at_ms: number): void {
    this.#seen.run(name, at_ms);
  }

  clients(): string[] {
    return this.#clients.all();
  }
}

function toView(row: Row): MessageView {
  return {
    id: row.id,
    from: row.sender as Principal,
    to: row.recipient,
    subject: row.subject,
    body: row.body,
    replyTo: row.reply_to,
    sent_ms: row.sent_ms,
    acked_ms: row.acked_ms,
  };
}
