/** The `system` lines of the structured channel: what the engine says about itself. */

import { markSeen, readPromptEnd } from './receipts.ts';
import type { Reading } from './state.ts';

type Line = Record<string, unknown>;

export function readSystem(reading: Reading, line: Line): void {
  switch (line.subtype) {
    case 'init':
      reading.session(line.session_id);
      readServers(reading, line.mcp_servers);
      return;
    case 'session_state_changed':
      readSessionState(reading, String(line.state));
      return;
    case 'status':
      // Only this proves that a message is in a model request before the model has said anything.
      markSeen(reading, line.user_message_uuids);
      if (line.status === 'requesting') reading.working('a model request was sent');
      return;
    case 'informational':
      readPromptEnd(reading, line.prompt_submit_outcome);
      return;
    case 'api_retry':
      reading.emit({
        kind: 'retrying',
        attempt: Number(line.attempt),
        delay_ms: Math.round(Number(line.retry_delay_ms)),
        why: `${String(line.error)}${line.error_status ? ` (HTTP ${String(line.error_status)})` : ''}`,
      });
      if (line.error_status === 429 || line.error === 'rate_limit') {
        reading.activity('rate-limited', 'the provider asks to wait');
      }
      return;
    case 'task_started':
    case 'task_progress':
    case 'task_notification':
      readSubagent(reading, line);
      return;
    case 'compact_boundary':
      reading.emit({ kind: 'note', level: 'info', text: 'The engine summarised its conversation.' });
      return;
    default:
      return;
  }
}

/**
 * Its tasks are also shells and others in the background: only what begins as an agent is a subagent, and the host leaves
 * out what it has not seen begin.
 */
function readSubagent(reading: Reading, { subtype, task_type, task_id, ...line }: Line): void {
  if (typeof task_id !== 'string' || (subtype === 'task_started' && task_type !== 'local_agent')) return;
  const { description, prompt, status, usage } = line;
  const tokens = (usage as Record<string, unknown> | undefined)?.total_tokens;
  const used = Number.isSafeInteger(tokens) ? { tokens: tokens as number } : {};
  if (subtype === 'task_started') {
    const label = typeof description === 'string' ? { label: description } : {};
    const task = typeof prompt === 'string' ? { task: prompt } : {};
    reading.emit({ kind: 'subagent', id: task_id, phase: 'began', ...label, ...task });
  } else if (subtype === 'task_progress')
    reading.emit({ kind: 'subagent', id: task_id, phase: 'working', ...used });
  else {
    const outcome = status === 'completed' ? 'done' : status === 'failed' ? 'failed' : 'interrupted';
    reading.emit({ kind: 'subagent', id: task_id, phase: 'ended', ...used, outcome });
  }
}

function readSessionState(reading: Reading, state: string): void {
  if (state === 'running') reading.working('session state: running');
  else if (state === 'idle') reading.activity('idle', 'session state: idle');
  else if (state === 'requires_action') {
    reading.activity('waiting-for-operator', 'session state: requires action');
  }
}

function readServers(reading: Reading, value: unknown): void {
  if (!Array.isArray(value)) return;
  const servers = value.map(({ name, status }) => ({ name: String(name), status: String(status) }));
  const seen = JSON.stringify(servers);
  if (seen === reading.state.servers) return;
  reading.state.servers = seen;
  reading.emit({ kind: 'mcp-status', servers });
}
