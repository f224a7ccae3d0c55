/**
 * The one live connection. Reconnects by itself with backoff, says since when what is shown is old, and after a
 * reconnect continues the watched agent's events from the last event the page has: nothing lost, nothing twice.
 */
import { batch } from '@preact/signals';
import {
  CONSOLE_PROTOCOL,
  type EventView,
  type LiveMessage,
  type LiveRequest,
  type WireError,
} from '../../console-protocol.ts';
import { answered, connectCalls } from './api.ts';
import { setHostTime } from './clock.ts';
import { openProven } from './proven-socket.ts';
import { agents, approvals, connection, info, isMine, mail, memoryChanges, you } from './store.ts';

/** The server says something at least every 15 s; twice that and a bit of silence means the line is dead. */
const SILENCE_MS = 35_000;
const BACKOFF_MS_MAX = 5_000;
/** How often the holder of a terminal says that it is still there. */
const BEAT_MS = 10_000;

export interface Watcher {
  agent: string;
  /** Cursor of the event after which they are wanted; null: from the first. */
  after(): string | null;
  events(events: EventView[], more: boolean): void;
  /** The log is another one than before. */
  reset(): void;
}

let socket: WebSocket | null = null;
let watcher: Watcher | null = null;
let watchId = 0;
let attempts = 0;
let lastHeard = 0;
let retry: ReturnType<typeof setTimeout> | null = null;
const wakeListeners = new Set<() => void>();

export function startLink(): void {
  connect();
  addEventListener('online', connectNow);
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) connectNow();
  });
  setInterval(() => {
    if (socket?.readyState === WebSocket.OPEN && Date.now() - lastHeard > SILENCE_MS) socket.close();
  }, 5_000);
  setInterval(() => {
    for (const agent of agents.value.values()) {
      if (agent.lease && isMine(agent)) {
        send({ type: 'beat', agent: agent.name, generation: agent.lease.generation });
      }
    }
  }, BEAT_MS);
}

/** Events of one agent at a time; null ends it. */
export function watch(next: Watcher | null): void {
  watcher = next;
  if (next) sendWatch();
  else {
    watchId += 1;
    send({ type: 'unwatch' });
  }
}

/** Also after a browser's own wish to try again. */
export function connectNow(): void {
  if (socket !== null || retry === null) return;
  clearTimeout(retry);
  connect();
}

function connect(): void {
  retry = null;
  lastHeard = Date.now();
  const opened = openProven('/ws', {
    open: () => {
      lastHeard = Date.now();
      connectCalls(send);
    },
    message: (data) => {
      if (socket !== opened) return;
      if (connection.value.phase === 'live' && Date.now() - lastHeard > SILENCE_MS) return wake(opened);
      lastHeard = Date.now();
      receive(JSON.parse(data as string) as LiveMessage);
    },
    refused: (error) => {
      connection.value = { phase: 'signed-out', error };
    },
    close: (proven) => {
      if (socket !== opened) return;
      socket = null;
      connectCalls(null);
      void lost(proven);
    },
  });
  socket = opened;
}

/**
 * The page slept. What it slept through would come piece by piece, each as if it were the present; a new connection
 * begins with all that there is.
 */
function wake(asleep: WebSocket): void {
  connection.value = { phase: 'lost', since_ms: lastHeard };
  connectCalls(null);
  connect();
  asleep.close();
  for (const listener of wakeListeners) listener();
}

/** @returns unsubscribe */
export function onWake(listener: () => void): () => void {
  wakeListeners.add(listener);
  return () => wakeListeners.delete(listener);
}

/** Connecting again would change nothing. */
function ended(): boolean {
  return connection.value.phase === 'outdated' || connection.value.phase === 'signed-out';
}

/** @param proven it was the host that answered until now */
async function lost(proven: boolean): Promise<void> {
  if (ended()) return;
  if (connection.value.phase === 'live') connection.value = { phase: 'lost', since_ms: Date.now() };
  if (!proven) {
    // A refused upgrade looks like any other failure to a page; an ordinary request tells which it was.
    const error = await oldAddress();
    if (error !== null) connection.value = { phase: 'signed-out', error };
    else if (connection.value.phase === 'connecting')
      connection.value = { phase: 'lost', since_ms: Date.now() };
  }
  if (ended()) return;
  const wait_ms = Math.min(BACKOFF_MS_MAX, 200 * 2 ** attempts) * (0.75 + Math.random() / 2);
  attempts += 1;
  retry = setTimeout(connect, wait_ms);
}

/** What a host says to a page of an earlier start; null where nothing, or another thing, answers. Sends nothing. */
async function oldAddress(): Promise<WireError | null> {
  try {
    const answer = (await (await fetch('/api/address')).json()) as { error?: WireError };
    return answer.error?.code === 'console.old-address' ? answer.error : null;
  } catch {
    return null; // nothing answers
  }
}

function receive(message: LiveMessage): void {
  batch(() => {
    switch (message.type) {
      case 'welcome':
        if (message.protocol !== CONSOLE_PROTOCOL) {
          connection.value = { phase: 'outdated' };
          socket?.close();
          return;
        }
        attempts = 0;
        setHostTime(message.now_ms);
        you.value = message.you;
        info.value = message.info;
        agents.value = new Map(message.agents.map((agent) => [agent.name, agent]));
        approvals.value = message.approvals;
        mail.value = message.mail;
        connection.value = { phase: 'live' };
        memoryChanges.value += 1;
        sendWatch();
        return;
      case 'agents': {
        const next = new Map(agents.value);
        for (const agent of message.agents) next.set(agent.name, agent);
        for (const name of message.gone) next.delete(name);
        agents.value = next;
        return;
      }
      case 'approvals':
        approvals.value = message.approvals;
        return;
      case 'mail':
        mail.value = message.mail;
        return;
      case 'memories':
        memoryChanges.value += 1;
        return;
      case 'info':
        info.value = message.info;
        return;
      case 'events':
        if (message.watch === watchId) watcher?.events(message.events, message.more);
        return;
      case 'reset':
        if (message.watch === watchId) watcher?.reset();
        return;
      case 'answer':
        answered(message);
        return;
      case 'beat':
        setHostTime(message.now_ms);
        return;
      case 'error':
        console.error('the console server refused a message', message.error);
    }
  });
}

/** A new number each time: a page that answers an earlier watch must not be taken for this one's. */
function sendWatch(): void {
  watchId += 1;
  if (watcher) send({ type: 'watch', watch: watchId, agent: watcher.agent, after: watcher.after() });
}

/** The session ends; the host then closes its sockets. */
export function sendSignOut(): void {
  send({ type: 'sign-out' });
}

function send(message: LiveRequest): void {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}
