/**
 * The driver of one OpenClaw: `main --settings FILE`. It starts the gateway, speaks to it over its WebSocket, and speaks
 * in lines to the host. It stands beside the gateway under the shim, and not in the host, so that it outlives the host:
 * what it says is in the run's journal, and a call that waits for an answer waits for the next host's. When its input
 * ends it ends every turn, then the gateway, then itself.
 */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { Asks } from './asks.ts';
import { type Payload, record } from './blocks.ts';
import { Channel } from './channel.ts';
import { Conversation } from './conversation.ts';
import { Door } from './door.ts';
import {
  DRIVER_PROTOCOL,
  type DriverRequest,
  type DriverSettings,
  type PluginNotice,
} from './driver-protocol.ts';
import { Gateway } from './gateway.ts';
import { readRequest, write } from './lines.ts';
import { Recall } from './recall.ts';
import { abortAll } from './stop.ts';

/** Of a gateway whose turns are ended, for what it still writes down. */
const GATEWAY_STOP_MS = 1_500;
const ABORT_MS = 1_500;
/** Of a gateway whose connection broke because it died. */
const DEATH_SEEN_MS = 300;
const EXIT_FAILED = 1;
const STALE = 'OpenClaw went on by itself with what was cut off before it was started: that turn is ended.';
const OVER = 'The agent is being stopped.';

class Driver {
  readonly #settings: DriverSettings;
  readonly #version: string;
  readonly #gateway: Gateway;
  readonly #conversation: Conversation;
  readonly #asks: Asks;
  readonly #recall: Recall;
  #channel: Channel | null = null;
  #door: Door | null = null;
  /** Requests that came before it was ready. */
  #early: DriverRequest[] | null = [];
  #ending: Promise<number> | null = null;
  /** Null: the gateway is withheld from every model. */
  #begun: Promise<void> | null = null;

  constructor(settings: DriverSettings, version: string) {
    this.#settings = settings;
    this.#version = version;
    this.#gateway = new Gateway(settings, {
      notice: (notice) => this.#noticed(notice),
      ended: (why) => this.#fail(why),
    });
    this.#conversation = new Conversation(settings, {
      emit: write,
      channel: () => this.#connected(),
      begin: () => this.#begin(),
    });
    const own = settings.sessionKey;
    this.#asks = new Asks(
      settings.permissions,
      { own, workspace: process.cwd() },
      {
        emit: write,
        answer: (id, refusal) => this.#gateway.tell({ type: 'answer', id, refusal }),
        abort: async (key) => {
          await this.#connected().call('sessions.abort', { key: key ?? own });
        },
        waiting: (tool) => this.#conversation.asking(tool),
      },
    );
    this.#recall = new Recall(own, {
      emit: write,
      answer: (id, text) => this.#gateway.tell({ type: 'context', id, text }),
    });
  }

  #connected(): Channel {
    if (this.#channel === null) throw new Error('the gateway is not connected');
    return this.#channel;
  }

  async start(): Promise<void> {
    const gateway = await this.#gateway.start();
    const channel = new Channel(gateway, this.#version, {
      event: (name, payload) => {
        if (this.#begun !== null) this.#conversation.event(name, payload);
        else this.#endStale(name, payload);
      },
      lost: (why) => this.#again(why),
    });
    this.#channel = channel;
    await channel.connect();
    const { resumed, session } = this.#settings;
    if (resumed) await abortAll(channel, this.#settings.sessionKey);
    else await this.#begin();
    await this.#conversation.open(resumed);
    this.#door = new Door(gateway);
    write({ kind: 'door', port: await this.#door.listen() });
    write({ kind: 'session', session });
    write({ kind: 'ready' });
    this.#conversation.idle('the gateway is ready');
    const early = this.#early ?? [];
    this.#early = null;
    for (const request of early) this.#perform(request);
  }

  /**
   * The gateway would go on by itself with what a dead one was doing. It reaches no model until the first message, or
   * the first terminal, and what it has begun until then is ended.
   */
  #begin(): Promise<void> {
    this.#begun ??= (async () => {
      if (this.#settings.resumed) await abortAll(this.#connected(), this.#settings.sessionKey);
      this.#gateway.tell({ type: 'open' });
    })();
    return this.#begun;
  }

  #endStale(name: string, payload: Payload): void {
    const { sessionKey, stream, data } = payload;
    if (name !== 'agent' || stream !== 'lifecycle' || record(data).phase !== 'start') return;
    if (typeof sessionKey !== 'string') return;
    this.#try('end what it went on with', async () => {
      await this.#connected().call('sessions.abort', { key: sessionKey, clearQueued: true });
      write({ kind: 'note', level: 'info', text: STALE });
    });
  }

  /** The connection broke and the gateway lives: it is made again. */
  #again(why: string): void {
    if (this.#ending !== null) return;
    write({
      kind: 'note',
      level: 'warn',
      text: `The gateway's connection broke (${why}): it is made again.`,
    });
    this.#connectAgain().catch((error: Error) =>
      this.#fail(`The gateway takes no connection any more: ${error.message}`),
    );
  }

  /** Only to a gateway that lives: the port of a dead one may be another program's. */
  async #connectAgain(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, DEATH_SEEN_MS));
    if (!this.#gateway.isAlive) return;
    await this.#connected().connect();
    await this.#conversation.listen();
  }

  #noticed(notice: PluginNotice): void {
    switch (notice.type) {
      case 'ask':
        if (this.#ending !== null) this.#gateway.tell({ type: 'answer', id: notice.id, refusal: OVER });
        else {
          this.#conversation.called(notice);
          this.#asks.asked(notice);
        }
        break;
      case 'left':
        this.#asks.left(notice.id);
        break;
      case 'past':
        this.#conversation.past(notice.id);
        break;
      case 'result':
        this.#conversation.answered(notice.toolUseId, notice.text, notice.isError);
        break;
      case 'request':
        if (this.#begun !== null) this.#conversation.requested(notice.sessionKey, notice.began);
        break;
      case 'prompt':
        // Of a turn that is ended before it reaches a model, nothing is asked.
        if (this.#begun === null) this.#gateway.tell({ type: 'context', id: notice.id, text: null });
        else this.#recall.prompt(notice.id, notice.sessionKey, notice.prompt);
        break;
      case 'compacted':
        this.#recall.compacted(notice.sessionKey);
        break;
      case 'subagent':
        this.#conversation.subagent(notice.key, notice.what, notice.label);
        break;
      default:
        break;
    }
  }

  perform(request: DriverRequest): void {
    if (this.#early === null) this.#perform(request);
    else this.#early.push(request);
  }

  #perform(request: DriverRequest): void {
    switch (request.type) {
      case 'message':
        this.#conversation.send(request);
        break;
      case 'interrupt':
        this.#try('interrupt', async () => {
          await this.#conversation.interrupt();
          this.#asks.interrupted();
          write({ kind: 'interrupted', requestId: request.requestId });
        });
        break;
      case 'permission':
        this.#asks.permitted(request);
        break;
      case 'gate':
        this.#asks.judged(request);
        break;
      case 'cancel':
        this.#try('take a message back', () => this.#conversation.cancel(request.id));
        break;
      case 'recall':
        this.#recall.recalled(request.requestId, request.text);
        break;
      case 'admit':
        this.#door?.admit(request.ticket);
        this.#try('end what it went on with', () => this.#begin());
        break;
    }
  }

  #try(what: string, act: () => Promise<void>): void {
    act().catch((error: Error) =>
      write({ kind: 'note', level: 'warn', text: `The gateway did not ${what}: ${error.message}` }),
    );
  }

  #fail(why: string): void {
    if (this.#ending !== null) return;
    process.stderr.write(`${why}\n`);
    void this.end(EXIT_FAILED).then((code) => process.exit(code));
  }

  /** Every turn, then the gateway: with a turn under way it would wait for minutes. */
  end(code: number): Promise<number> {
    this.#ending ??= this.#end(code);
    return this.#ending;
  }

  async #end(code: number): Promise<number> {
    this.#asks.refuseAll(OVER);
    const channel = this.#channel;
    if (channel !== null) {
      const late = new Promise<void>((resolve) => setTimeout(resolve, ABORT_MS).unref());
      await Promise.race([abortAll(channel, this.#settings.sessionKey).catch(() => undefined), late]);
    }
    this.#door?.close();
    channel?.close();
    await this.#gateway.stop(GATEWAY_STOP_MS);
    return code;
  }
}

function settingsOf(file: string): DriverSettings {
  const settings = JSON.parse(readFileSync(file, 'utf8')) as DriverSettings;
  if (settings.protocol !== DRIVER_PROTOCOL) throw new Error('The settings are of another version.');
  return settings;
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { settings: { type: 'string' } } });
  if (values.settings === undefined) throw new Error('usage: main --settings FILE');
  const settings = settingsOf(values.settings);
  const driver = new Driver(settings, settings.version);
  const told = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve());
    const lines = createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY });
    lines.on('close', () => resolve());
    lines.on('line', (line) => {
      const request = readRequest(line);
      if (request !== null) driver.perform(request);
      else if (line.trim() !== '')
        write({ kind: 'note', level: 'warn', text: 'A request could not be read.' });
    });
  });
  const started = driver.start().then(
    () => null,
    (error: Error) => error,
  );
  const failed = await Promise.race([started, told.then(() => null)]);
  if (failed !== null) {
    process.stderr.write(`${failed.message}\n`);
    return driver.end(EXIT_FAILED);
  }
  await told;
  return driver.end(0);
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(EXIT_FAILED);
  },
);
