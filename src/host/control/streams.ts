/**
 * The streams of the control socket. Each is driven by the reader: when the socket is full a stream stops and
 * goes on from the event log, the journal or a set of dirty names, so a slow reader costs the host no memory
 * and loses nothing.
 */
import { z } from 'zod';
import type { EventView, HostApi, TerminalViewer } from '../api.ts';
import { AetherError } from '../errors.ts';
import { limits } from '../limits.ts';
import { cutText } from '../text.ts';
import { parseArguments } from './verbs.ts';
import type { AgentsChange, ControlStreams, FollowFilter, TerminalItem } from './wire.ts';

/** What a stream has of its connection. */
export interface StreamSink {
  item(value: unknown): void;
  /** True while the connection has more unsent than it should. */
  full(): boolean;
  /** The stream ends; undefined error: it is complete. */
  end(error?: unknown): void;
}

export interface OpenStream {
  /** The connection has room again. */
  drained(): void;
  close(): void;
}

type Opener = (host: HostApi, args: unknown[], sink: StreamSink) => OpenStream;

/** Small enough that one page of large events stays near the connection's buffer. */
const PAGE = 100;

const topics = z.array(z.string().max(100)).max(50).optional();
const agent = z.string().min(1).max(200).optional();

const followShape = z.tuple([z.strictObject({ after: z.int().min(0).optional(), agent, topics })]);
const logsShape = z.tuple([
  z.strictObject({
    agent,
    topics,
    last: z.int().min(0).max(limits.events_page_max),
    follow: z.boolean(),
  }),
]);

const openers: Record<keyof ControlStreams, Opener> = {
  follow(host, args, sink) {
    const [filter] = parseArguments(followShape, args);
    return followEvents(host, filter, filter.after ?? newestSeq(host), sink);
  },

  logs(host, args, sink) {
    const [{ last, follow, ...filter }] = parseArguments(logsShape, args);
    // Before the page is read: what is appended while it is sent comes after it.
    const from = newestSeq(host);
    const rows = last > 0 ? host.events({ ...filter, last: true, limit: last }) : [];
    for (const event of rows) sink.item(event);
    if (!follow) {
      sink.end();
      return { drained: () => undefined, close: () => undefined };
    }
    return followEvents(host, filter, Math.max(from, rows.at(-1)?.seq ?? 0), sink);
  },

  followAgents(host, args, sink) {
    parseArguments(z.tuple([]), args);
    const dirty = new Set<string>();
    const send = (change: AgentsChange) => sink.item(change);
    const unsubscribe = host.followAgents((names) => {
      for (const name of names) dirty.add(name);
      if (!sink.full()) flush();
    });
    function flush(): void {
      if (dirty.size === 0) return;
      const views = new Map(host.agents().map((view) => [view.name, view]));
      const names = [...dirty];
      dirty.clear();
      send({
        agents: names.flatMap((name) => views.get(name) ?? []),
        removed: names.filter((name) => !views.has(name)),
      });
    }
    send({ agents: host.agents(), removed: [] });
    return { drained: flush, close: unsubscribe };
  },

  terminal(host, args, sink) {
    const [name] = parseArguments(z.tuple([z.string().min(1).max(200)]), args);
    const send = (item: TerminalItem) => sink.item(item);
    // Live bytes may arrive before terminalView() has returned the replay that comes first.
    let early: TerminalItem[] | null = [];
    let paused = false;
    let viewer: TerminalViewer | null = null;
    const live = (item: TerminalItem) => {
      if (early) early.push(item);
      else send(item);
      if (!paused && viewer && sink.full()) {
        paused = true;
        viewer.pause();
      }
    };
    viewer = host.terminalView(
      name,
      ({ data, ...place }) => live({ kind: 'chunk', ...place, data: data.toString('base64') }),
      (info) => live({ kind: 'reset', info }),
    );
    const opened = viewer;
    send({ kind: 'replay', data: opened.replay.toString('base64'), info: opened.info });
    for (const item of early) send(item);
    early = null;
    return {
      drained() {
        if (!paused) return;
        paused = false;
        opened.resume();
      },
      close: () => opened.close(),
    };
  },
};

export function openerOf(verbName: string): Opener | undefined {
  return Object.hasOwn(openers, verbName) ? openers[verbName as keyof ControlStreams] : undefined;
}

type EventFilter = Pick<FollowFilter, 'agent' | 'topics'>;

function newestSeq(host: HostApi): number {
  return host.events({ last: true, limit: 1 }).at(-1)?.seq ?? 0;
}

/**
 * Every event after `after`, once, in order. A live event is only the sign to read on: the rows themselves
 * always come from the log, so what is sent cannot differ from what was kept.
 */
function followEvents(host: HostApi, filter: EventFilter, after: number, sink: StreamSink): OpenStream {
  let position = after;
  let scheduled = false;
  let closed = false;

  const matches = (event: EventView) =>
    (filter.agent === undefined || event.agent === filter.agent) &&
    (filter.topics === undefined ||
      filter.topics.length === 0 ||
      filter.topics.some((prefix) => event.topic.startsWith(prefix)));

  function schedule(): void {
    if (scheduled || closed) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      if (!closed) readOn();
    });
  }
  function readOn(): void {
    if (sink.full()) return; // drained() comes back here
    try {
      const page = host.events({ ...filter, after: position, limit: PAGE });
      for (const event of page) {
        position = event.seq;
        sink.item(event);
      }
      if (page.length === PAGE) schedule(); // the host does other things between pages
    } catch (error) {
      stop();
      sink.end(error);
    }
  }
  const unsubscribe = host.follow((event) => {
    if (matches(event)) schedule();
  });
  function stop(): void {
    closed = true;
    unsubscribe();
  }
  schedule();
  return { drained: schedule, close: stop };
}

/** Refusal of a name that is neither a verb nor a stream. */
export function unknownVerb(verbName: string): AetherError {
  return new AetherError({
    code: 'control.verb',
    who: 'user',
    message: `The control socket knows no verb ${JSON.stringify(cutText(verbName, { chars_max: 100 }))}.`,
    next: 'Use the `aether` command of the same version as the host.',
  });
}
