/**
 * What one browser has not been sent yet. Only marks are kept: each message is made from the state at the time of
 * sending, and events are read from the log after the last one that was sent. So a slow reader costs one page of
 * memory, catches up, and neither misses an event nor gets one twice.
 */
import type { AgentView } from '../../host/api.ts';
import { limits } from '../../host/limits.ts';
import { cutText } from '../../host/text.ts';
import type { Dispatcher } from '../../host/verbs/dispatch.ts';
import type { Asker } from '../../host/verbs/verb.ts';
import { CONSOLE_PROTOCOL, type EventView, type LiveMessage, type Mail } from '../console-protocol.ts';

const PAGE_EVENTS = 200;
const MAIL_CHARS_MAX = 16 * 1024;

/** The events that a browser looks at: of one agent, or of all. */
export interface Watch {
  watch: number;
  agent: string | null;
  after: string | null;
}

export class LiveOutbox {
  readonly #verbs: Dispatcher;
  readonly #asker: Asker;
  readonly #views: ReadonlyMap<string, AgentView>;
  #watch: Watch | null = null;
  #agents = new Set<string>();
  readonly #due = { events: false, approvals: false, mail: false, memories: false, info: false };

  constructor(verbs: Dispatcher, asker: Asker, views: ReadonlyMap<string, AgentView>) {
    this.#verbs = verbs;
    this.#asker = asker;
    this.#views = views;
  }

  watch(watch: Watch | null): void {
    this.#watch = watch && { ...watch };
    this.#due.events = watch !== null;
  }

  agentsChanged(names: Iterable<string>): void {
    for (const name of names) this.#agents.add(name);
  }

  /** @returns whether there is anything to tell besides changes of agents. */
  happened(event: EventView): boolean {
    const due = this.#due;
    if (this.#watch && (this.#watch.agent === null || this.#watch.agent === event.agent)) due.events = true;
    if (event.topic.startsWith('approval.')) due.approvals = true;
    if (event.topic.startsWith('mail.')) due.mail = true;
    if (/^(memory|feedback)\./.test(event.topic)) due.memories = true;
    if (/^(config|host|agent)\./.test(event.topic)) due.info = true;
    return Object.values(due).includes(true);
  }

  /** The first message of a connection: all that there is. */
  welcome(you: string, now_ms: number): LiveMessage {
    const ask = this.#verbs;
    return {
      type: 'welcome',
      protocol: CONSOLE_PROTOCOL,
      you,
      now_ms,
      info: ask.call(this.#asker, 'info', {}),
      agents: ask.call(this.#asker, 'agents', {}),
      approvals: ask.call(this.#asker, 'approvals', { state: 'open' }),
      mail: this.#mail(),
    };
  }

  /** The next message; null when everything is told. */
  next(): LiveMessage | null {
    const due = this.#due;
    if (this.#agents.size > 0) {
      const names = [...this.#agents];
      this.#agents.clear();
      const agents = names.flatMap((name) => this.#views.get(name) ?? []);
      return { type: 'agents', agents, gone: names.filter((name) => !this.#views.has(name)) };
    }
    if (due.approvals) {
      due.approvals = false;
      const approvals = this.#verbs.call(this.#asker, 'approvals', { state: 'open' });
      return { type: 'approvals', approvals };
    }
    if (due.mail) {
      due.mail = false;
      return { type: 'mail', mail: this.#mail() };
    }
    if (due.memories) {
      due.memories = false;
      return { type: 'memories' };
    }
    if (due.info) {
      due.info = false;
      return { type: 'info', info: this.#verbs.call(this.#asker, 'info', {}) };
    }
    return due.events && this.#watch ? this.#page(this.#watch) : null;
  }

  #page(watch: Watch): LiveMessage | null {
    const page = this.#verbs.call(this.#asker, 'events', {
      limit: PAGE_EVENTS + 1,
      ...(watch.after === null ? {} : { after: watch.after }),
      ...(watch.agent === null ? {} : { agent: watch.agent }),
    });
    const events = firstBytes(page.slice(0, PAGE_EVENTS), limits.console_events_page_bytes_max);
    const more = events.length < page.length;
    this.#due.events = more;
    const last = events.at(-1);
    if (!last) return null;
    watch.after = last.cursor;
    return { type: 'events', watch: watch.watch, events, more };
  }

  #mail(): Mail {
    const { messages, unread } = this.#verbs.call(this.#asker, 'operatorMail', {});
    const cut = (body: string) =>
      body.length <= MAIL_CHARS_MAX
        ? body
        : `${cutText(body, { chars_max: MAIL_CHARS_MAX })}…\n\n\`aether mail\` shows all of it.`;
    return { messages: messages.map((message) => ({ ...message, body: cut(message.body) })), unread };
  }
}

/** The first events that fit, at least one. */
function firstBytes(events: EventView[], bytes_max: number): EventView[] {
  let bytes = 0;
  let count = 0;
  for (const event of events) {
    bytes += JSON.stringify(event).length;
    if (count > 0 && bytes > bytes_max) break;
    count += 1;
  }
  return events.slice(0, count);
}
