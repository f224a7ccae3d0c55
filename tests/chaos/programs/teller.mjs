// An agent that can be audited. It prints numbered lines without end, and makes MCP calls whose every outcome it
// writes down: KEY is asked before the request is sent, acked only once the answer is here. When DIR/halt exists
// it finishes what is open, says so in DIR/RUN.done, and stays.
// In a terminal the lines are text. On pipes it speaks as much of an engine's channel as a host needs to believe in
// it: the numbered lines are JSON between answers, and stderr has numbered lines of its own.
// usage: teller.mjs DIR LINES_PER_BURST PAUSE_MS MANNERS terminal|pipes [ENGINE_ARGUMENT...]
import { spawn } from 'node:child_process';
import { appendFileSync, existsSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';

const [dir, burst, pause, manners, printer, ...engineArguments] = process.argv.slice(2);
const lines = Number(burst);
const pause_ms = Number(pause);
const run = process.env.AETHER_RUN;
const onPipes = printer === 'pipes';
const OPEN_CALLS = 2;
/** Between an answer and the next call: twenty of these share a machine with what they test. */
const CALL_PAUSE_MS = 400;
/** Every so many calls is a mail: the operator's mailbox is bounded, and nobody reads it here. */
const MAIL_EVERY = 20;
/** The second call, and every so many, is a question, which somebody else has to answer. */
const ASK_EVERY = 30;
const BRIDGE_AGAIN_MS = 200;
/** One line of stderr for so many bursts of stdout: each becomes an event. */
const ERROR_EVERY = 10;

// Who prints is known before anything is printed.
writeFileSync(`${dir}/${run}.${printer}`, '');
const ledger = openSync(`${dir}/${run}.ledger`, 'a');
const counter = openSync(`${dir}/${run}.count`, 'w');
const note = (what, key, why = '') => appendFileSync(ledger, `${what} ${key} ${why.replaceAll('\n', ' ')}\n`);
const nine = (n) => String(n).padStart(9, '0');

let told = 0;
let errorsTold = 0;
let bursts = 0;
let calls = 0;
let halting = false;
let bridge = null;
const open = new Map();

/* ---------- manners ---------- */

// Its name and its run are in the arguments of each child: a cleared environment does not hide it from the judge.
const shell = (script) => ['-c', `${script}`, `chaos-${manners}`, run];
const quiet = { detached: true, stdio: 'ignore', env: {} };
if (manners !== 'calm')
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => undefined);
// Deaf, as its child is.
if (manners === 'stubborn')
  spawn('/bin/sh', shell("trap '' TERM INT HUP; while :; do sleep 1; done"), { stdio: 'ignore' });
// Forked twice, a session of its own, no environment: nothing ties it to its maker.
if (manners === 'daemons')
  spawn(
    '/usr/bin/setsid',
    ['/bin/sh', ...shell(`trap '' TERM INT HUP; /bin/sh -c 'while :; do sleep 1; done' "$0" "$1" & exit 0`)],
    quiet,
  );
// Has new children while it is being killed.
if (manners === 'breeder')
  spawn(
    '/bin/sh',
    shell(`trap '' TERM INT HUP; while :; do setsid /bin/sh -c 'sleep 0.4; :' "$0" "$1" & sleep 0.2; done`),
    { stdio: 'ignore' },
  );

/* ---------- telling ---------- */

/** All of it, whole: what is counted afterwards has been in the kernel's hands. */
function writeWhole(fd, text) {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) {
    // Ragged: cut anywhere, also in the middle of a line.
    const piece =
      manners === 'ragged' ? Math.min(bytes.length - at, 1 + ((told * 7 + at) % 61)) : bytes.length - at;
    try {
      at += writeSync(fd, bytes, at, piece);
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

function tell() {
  // Now and then all at once, more than a pipe or a terminal holds.
  bursts += 1;
  const many = manners === 'flood' && bursts % 20 === 0 ? lines * 200 : lines;
  let text = '';
  for (let n = told + 1; n <= told + many; n += 1)
    text += onPipes ? `${JSON.stringify({ n, run })}\n` : `n=${nine(n)} ${run}\n`;
  writeWhole(1, text);
  told += many;
  if (onPipes && bursts % ERROR_EVERY === 0) {
    writeWhole(2, `e=${nine(errorsTold + 1)} ${run}\n`);
    errorsTold += 1;
  }
  writeSync(counter, `${nine(told)} ${nine(errorsTold)}`, 0);
}

/* ---------- calling ---------- */

function mcpCommand() {
  if (!onPipes) return { command: process.env.AETHER_MCP_COMMAND, args: [], env: {} };
  const file = engineArguments[engineArguments.indexOf('--mcp-config') + 1];
  return Object.values(JSON.parse(readFileSync(file, 'utf8')).mcpServers)[0];
}

function connect() {
  const { command, args = [], env = {} } = mcpCommand();
  const child = spawn(command, args, {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { ...process.env, ...env },
  });
  bridge = child;
  child.stdin.on('error', () => undefined); // it is gone: 'close' says so
  createInterface({ input: child.stdout }).on('line', (line) => answered(JSON.parse(line), line));
  const lost = () => {
    if (bridge !== child) return;
    bridge = null;
    for (const key of open.values()) note('unknown', key);
    open.clear();
    setTimeout(connect, BRIDGE_AGAIN_MS);
  };
  child.on('close', lost);
  child.on('error', lost);
  send({
    id: 0,
    method: 'initialize',
    params: {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'teller', version: '1' },
    },
  });
  send({ method: 'notifications/initialized' });
  ask();
}

function answered(reply, line) {
  const key = open.get(reply.id);
  if (key === undefined) {
    if (reply.id !== undefined && reply.id !== 0) note('doubled', `answer-${reply.id}`, line.slice(0, 200));
    return;
  }
  open.delete(reply.id);
  const failed = reply.error !== undefined || reply.result.isError === true;
  const { status, answer, id } = (!failed && reply.result.structuredContent) || {};
  if (key.startsWith('ask:') && status === 'pending') {
    // Nobody has answered yet: the wait goes on under the question's id.
    calls += 1;
    open.set(calls, key);
    send({
      id: calls,
      method: 'tools/call',
      params: { name: 'aether_ask_operator', arguments: { id, waitSeconds: 20 } },
    });
    return;
  }
  if (key.startsWith('ask:') && !failed && answer !== `about ${key}`)
    note('doubled', key, `it was answered: ${answer}`);
  note(failed ? 'refused' : 'acked', key, failed ? JSON.stringify(reply).slice(0, 300) : '');
  setTimeout(ask, CALL_PAUSE_MS);
}

function send(message) {
  bridge.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
}

const CALLS = {
  fact: (key) => ({ name: 'aether_memory_store', arguments: { text: key } }),
  mail: (key) => ({
    name: 'aether_mail_send',
    arguments: { to: 'operator', subject: 'numbered', body: key },
  }),
  ask: (key) => ({ name: 'aether_ask_operator', arguments: { question: key, waitSeconds: 20 } }),
};

function ask() {
  while (!halting && bridge !== null && open.size < OPEN_CALLS) {
    calls += 1;
    const asking = [...open.values()].some((key) => key.startsWith('ask:'));
    const kind = !asking && calls % ASK_EVERY === 2 ? 'ask' : calls % MAIL_EVERY === 0 ? 'mail' : 'fact';
    const key = `${kind}:${run}:${calls}`;
    open.set(calls, key);
    note('asked', key);
    send({ id: calls, method: 'tools/call', params: CALLS[kind](key) });
  }
}

/* ---------- being spoken to ---------- */

if (onPipes) {
  createInterface({ input: process.stdin })
    .on('line', (line) => {
      const { type, request_id } = JSON.parse(line);
      if (type !== 'control_request') return;
      const response = { subtype: 'success', request_id, response: { hook_on_failure_supported: true } };
      writeWhole(1, `${JSON.stringify({ type: 'control_response', response })}\n`);
    })
    // Asked to leave; who is deaf does not hear that either.
    .on('close', () => manners === 'calm' && process.exit(0));
} else {
  // An echo of what is typed would stand between the lines.
  if (process.stdin.isTTY) process.stdin.setRawMode(true);
  process.stdin.resume();
}
connect();
let done = false;
setInterval(() => {
  halting ||= existsSync(`${dir}/halt`);
  if (!halting) return tell();
  if (done || open.size > 0) return;
  done = true;
  writeFileSync(`${dir}/${run}.done`, `${told} ${errorsTold}`);
}, pause_ms);
