/**
 * Reads the structured channel (one JSON object a line, verified against Claude Code 2.1.329) and says what it
 * means. Pure. A line that is not understood is skipped or becomes a note: newer versions may say more.
 */
import { messageOf } from '../../host/errors.ts';
import { shortText } from '../../host/text.ts';
import type { EngineState, ObservedEvent, Observer } from '../runtime.ts';
import { CANCEL_PREFIX, NOW_PREFIX, READY_REQUEST } from './frames.ts';
import { CHANGE_CALLBACK, GATE_CALLBACK, GATE_REQUEST } from './gate.ts';
import { blocksOf, readAssistant, readToolResults } from './messages.ts';
import { readRecall } from './recall.ts';
import { markSeen, readLifecycle } from './receipts.ts';
import { claudeState, ON_THE_WAY_MAX, Reading } from './state.ts';
import { readSystem } from './system.ts';

const NOTE_CHARS_MAX = 2_000;

type Line = Record<string, unknown> & { type?: unknown };

export const claudeObserver: Observer = {
  initial: (session) => claudeState({ session }),

  line(state, source, text) {
    if (source === 'err') return said(state, 'warn', text);
    // Most lines by far, and only of use to a viewer that shows single letters.
    if (text.startsWith('{"type":"stream_event"')) return { state, events: [] };
    let line: unknown;
    try {
      line = JSON.parse(text);
    } catch {
      return said(state, 'warn', text, 'The engine wrote a line that is not JSON: ');
    }
    if (line === null || typeof line !== 'object') return { state, events: [] };
    const reading = new Reading(state);
    try {
      read(reading, line as Line);
    } catch (error) {
      // A known type in an unknown shape. The line is in the journal; the conversation goes on.
      return said(
        state,
        'warn',
        text,
        `The engine wrote a line that could not be read (${messageOf(error)}): `,
      );
    }
    return reading.result();
  },
};

function said(
  state: EngineState,
  level: 'warn',
  text: string,
  prefix = '',
): { state: EngineState; events: ObservedEvent[] } {
  const trimmed = text.trim();
  if (trimmed === '') return { state, events: [] };
  return { state, events: [{ kind: 'note', level, text: prefix + shortText(trimmed, NOTE_CHARS_MAX) }] };
}

function read(reading: Reading, line: Line): void {
  switch (line.type) {
    case 'system':
      readSystem(reading, line);
      return;
    case 'assistant':
      readAssistantLine(reading, line);
      return;
    case 'user':
      readUserLine(reading, line);
      return;
    case 'result':
      readResult(reading, line);
      return;
    case 'command_lifecycle':
      readLifecycle(reading, String(line.command_uuid), String(line.state));
      return;
    case 'control_request':
      readAsked(reading, line);
      return;
    case 'control_cancel_request':
      withdrawn(reading, String(line.request_id));
      return;
    case 'control_response':
      readAnswer(reading, line.response as Record<string, unknown>);
      return;
    case 'rate_limit_event': {
      const info = line.rate_limit_info as { status?: unknown; resetsAt?: unknown } | undefined;
      if (info?.status !== 'rejected') return;
      reading.activity('rate-limited', `the provider rejects requests until ${info.resetsAt ?? 'later'}`);
      return;
    }
    default:
      return;
  }
}

function readAssistantLine(reading: Reading, line: Line): void {
  const message = line.message as { model?: string; content?: unknown };
  markSeen(reading, line.user_message_uuids);
  // An API error in the shape of a reply: the turn's end tells it.
  if (message.model === '<synthetic>' && line.error !== undefined) return;
  readAssistant(reading, String(line.uuid), message.content, line.parent_tool_use_id !== null);
}

function readUserLine(reading: Reading, line: Line): void {
  const { content } = line.message as { content?: unknown };
  const uuid = String(line.uuid);
  if (line.isReplay === true) {
    const text = blocksOf(content)
      .map((block) => block.text ?? '')
      .join('\n');
    reading.emit({ kind: 'message', role: 'user', text, key: uuid, injectId: uuid });
    // Sent again after a crash: the conversation has it, so it is not taken a second time.
    if (line.timestamp === undefined && !(uuid in reading.state.injects)) {
      reading.emit({
        kind: 'inject',
        injectId: uuid,
        stage: 'seen',
        evidence: 'the conversation has it already',
      });
    }
    return;
  }
  readToolResults(reading, content);
}

function readAsked(reading: Reading, line: Line): void {
  const request = line.request as Record<string, unknown>;
  const requestId = String(line.request_id);
  if (request.subtype === 'hook_callback') {
    readGate(reading, requestId, request);
    readRecall(reading, requestId, request);
  }
  if (request.subtype !== 'can_use_tool') return;
  const tool = String(request.tool_name);
  reading.state.asked = [...reading.state.asked, requestId].slice(-ON_THE_WAY_MAX);
  reading.emit({
    kind: 'permission-asked',
    requestId,
    tool,
    input: request.input,
    ...(typeof request.tool_use_id === 'string' ? { toolUseId: request.tool_use_id } : {}),
  });
  reading.activity('waiting-for-operator', `asks to use ${tool}`, tool);
}

function readGate(reading: Reading, requestId: string, request: Record<string, unknown>): void {
  const call = request.input as Record<string, unknown>;
  if (request.callback_id === CHANGE_CALLBACK) {
    const where = `${String(call.source)}${call.file_path ? `, ${shortText(String(call.file_path), NOTE_CHARS_MAX)}` : ''}`;
    const text = `What the engine was started with has changed on disk (${where}); it does not take that up.`;
    reading.emit({ kind: 'note', level: 'warn', text });
  }
  if (request.callback_id !== GATE_CALLBACK) return;
  reading.state.gates = [...reading.state.gates, requestId].slice(-ON_THE_WAY_MAX);
  reading.emit({
    kind: 'gate-asked',
    requestId,
    tool: String(call.tool_name),
    input: call.tool_input,
    toolUseId: String(call.tool_use_id),
    ...(typeof call.agent_id === 'string' ? { subagent: call.agent_id } : {}),
    ...(typeof call.cwd === 'string' ? { cwd: call.cwd } : {}),
  });
}

function withdrawn(reading: Reading, requestId: string): void {
  if (reading.state.gates.includes(requestId)) {
    reading.state.gates = reading.state.gates.filter((id) => id !== requestId);
    reading.emit({ kind: 'gate-withdrawn', requestId });
  }
  if (!reading.state.asked.includes(requestId)) return;
  reading.state.asked = reading.state.asked.filter((id) => id !== requestId);
  reading.emit({ kind: 'permission-withdrawn', requestId });
}

function readAnswer(reading: Reading, response: Record<string, unknown>): void {
  const requestId = String(response.request_id);
  if (requestId === READY_REQUEST) {
    // A new process: what the one before left open is over.
    for (const asked of [...reading.state.asked, ...reading.state.gates]) withdrawn(reading, asked);
    reading.state.tools = {};
    reading.state.servers = '';
    reading.state.activity = null;
    reading.state.recalled = false;
    reading.emit({ kind: 'ready' });
    requireGate(reading, (response.response ?? {}) as Record<string, unknown>);
    reading.activity('idle', 'the engine answers');
    return;
  }
  if (reading.state.asked.includes(requestId)) {
    // Our own answer, repeated: it has arrived.
    reading.state.asked = reading.state.asked.filter((id) => id !== requestId);
    return;
  }
  if (reading.state.gates.includes(requestId)) {
    reading.state.gates = reading.state.gates.filter((id) => id !== requestId);
    return;
  }
  if ([NOW_PREFIX, CANCEL_PREFIX, GATE_REQUEST].some((prefix) => requestId.startsWith(prefix))) return;
  if (response.subtype === 'error') {
    const text = `The engine refused a request: ${String(response.error)}`;
    reading.emit({ kind: 'note', level: 'warn', text });
    return;
  }
  if ('still_queued' in ((response.response ?? {}) as object))
    reading.emit({ kind: 'interrupted', requestId });
}

/** Without this the engine takes a gate that fails for an open one. */
function requireGate(reading: Reading, initialized: Record<string, unknown>): void {
  if (initialized.hook_on_failure_supported === true) return;
  const text =
    'This Claude Code runs a tool when its gate fails (hook_on_failure_supported is missing): update it with `claude update`.';
  reading.emit({ kind: 'note', level: 'error', text });
}

/** Ends a turn. `is_error` tells failure, not the subtype; `terminal_reason` tells a cancelled turn. */
function readResult(reading: Reading, line: Line): void {
  const reason = String(line.terminal_reason ?? '');
  const errors = Array.isArray(line.errors) ? line.errors.join('\n') : '';
  const text = typeof line.result === 'string' && line.result !== '' ? line.result : errors;
  const cut = reason.startsWith('aborted') || reason === 'hook_stopped';
  const outcome = cut ? 'interrupted' : line.is_error === true ? 'failed' : 'done';
  reading.state.tools = {};
  const usage = (line.model_usage_since_last_result ?? {}) as Record<string, Record<string, number>>;
  for (const [model, spent] of Object.entries(usage)) {
    reading.emit({
      kind: 'usage',
      model,
      input_tokens: spent.inputTokens ?? 0,
      output_tokens: spent.outputTokens ?? 0,
      cache_read_tokens: spent.cacheReadInputTokens ?? 0,
      cache_write_tokens: spent.cacheCreationInputTokens ?? 0,
      cost_usd: spent.costUSD ?? null,
      key: `${String(line.uuid)}:${model}`,
    });
  }
  reading.emit({
    kind: 'turn-ended',
    outcome,
    ...(text === '' || outcome === 'interrupted' ? {} : { text }),
  });
  // A queued message may begin the next turn without a word in between.
  reading.activity('idle', `the turn ended: ${outcome}`);
}
