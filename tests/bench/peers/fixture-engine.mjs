#!/usr/bin/env node
/**
 * An engine for measurements, on the structured channel of Claude Code, which the product is pointed at by
 * AETHER_CLAUDE_BINARY: it has its MCP server like a real one, works on nothing, and says what time it is in every
 * FIXTURE_TICK_MS, between lines that nobody needs. What a host costs is then the host alone.
 */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

if (process.argv.includes('--version')) {
  process.stdout.write('2.1.329 (fixture)\n');
  process.exit(0);
}

const print = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const option = (name) => process.argv[process.argv.indexOf(name) + 1];
const tick_ms = Number(process.env.FIXTURE_TICK_MS ?? 500);
const now_ms = () => performance.timeOrigin + performance.now();

/** The MCP server, as an older client begins with one; it stays connected. */
function connect() {
  const { aether } = JSON.parse(readFileSync(option('--mcp-config'), 'utf8')).mcpServers;
  const server = spawn(aether.command, aether.args, {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...aether.env },
  });
  const send = (message) => server.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  server.stdin.on('error', () => undefined); // it ends with the host's door
  createInterface({ input: server.stdout }).on('line', (line) => {
    if (JSON.parse(line).id !== 1) return;
    send({ method: 'notifications/initialized' });
    send({ id: 2, method: 'tools/list', params: {} });
  });
  const clientInfo = { name: 'fixture', version: '1' };
  send({
    id: 1,
    method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo },
  });
}

function say(text) {
  const message = { role: 'assistant', model: 'fixture', content: [{ type: 'text', text }] };
  print({ type: 'assistant', uuid: randomUUID(), parent_tool_use_id: null, message });
}

let ticking = false;
function begin() {
  if (ticking) return;
  ticking = true;
  print({
    type: 'system',
    subtype: 'init',
    session_id: option('--session-id'),
    mcp_servers: [{ name: 'aether', status: 'connected' }],
  });
  connect();
  const noise = () =>
    process.stdout.write(
      `{"type":"stream_event","event":{"type":"content_block_delta","delta":"${'x'.repeat(80)}"}}\n`,
    );
  setTimeout(() => {
    setInterval(noise, tick_ms / 5);
    setInterval(() => say(`tick ${now_ms()}`), tick_ms);
  }, Math.random() * tick_ms);
}

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const request = JSON.parse(line);
    if (request.type === 'control_request') {
      const response = {
        subtype: 'success',
        request_id: request.request_id,
        response: { hook_on_failure_supported: true },
      };
      print({ type: 'control_response', response });
      begin();
    } else if (request.type === 'user') {
      print({ ...request, isReplay: true, timestamp: new Date().toISOString() });
      print({ type: 'result', uuid: randomUUID(), is_error: false, result: 'ok' });
    }
  })
  .on('close', () => process.exit(0));
