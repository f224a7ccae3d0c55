/**
 * The bridge: the stdio MCP server that an engine sees, a pipe to the host's socket. The host may die and come back
 * while requests are open: the bridge keeps what is unanswered, connects again and sends it under its old sequence
 * number (bridge-protocol.ts), so that the engine sees latency, not a restart, and never a second answer. One CommonJS
 * file with two imports, because each agent pays its start and its memory.
 *
 * * node main.cjs SOCKET [--client NAME]
 */
import type { BridgeHello } from './bridge-protocol.ts' with { 'resolution-mode': 'import' };

const fs = require('node:fs') as typeof import('node:fs');
const net = require('node:net') as typeof import('node:net');

/** The same figures as mcp_* in the host's limits; a test holds them together. */
const LINE_BYTES_MAX = 4 * 1024 * 1024;
const UNANSWERED_MAX = 1_024;
const UNANSWERED_CHARS_MAX = 64 * 1024 * 1024;

/** How long requests wait for a host that went away, and how long a new one waits once that has passed. */
const GRACE_MS = Number(process.env.AETHER_BRIDGE_GRACE_MS) || 120_000;
const PATIENCE_MS = Math.min(2_000, GRACE_MS);
const BACKOFF_MS_MIN = 10;
const BACKOFF_MS_MAX = 500;
/** Between attempts after the host said no. */
const REFUSED_MS = 2_000;
/** For answers that are still on their way when the engine closes stdin. */
const FINISH_MS = 2_000;

const PARSE_ERROR = -32700;
const INVALID_REQUEST = -32600;
const OVERLOADED = -32000;
const HOST_AWAY = -32001;

const NEWLINE = 10;
const SUBSCRIPTION = 'io.modelcontextprotocol/subscriptionId';
const REPLAY = 'aether-bridge-replay';
/** How the host writes a response: id first, so that finding it does not take a parse of the whole result. */
const RESPONSE = /^\{"jsonrpc":"2\.0","id":(?:(\d{1,15})|"([\x20\x21\x23-\x5b\x5d-\x7e]*)"),"(result|error)"/;
/** The two orders in which clients write a request; both name the id of the outermost object only. */
const ID_FIRST = /^\{"jsonrpc":"2\.0","id":(\d{1,15}|"[^"\\]{0,128}"),/;
const ID_LAST = /"jsonrpc":"2\.0","id":(\d{1,15}|"[^"\\]{0,128}")\}\s*$/;

type Id = string | number;
type Message = Record<string, unknown>;
type Socket = import('node:net').Socket;

interface Request {
  sequence: number;
  line: string;
  since: number;
  /** Has been written to some host: it may have been carried out. */
  sent: boolean;
  /** `subscriptions/listen`: open for as long as the engine likes. */
  listen: boolean;
  acknowledged: boolean;
  /** `initialize`: sent again on every later connection, once it has been answered with a result. */
  handshake: boolean;
}

const [, , socketPath, flag, client] = process.argv;
if (!socketPath || (flag !== undefined && (flag !== '--client' || !client)) || process.argv.length > 5) {
  process.stderr.write('usage: main.cjs SOCKET [--client NAME]\n');
  process.exit(2);
}

const instance = `${Date.now().toString(36)}-${process.pid.toString(36)}-${Math.random().toString(36).slice(2)}`;
/**
 * Each direction reads into one buffer that is used again for every read: a new one a read, as a stream would
 * make it, is a good part of what a call costs here. So what outlives the read is copied.
 */
const READ_BYTES = 64 * 1024;
const { stdout } = process;
const stdin = openStdin();

/** By id; the order of insertion is the order of sequence numbers. */
const unanswered = new Map<Id, Request>();
let unansweredChars = 0;
let sequence = 0;
let initialize: { line: string; sequence: number } | null = null;
let initialized: { line: string; sequence: number } | null = null;

/** Set while connected. */
let host: Socket | null = null;
let connections = 0;
let backoff_ms = BACKOFF_MS_MIN;
/** The present connection was told that it is not served. */
let refused = false;
let downSince = Date.now();
let expiry: NodeJS.Timeout | null = null;
let ending = false;
let outgoing = '';

/* ---------- engine → host ---------- */

/** Every sequence up to this one needs no answer any more. */
function settled(): number {
  for (const request of unanswered.values()) if (!request.listen) return request.sequence - 1;
  return sequence;
}

function send(line: string, number: number): void {
  outgoing += `${number} ${Math.min(settled(), number)} ${line}\n`;
}

function flush(): void {
  if (outgoing === '') return;
  const data = outgoing;
  outgoing = '';
  if (host !== null && !host.write(data)) stdin.pause();
}

/** @param id as JSON text */
function answer(id: string, code: number, message: string, data?: unknown): void {
  const error = JSON.stringify({ code, message, ...(data === undefined ? {} : { data }) });
  stdout.write(`{"jsonrpc":"2.0","id":${id},"error":${error}}\n`);
}

function forget(id: Id): Request | undefined {
  const request = unanswered.get(id);
  if (request === undefined) return undefined;
  unanswered.delete(id);
  unansweredChars -= request.line.length;
  return request;
}

function invalid(why: string, id = 'null'): void {
  answer(id, INVALID_REQUEST, `Invalid request: ${why}`);
}

/** The id as the engine wrote it, where it is one and no open request has it; otherwise null. */
function idText(id: unknown, line: string): string {
  if (typeof id !== 'string' && typeof id !== 'number') return 'null';
  if (typeof id === 'string' || Number.isSafeInteger(id)) {
    return unanswered.has(id) ? 'null' : JSON.stringify(id);
  }
  // JavaScript cannot hold every number that JSON can write: its digits, from the outermost object.
  const digits = new Map<unknown, string>();
  let outermost: unknown;
  try {
    JSON.parse(line, function (...[key, value, context]: unknown[]) {
      if (key === 'id') digits.set(this, (context as { source: string }).source);
      outermost = value;
      return value;
    });
  } catch {} // nested deeper than the stack
  return digits.get(outermost) ?? 'null';
}

function fromEngine(text: string): void {
  const line = text.startsWith('\uFEFF') ? text.slice(1) : text; // a byte order mark is no part of it
  let message: Message;
  try {
    message = JSON.parse(line) as Message;
  } catch {
    answer(
      'null',
      PARSE_ERROR,
      'Parse error: the line is not valid JSON. Send one JSON-RPC message per line.',
    );
    return;
  }
  if (message === null || typeof message !== 'object') invalid('a JSON-RPC message is an object.');
  else if (Array.isArray(message)) invalid('batches are not served. Send each message on its own line.');
  else if (typeof message.method === 'string') {
    const { id, method } = message as { id?: unknown; method: string };
    if (id === undefined) notification(message, method, line);
    else if (typeof id === 'string' || Number.isSafeInteger(id)) request(id as Id, method, line);
    else invalid('an id is a string or a number without a fraction, at most 2^53 - 1.', idText(id, line));
  } else if (!('result' in message || 'error' in message)) {
    const why = 'neither a request, a notification nor a response: "method" must be a text.';
    invalid(why, idText(message.id, line));
  } // The host asks its clients nothing, so a response answers nothing.
}

function request(id: Id, method: string, line: string): void {
  const open = unanswered.size;
  if (unanswered.has(id)) {
    invalid(`id ${JSON.stringify(id)} is already in use by an open request.`);
    return;
  }
  if (open >= UNANSWERED_MAX || unansweredChars + line.length > UNANSWERED_CHARS_MAX) {
    answer(
      JSON.stringify(id),
      OVERLOADED,
      `Too many open requests (${open}). Wait for answers, then send it again.`,
    );
    return;
  }
  sequence += 1;
  const listen = method === 'subscriptions/listen';
  const handshake = method === 'initialize';
  const entry = {
    sequence,
    line,
    since: Date.now(),
    sent: host !== null,
    listen,
    handshake,
    acknowledged: false,
  };
  unanswered.set(id, entry);
  unansweredChars += line.length;
  if (host !== null) send(line, sequence);
}

function notification(message: Message, method: string, line: string): void {
  sequence += 1;
  if (method === 'notifications/initialized') initialized = { line, sequence };
  if (method === 'notifications/cancelled') {
    const id = (message.params as { requestId?: Id } | undefined)?.requestId;
    if (id !== undefined) forget(id);
  }
  // While the host is away the rest has no use: what it is about died with the connection.
  if (host !== null) send(line, sequence);
}

/** Cuts a stream of bytes into lines; one that is too long is dropped, and only its ends are kept. */
class Lines {
  #parts: Buffer[] = [];
  #bytes = 0;
  #tooLong: { head: string; tail: string } | null = null;
  readonly #onLine: (line: string) => void;
  readonly #onTooLong: (head: string, tail: string) => void;

  constructor(onLine: (line: string) => void, onTooLong: (head: string, tail: string) => void) {
    this.#onLine = onLine;
    this.#onTooLong = onTooLong;
  }

  push(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      this.#add(chunk.subarray(start, end));
      this.end();
      start = end + 1;
    }
    if (start < chunk.length) this.#add(Buffer.from(chunk.subarray(start)));
  }

  /** The line is complete (a newline, or the end of the stream). */
  end(): void {
    if (this.#tooLong !== null) {
      const { head, tail } = this.#tooLong;
      this.#tooLong = null;
      this.#onTooLong(head, tail);
    } else if (this.#bytes > 0) {
      const bytes = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts);
      this.#parts = [];
      this.#bytes = 0;
      const line = bytes.toString('utf8');
      if (line.trim() !== '') this.#onLine(line);
    }
  }

  #add(part: Buffer): void {
    if (this.#tooLong !== null) {
      this.#tooLong.tail = (this.#tooLong.tail + part.toString('latin1')).slice(-256);
      return;
    }
    this.#parts.push(part);
    this.#bytes += part.length;
    if (this.#bytes <= LINE_BYTES_MAX) return;
    const bytes = Buffer.concat(this.#parts);
    this.#tooLong = {
      head: bytes.toString('latin1', 0, 256),
      tail: bytes.toString('latin1', bytes.length - 256),
    };
    this.#parts = [];
    this.#bytes = 0;
  }
}

const fromStdin = new Lines(fromEngine, (head, tail) => {
  const id = ID_FIRST.exec(head)?.[1] ?? ID_LAST.exec(tail)?.[1] ?? 'null';
  invalid(
    `the message is longer than ${LINE_BYTES_MAX} bytes. Send less at once.`,
    idText(JSON.parse(id), id),
  );
});

/* ---------- host → engine ---------- */

/** @returns whether the engine waits for it */
function answered(id: Id, served: boolean): boolean {
  const request = forget(id);
  if (request?.handshake && served) {
    // Under an id of our own: its answer, which the engine has had, is then recognised and dropped.
    try {
      const line = JSON.stringify({ ...JSON.parse(request.line), id: REPLAY });
      initialize = { line, sequence: request.sequence };
    } catch {
      initialize = null; // nested deeper than the stack; a host serves without it, too
    }
    if (initialized !== null && initialized.sequence < request.sequence) initialized = null;
  }
  return request !== undefined;
}

/** True where the line is to reach the engine. */
function passes(line: Buffer): boolean {
  const start = line.toString('latin1', 0, 192);
  const response = RESPONSE.exec(start);
  if (response !== null) {
    return answered(response[1] === undefined ? response[2]! : Number(response[1]), response[3] === 'result');
  }
  let message: Message;
  try {
    message = JSON.parse(line.toString('utf8')) as Message;
  } catch {
    return false; // not ours to show: the engine would take it for a broken server
  }
  if (message.method === 'notifications/subscriptions/acknowledged') {
    const meta = (message.params as { _meta?: Record<string, Id> } | undefined)?._meta;
    const subscription = unanswered.get(meta?.[SUBSCRIPTION] ?? '');
    if (subscription?.acknowledged) return false;
    if (subscription !== undefined) subscription.acknowledged = true;
    return true;
  }
  if (typeof message.method === 'string') return true;
  const error = message.error as { code: number; message: string; data?: { refused?: boolean } } | undefined;
  if (message.id !== null && message.id !== undefined)
    return answered(message.id as Id, message.result !== undefined);
  if (error?.data?.refused !== true) return true;
  refused = true;
  for (const id of [...unanswered.keys()]) {
    answer(JSON.stringify(id), error.code, error.message, error.data);
    forget(id);
  }
  return false;
}

/** @param socket asked for only while something of it is read */
function fromHost(socket: () => Socket): (chunk: Buffer) => void {
  let parts: Buffer[] = [];
  let bytes = 0;
  return (chunk) => {
    const last = chunk.lastIndexOf(NEWLINE);
    if (last < 0) {
      parts.push(Buffer.from(chunk));
      bytes += chunk.length;
      if (bytes > 2 * LINE_BYTES_MAX) socket().destroy(); // no host of ours writes such a line
      return;
    }
    const ended = chunk.subarray(0, last + 1);
    const complete = parts.length === 0 ? ended : Buffer.concat([...parts, ended]);
    parts = last + 1 < chunk.length ? [Buffer.from(chunk.subarray(last + 1))] : [];
    bytes = chunk.length - last - 1;
    const passed: Buffer[] = [];
    for (let start = 0; start < complete.length; ) {
      const end = complete.indexOf(NEWLINE, start) + 1;
      const line = complete.subarray(start, end);
      if (passes(line)) passed.push(line);
      start = end;
    }
    if (passed.length > 0 && !stdout.write(Buffer.concat(passed))) {
      const paused = socket();
      paused.pause();
      stdout.once('drain', () => paused.resume());
    }
    if (!refused) backoff_ms = BACKOFF_MS_MIN;
    if (ending) endWhenAnswered();
  };
}

/* ---------- the connection ---------- */

function connect(): void {
  const received = fromHost(() => socket);
  const socket: Socket = net.createConnection({
    path: socketPath!,
    onread: {
      buffer: Buffer.allocUnsafeSlow(READ_BYTES),
      callback(bytes, buffer) {
        received((buffer as Buffer).subarray(0, bytes));
        return true;
      },
    },
  });
  socket.on('connect', () => {
    host = socket;
    if (expiry !== null) clearInterval(expiry);
    expiry = null;
    const hello: BridgeHello = { aether: 'bridge', protocol: 1, instance, resumed: connections > 0 };
    if (client !== undefined) hello.client = client;
    connections += 1;
    outgoing = `${JSON.stringify(hello)}\n`;
    replay();
    flush();
  });
  socket.on('drain', () => stdin.resume());
  socket.on('error', () => {}); // 'close' follows, and it is the same to us why
  socket.on('close', () => {
    if (host === socket) {
      host = null;
      downSince = Date.now();
      stdin.resume();
    }
    expiry ??= setInterval(expire, 250);
    setTimeout(connect, refused ? REFUSED_MS : backoff_ms);
    backoff_ms = Math.min(backoff_ms * 1.5, BACKOFF_MS_MAX);
    refused = false;
  });
}

/** What a new connection has to know before it can serve what comes next. */
function replay(): void {
  if (initialize !== null) send(initialize.line, initialize.sequence);
  if (initialized !== null) send(initialized.line, initialized.sequence);
  for (const entry of unanswered.values()) {
    entry.sent = true;
    send(entry.line, entry.sequence);
  }
}

/** Answers what has waited too long for a host that is not there. */
function expire(): void {
  const now = Date.now();
  for (const [id, entry] of unanswered) {
    if (entry.listen || now < Math.max(downSince + GRACE_MS, entry.since + PATIENCE_MS)) continue;
    const seconds = Math.round((now - downSince) / 1000);
    answer(
      JSON.stringify(id),
      HOST_AWAY,
      `The aether host is not running: nothing has answered at ${socketPath} for ${seconds} s. ` +
        (entry.sent
          ? 'Whether this request was carried out is not known. '
          : 'This request was not carried out. ') +
        'Start the host with "aether up"; this connection then works again by itself.',
    );
    forget(id);
  }
  if (ending) endWhenAnswered();
}

/* ---------- the engine's end ---------- */

function onStdin(chunk: Buffer): void {
  fromStdin.push(chunk);
  flush();
}

/** A pipe or a socket, as engines give; a file or a terminal is read as Node does it. */
function openStdin(): import('node:stream').Readable {
  const stat = fs.fstatSync(0);
  if (!stat.isFIFO() && !stat.isSocket()) return process.stdin.on('data', onStdin);
  return new net.Socket({
    fd: 0,
    readable: true,
    writable: false,
    onread: {
      buffer: Buffer.allocUnsafeSlow(READ_BYTES),
      callback(bytes, buffer) {
        onStdin((buffer as Buffer).subarray(0, bytes));
        return true;
      },
    },
  });
}

/* ---------- the end ---------- */

function endWhenAnswered(): void {
  for (const entry of unanswered.values()) if (!entry.listen) return;
  finish();
}

/** Ends once stdout has taken everything, or soon where no process reads it. */
function finish(): void {
  stdout.write('', () => process.exit(0));
  setTimeout(() => process.exit(0), 500);
}

function onEnd(): void {
  if (ending) return;
  fromStdin.end();
  flush();
  ending = true;
  setTimeout(finish, FINISH_MS).unref();
  endWhenAnswered();
}

stdin.on('end', onEnd);
stdin.on('error', onEnd);
stdout.on('error', () => process.exit(0)); // EPIPE: the engine is gone
process.on('SIGTERM', () => process.exit(0));
stdin.resume();
connect();
