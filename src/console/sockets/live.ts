/**
 * What happens in the fleet, to one browser. The event log is the queue: a connection remembers the event it has
 * sent last and reads on from there whenever the socket has taken the page before, so a slow reader costs one page
 * of memory, catches up by itself, and can neither miss an event nor see it twice.
 */
import type { WebSocket } from 'ws';
import { z } from 'zod';
import { AetherError } from '../../host/errors.ts';
import { limits } from '../../host/limits.ts';
import { cutText } from '../../host/text.ts';
import { askerOf, type ConsoleContext } from '../context.ts';
import { check } from '../input.ts';
import type { SessionRecord } from '../session-store.ts';
import { CONSOLE_PROTOCOL, type EventView, type LiveMessage, type Mail } from '../wire.ts';
import type { AgentFeed } from './agent-feed.ts';
import { onJson, sendError } from './console-socket.ts';

const request = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('watch'),
    watch: z.int(),
    agent: z.string().max(200).nullable(),
    after: z.string().max(100).nullable(),
  }),
  z.strictObject({ type: z.literal('unwatch') }),
  z.strictObject({ type: z.literal('beat'), agent: z.string().max(200), generation: z.int() }),
]);

/** Events that happen together are told together. */
const GATHER_MS = 8;
const PAGE_EVENTS = 200;
const MAIL_CHARS_MAX = 16 * 1024;

interface Watch {
  watch: number;
  agent: string | null;
  after: string | null;
}

export function serveLive(
  socket: WebSocket,
  { verbs, clock, log }: ConsoleContext,
  feed: AgentFeed,
  session: SessionRecord,
): void {
  const asker = askerOf(session);
  let watch: Watch | null = null;
  let changedAgents = new Set<string>();
  const dirty = { events: false, approvals: false, mail: false, info: false };
  /** One message is on its way at a time; what happens meanwhile is only marked. */
  let sending = false;
  let cancelGather: (() => void) | null = null;
  let cancelBeat: (() => void) | null = null;
  let closed = false;

  /** @throws AetherError `cursor.invalid` */
  function isOfThisLog(after: string): boolean {
    try {
      verbs.call(asker, 'events', { after, limit: 1 });
      return true;
    } catch (error) {
      if (error instanceof AetherError && error.code === 'cursor.foreign') return false;
      throw error;
    }
  }

  function mail(): Mail {
    const { messages, unread } = verbs.call(asker, 'operatorMail', {});
    const cut = (body: string) =>
      body.length <= MAIL_CHARS_MAX
        ? body
        : `${cutText(body, { chars_max: MAIL_CHARS_MAX })}…\n\n\`aether mail\` shows all of it.`;
    return { messages: messages.map((message) => ({ ...message, body: cut(message.body) })), unread };
  }

  function next(): LiveMessage | null {
    if (changedAgents.size > 0) {
      const names = [...changedAgents];
      changedAgents = new Set();
      const agents = names.flatMap((name) => feed.views.get(name) ?? []);
      return { type: 'agents', agents, gone: names.filter((name) => !feed.views.has(name)) };
    }
    if (dirty.approvals) {
      dirty.approvals = false;
      return { type: 'approvals', approvals: verbs.call(asker, 'approvals', { state: 'open' }) };
    }
    if (dirty.mail) {
      dirty.mail = false;
      return { type: 'mail', mail: mail() };
    }
    if (dirty.info) {
      dirty.info = false;
      return { type: 'info', info: verbs.call(asker, 'info', {}) };
    }
    if (dirty.events && watch) {
      const page = verbs.call(asker, 'events', {
        limit: PAGE_EVENTS + 1,
        ...(watch.after === null ? {} : { after: watch.after }),
        ...(watch.agent === null ? {} : { agent: watch.agent }),
      });
      const events = firstBytes(page.slice(0, PAGE_EVENTS), limits.console_events_page_bytes_max);
      const last = events.at(-1);
      const more = events.length < page.length;
      dirty.events = more;
      if (last) {
        watch.after = last.cursor;
        return { type: 'events', watch: watch.watch, events, more };
      }
    }
    return null;
  }

  function pump(): void {
    if (sending || closed) return;
    let message: LiveMessage | null;
    try {
      message = next();
    } catch (error) {
      sendError(socket, error, log);
      return;
    }
    if (message === null) return;
    send(message);
  }

  function send(message: LiveMessage): void {
    sending = true;
    socket.send(JSON.stringify(message), () => {
      sending = false;
      pump();
    });
  }

  function soon(): void {
    cancelGather ??= clock.after(GATHER_MS, () => {
      cancelGather = null;
      pump();
    });
  }

  function heard(event: EventView): void {
    if (watch && (watch.agent === null || watch.agent === event.agent)) dirty.events = true;
    if (event.topic.startsWith('approval.')) dirty.approvals = true;
    if (event.topic.startsWith('mail.')) dirty.mail = true;
    if (/^(config|host|agent)\./.test(event.topic)) dirty.info = true;
    if (Object.values(dirty).includes(true)) soon();
  }
  const following = verbs.stream(
    asker,
    'follow',
    {},
    {
      item: heard,
      full: () => false,
      end: (error) => log.error({ err: error }, 'the events cannot be followed'),
    },
  );
  const unsubscribe = feed.subscribe((names) => {
    for (const name of names) changedAgents.add(name);
    pump();
  });

  onJson(socket, log, (raw) => {
    const message = check(raw, request);
    if (message.type === 'beat') {
      const { agent, generation } = message;
      verbs.call(asker, 'leaseBeat', { agent, generation });
      return;
    }
    watch = null;
    if (message.type === 'unwatch') return;
    if (message.after !== null && !isOfThisLog(message.after)) {
      const reset: LiveMessage = { type: 'reset', watch: message.watch };
      socket.send(JSON.stringify(reset));
      return;
    }
    watch = { watch: message.watch, agent: message.agent, after: message.after };
    dirty.events = true;
    pump();
  });

  const beat = (): void => {
    const message: LiveMessage = { type: 'beat', now_ms: clock.now() };
    if (!sending) socket.send(JSON.stringify(message));
    cancelBeat = clock.after(limits.console_ping_ms, beat);
  };
  cancelBeat = clock.after(limits.console_ping_ms, beat);

  socket.on('close', () => {
    closed = true;
    following.close();
    unsubscribe();
    cancelGather?.();
    cancelBeat?.();
  });

  const welcome: LiveMessage = {
    type: 'welcome',
    protocol: CONSOLE_PROTOCOL,
    you: session.label,
    now_ms: clock.now(),
    info: verbs.call(asker, 'info', {}),
    agents: verbs.call(asker, 'agents', {}),
    approvals: verbs.call(asker, 'approvals', { state: 'open' }),
    mail: mail(),
  };
  send(welcome);
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
