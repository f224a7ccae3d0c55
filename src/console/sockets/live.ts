/** Sends what happens in the fleet to one browser: one message at a time, made by the outbox. */
import type { WebSocket } from 'ws';
import { z } from 'zod';
import type { Clock } from '../../host/clock.ts';
import { AetherError } from '../../host/errors.ts';
import { limits } from '../../host/limits.ts';
import type { Log } from '../../host/log.ts';
import type { Dispatcher } from '../../host/verbs/dispatch.ts';
import type { Asker } from '../../host/verbs/verb.ts';
import type { Session } from '../auth.ts';
import type { LiveMessage } from '../console-protocol.ts';
import { askerOf, type ConsoleContext } from '../context.ts';
import { failure } from '../failures.ts';
import { check } from '../input.ts';
import { callVerb } from '../verb-call.ts';
import type { AgentFeed } from './agent-feed.ts';
import { onJson, sendError } from './console-socket.ts';
import { LiveOutbox } from './live-outbox.ts';

const request = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('watch'),
    watch: z.int(),
    agent: z.string().max(200).nullable(),
    after: z.string().max(100).nullable(),
  }),
  z.strictObject({ type: z.literal('unwatch') }),
  z.strictObject({
    type: z.literal('call'),
    call: z.int(),
    verb: z.string().max(100),
    input: z.unknown().optional(),
    basis: z.unknown().optional(),
  }),
  z.strictObject({ type: z.literal('sign-out') }),
  z.strictObject({ type: z.literal('beat'), agent: z.string().max(200), generation: z.int() }),
]);

/** Events that happen together are told together. */
const GATHER_MS = 8;

export function serveLive(
  socket: WebSocket,
  context: ConsoleContext,
  feed: AgentFeed,
  session: Session,
): void {
  const { verbs, clock, log } = context;
  const asker = askerOf(session);
  const answer = answering(socket, context, session);
  const outbox = new LiveOutbox(verbs, asker, feed.views);
  const sender = new Sender(socket, clock, outbox, log);

  const following = verbs.stream(
    asker,
    'follow',
    {},
    {
      item: (event) => {
        if (outbox.happened(event)) sender.soon();
      },
      full: () => false,
      end: (error) => log.error({ err: error }, 'the events cannot be followed'),
    },
  );
  const unsubscribe = feed.subscribe((names) => {
    outbox.agentsChanged(names);
    sender.pump();
  });

  onJson(socket, log, (raw) => {
    const message = check(raw, request);
    if (message.type === 'beat') {
      const { agent, generation } = message;
      verbs.call(asker, 'leaseBeat', { agent, generation });
      return;
    }
    if (message.type === 'call') return void answer(message);
    if (message.type === 'sign-out') return context.auth.signOut(session);
    outbox.watch(null);
    if (message.type === 'unwatch') return;
    if (message.after !== null && !isOfThisLog(verbs, asker, message.after)) {
      const reset: LiveMessage = { type: 'reset', watch: message.watch };
      socket.send(JSON.stringify(reset));
      return;
    }
    outbox.watch({ watch: message.watch, agent: message.agent, after: message.after });
    sender.pump();
  });

  socket.on('close', () => {
    following.close();
    unsubscribe();
    sender.close();
  });
  sender.send(outbox.welcome(session.label, clock.now()));
}

/** Answers verbs as they are done, in any order. */
function answering(
  socket: WebSocket,
  context: ConsoleContext,
  session: Session,
): (asked: Extract<z.output<typeof request>, { type: 'call' }>) => Promise<void> {
  let open = 0;
  const send = (message: LiveMessage) => {
    if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(message));
  };
  return async ({ call, verb, input, basis }) => {
    open += 1;
    try {
      if (open > limits.control_requests_max) throw tooManyCalls();
      const output = await callVerb(context, session, verb, { input, basis });
      send({ type: 'answer', call, output });
    } catch (error) {
      send({ type: 'answer', call, error: failure(error, context.log).body.error });
    } finally {
      open -= 1;
    }
  };
}

function tooManyCalls(): AetherError {
  return new AetherError({
    code: 'console.busy',
    who: 'user',
    message: `This page already has ${limits.control_requests_max} requests in progress.`,
    next: 'Wait for some of them to be answered.',
  });
}

/** @throws AetherError `cursor.invalid` */
function isOfThisLog(verbs: Dispatcher, asker: Asker, after: string): boolean {
  try {
    verbs.call(asker, 'events', { after, limit: 1 });
    return true;
  } catch (error) {
    if (error instanceof AetherError && error.code === 'cursor.foreign') return false;
    throw error;
  }
}

/** Sends the messages of an outbox, each once the socket has taken the one before, and a beat while it is idle. */
class Sender {
  readonly #socket: WebSocket;
  readonly #clock: Clock;
  readonly #outbox: LiveOutbox;
  readonly #log: Log;
  #sending = false;
  #closed = false;
  #cancelGather: (() => void) | null = null;
  #cancelBeat: () => void;

  constructor(socket: WebSocket, clock: Clock, outbox: LiveOutbox, log: Log) {
    this.#socket = socket;
    this.#clock = clock;
    this.#outbox = outbox;
    this.#log = log;
    this.#cancelBeat = clock.after(limits.console_ping_ms, () => this.#beat());
  }

  pump(): void {
    if (this.#sending || this.#closed) return;
    let message: LiveMessage | null;
    try {
      message = this.#outbox.next();
    } catch (error) {
      sendError(this.#socket, error, this.#log);
      return;
    }
    if (message !== null) this.send(message);
  }

  soon(): void {
    this.#cancelGather ??= this.#clock.after(GATHER_MS, () => {
      this.#cancelGather = null;
      this.pump();
    });
  }

  send(message: LiveMessage): void {
    this.#sending = true;
    this.#socket.send(JSON.stringify(message), () => {
      this.#sending = false;
      this.pump();
    });
  }

  close(): void {
    this.#closed = true;
    this.#cancelGather?.();
    this.#cancelBeat();
  }

  #beat(): void {
    const message: LiveMessage = { type: 'beat', now_ms: this.#clock.now() };
    if (!this.#sending) this.#socket.send(JSON.stringify(message));
    this.#cancelBeat = this.#clock.after(limits.console_ping_ms, () => this.#beat());
  }
}
