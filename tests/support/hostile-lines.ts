/**
 * Lines that a program on an engine's output can print to harm whoever reads them: values of the wrong type in
 * every field, nesting, halves of characters, keys that are names of built-in things, numbers that are none.
 */

const DEEP = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

/** JSON texts that are put in place of a value. */
const VALUES: readonly string[] = [
  '"5"',
  '1.5',
  '-1',
  '1e308',
  '1e400',
  '99999999999999999999',
  'null',
  'true',
  '[]',
  '{}',
  '""',
  '"\\u0000"',
  '"\\ud83d"',
  '"\\udc00\\ud800"',
  '"../../../../etc/passwd"',
  '"__proto__"',
  '"constructor"',
  '{"__proto__": {"polluted": true}}',
  '{"constructor": {"prototype": {"polluted": true}}}',
  '{"toString": null, "toJSON": "x", "then": 1}',
  `"${'x'.repeat(3_000)}"`,
  '[[["\\u202e\\u2066\\u200b"]]]',
  DEEP(300),
  DEEP(20_000),
];

/** A good line of each kind that Claude Code prints. */
export const CLAUDE: readonly object[] = [
  {
    type: 'system',
    subtype: 'init',
    session_id: 's',
    mcp_servers: [{ name: 'aether', status: 'connected' }],
  },
  { type: 'system', subtype: 'session_state_changed', state: 'running' },
  { type: 'system', subtype: 'status', status: 'requesting', user_message_uuids: ['u'] },
  { type: 'system', subtype: 'api_retry', attempt: 1, retry_delay_ms: 10, error: 'e', error_status: 429 },
  {
    type: 'assistant',
    uuid: 'a1',
    parent_tool_use_id: null,
    message: {
      model: 'm',
      content: [
        { type: 'text', text: 'hi' },
        { type: 'thinking', thinking: 'hm' },
        { type: 'tool_use', id: 't1', name: 'Bash', input: { command: 'ls' } },
      ],
    },
  },
  {
    type: 'user',
    uuid: 'u1',
    message: { content: [{ type: 'tool_result', tool_use_id: 't1', content: 'out', is_error: false }] },
  },
  { type: 'user', uuid: 'u2', isReplay: true, message: { content: 'replayed' } },
  {
    type: 'result',
    uuid: 'r1',
    is_error: false,
    result: 'done',
    errors: ['e'],
    terminal_reason: 'x',
    model_usage_since_last_result: {
      m: {
        inputTokens: 1,
        outputTokens: 2,
        cacheReadInputTokens: 3,
        cacheCreationInputTokens: 4,
        costUSD: 0.1,
      },
    },
  },
  { type: 'command_lifecycle', command_uuid: 'c1', state: 'queued' },
  { type: 'command_lifecycle', command_uuid: 'c1', state: 'completed' },
  {
    type: 'control_request',
    request_id: 'q1',
    request: { subtype: 'can_use_tool', tool_name: 'Bash', tool_use_id: 't2', input: { command: 'ls' } },
  },
  {
    type: 'control_request',
    request_id: 'g1',
    request: {
      subtype: 'hook_callback',
      callback_id: 'aether-gate',
      input: { tool_name: 'Bash', tool_use_id: 't3', tool_input: { command: 'ls' }, agent_id: 'sub' },
    },
  },
  { type: 'control_cancel_request', request_id: 'q1' },
  { type: 'control_response', response: { request_id: 'x', subtype: 'error', error: 'e' } },
  { type: 'control_response', response: { request_id: 'y', response: { still_queued: [] } } },
  { type: 'rate_limit_event', rate_limit_info: { status: 'rejected', resetsAt: 1 } },
];

/** A good line of each kind that the builtin loop prints. */
export const BUILTIN: readonly object[] = [
  { kind: 'ready' },
  { kind: 'activity', activity: 'thinking', evidence: 'e', tool: 't' },
  { kind: 'session', session: 's' },
  { kind: 'message', role: 'assistant', text: 'hi', key: 'k', injectId: 'i', thinking: true },
  { kind: 'tool-call', toolUseId: 't1', tool: 'run_command', input: { command: 'ls' } },
  { kind: 'tool-result', toolUseId: 't1', text: 'out', isError: false },
  {
    kind: 'permission-asked',
    requestId: 'p1',
    tool: 'run_command',
    input: { command: 'ls' },
    toolUseId: 't2',
  },
  { kind: 'permission-withdrawn', requestId: 'p1' },
  { kind: 'gate-asked', requestId: 'g1', tool: 'run_command', input: { command: 'ls' }, toolUseId: 't3' },
  { kind: 'gate-withdrawn', requestId: 'g1' },
  { kind: 'subagent', id: 's1', phase: 'began', label: 'l', task: 't', tokens: 1, outcome: 'done' },
  { kind: 'inject', injectId: 'i', stage: 'seen', evidence: 'e' },
  { kind: 'turn-ended', outcome: 'done', text: 'x' },
  { kind: 'interrupted', requestId: 'r' },
  { kind: 'mcp-status', servers: [{ name: 'aether', status: 'failed' }] },
  {
    kind: 'usage',
    model: 'm',
    input_tokens: 1,
    output_tokens: 2,
    cache_read_tokens: 3,
    cache_write_tokens: 4,
    cost_usd: 0.1,
    key: 'k',
  },
  { kind: 'retrying', attempt: 1, delay_ms: 10, why: 'w' },
  { kind: 'note', level: 'warn', text: 'n' },
];

/** Every value of every good line, one at a time, replaced by every hostile value; and lines that are no lines. */
export function* hostileLines(good: readonly object[]): Generator<string> {
  for (const line of good) {
    const text = JSON.stringify(line);
    for (const { from, to } of valuesIn(text))
      for (const value of VALUES) yield text.slice(0, from) + value + text.slice(to);
  }
  yield* VALUES;
  yield `{"type":"result","uuid":"z","model_usage_since_last_result":{"m":{"inputTokens":${'9'.repeat(400)}}}}`;
  yield '{"kind":"usage"'.repeat(50);
  yield '\u001b]0;title\u0007\u001b[2J';
}

/** Where the values of a JSON text are, keys left out. */
function valuesIn(text: string): { from: number; to: number }[] {
  const found: { from: number; to: number }[] = [];
  const value = /"(?:[^"\\]|\\.)*"(?!\s*:)|-?\d+(?:\.\d+)?|true|false|null/g;
  for (const match of text.matchAll(value))
    found.push({ from: match.index, to: match.index + match[0].length });
  // Objects and lists as a whole, too: those without another inside.
  for (const match of text.matchAll(/\{[^{}[\]]*\}|\[[^{}[\]]*\]/g))
    found.push({ from: match.index, to: match.index + match[0].length });
  return found;
}
