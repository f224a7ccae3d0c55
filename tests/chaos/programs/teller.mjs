// An agent that can be audited. It prints numbered lines without end, and makes MCP calls whose every outcome it
// writes down: KEY is asked before the request is sent, acked only once the answer is here. When DIR/halt exists
// it finishes what is open, says so in DIR/RUN.done, and stays.
// usage: teller.mjs DIR LINES_PER_BURST PAUSE_MS
import { spawn } from 'node:child_process';
import { appendFileSync, existsSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';

const [dir, lines, pause_ms] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const run = process.env.AETHER_RUN;
const OPEN_CALLS = 2;
/** Between an answer and the next call: twenty of these share a machine with what they test. */
const CALL_PAUSE_MS = 400;
/** Every so many calls is a mail: the operator's mailbox is bounded, and nobody reads it here. */
const MAIL_EVERY = 20;
const BRIDGE_AGAIN_MS = 200;

const ledger = openSync(`${dir}/${run}.ledger`, 'a');
const counter = openSync(`${dir}/${run}.count`, 'w');
const note = (what, key, why = '') => appendFileSync(ledger, `${what} ${key} ${why.replaceAll('\n', ' ')}\n`);

let told = 0;
let calls = 0;
let halting = false;
let bridge = null;
const open = new Map();

function tell() {
  let text = '';
  for (let n = 1; n <= lines; n += 1) text += `n=${String(told + n).padStart(9, '0')} ${run}\n`;
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) at += writeSync(1, bytes, at);
  told += lines;
  // What is counted has been written: the kernel had all of it before this line.
  writeSync(counter, `${String(told).padStart(9, '0')}`, 0);
}

function connect() {
  const child = spawn(process.env.AETHER_MCP_COMMAND, { stdio: ['pipe', 'pipe', 'ignore'] });
  bridge = child;
  child.stdin.on('error', () => undefined); // it is gone: 'close' says so
  createInterface({ input: child.stdout }).on('line', (line) => {
    const reply = JSON.parse(line);
    const key = open.get(reply.id);
    if (key === undefined) {
      if (reply.id !== undefined && reply.id !== 0) note('doubled', `answer-${reply.id}`, line.slice(0, 200));
      return;
    }
    open.delete(reply.id);
    const failed = reply.error !== undefined || reply.result.isError === true;
    note(failed ? 'refused' : 'acked', key, failed ? JSON.stringify(reply).slice(0, 300) : '');
    setTimeout(ask, CALL_PAUSE_MS);
  });
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

function send(message) {
  bridge.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
}

function ask() {
  while (!halting && bridge !== null && open.size < OPEN_CALLS) {
    calls += 1;
    const mail = calls % MAIL_EVERY === 0;
    const key = `${mail ? 'mail' : 'fact'}:${run}:${calls}`;
    open.set(calls, key);
    note('asked', key);
    const call = mail
      ? { name: 'aether_mail_send', arguments: { to: 'operator', subject: 'numbered', body: key } }
      : { name: 'aether_memory_store', arguments: { text: key } };
    send({ id: calls, method: 'tools/call', params: call });
  }
}

// An echo of what is typed would stand between the lines.
if (process.stdin.isTTY) process.stdin.setRawMode(true);
process.stdin.resume();
connect();
let done = false;
setInterval(() => {
  halting ||= existsSync(`${dir}/halt`);
  if (!halting) return tell();
  if (done || open.size > 0) return;
  done = true;
  writeFileSync(`${dir}/${run}.done`, String(told));
}, pause_ms);
