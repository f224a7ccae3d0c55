/**
 * The gate: a PreToolUse hook that is registered over the structured channel, so that Claude Code asks on its own
 * output before each tool — subagents' and MCP tools too — and waits on its input. Verified against 2.1.329: no answer,
 * no tool; when its time-out has passed, or its input ends, the call is refused. It is in no file and not in the
 * environment, and no setting (disableAllHooks, a hook of the workspace that allows) opens it.
 */
import { isAbsolute, join } from 'node:path';
import { limits } from '../../host/limits.ts';
import type { CallFacts, Frame, GateAnswer, RecallMoment } from '../runtime.ts';
import { recallAnswer, recallHooks } from './recall.ts';

export const GATE_CALLBACK = 'aether-gate';
/** Asked before a file of settings or a skill that changed meanwhile is taken up. Never answered, which refuses it. */
export const CHANGE_CALLBACK = 'aether-change';
/** Answers to these requests say nothing. */
export const GATE_REQUEST = 'aether-gate:';

/** Prefix of the tools of the aether server. */
const AETHER = 'mcp__aether__';

/**
 * Tools that ask for no permission even where everything is asked, because they steer the engine itself. A subagent's own
 * tools come to the gate one by one.
 */
const STEERS = new Set([
  'Agent',
  'BashOutput',
  'EnterPlanMode',
  'ListMcpResourcesTool',
  'ReportFindings',
  'Task',
  'TaskCreate',
  'TaskGet',
  'TaskList',
  'TaskOutput',
  'TaskStop',
  'TaskUpdate',
  'TodoWrite',
  'ToolSearch',
]);

/** Tools that look around, and the argument that says where: without it, in the working directory. */
const LOOKS: Record<string, string> = { Glob: 'path', Grep: 'path', LS: 'path', Read: 'file_path' };

/**
 * For the `initialize` request.
 * @param prompts its process has had no prompt yet
 */
export function engineHooks(prompts: boolean): object {
  // In seconds. Beyond 2^31 ms a timer would fire at once.
  const timeout = Math.min(2_000_000, Math.ceil(limits.gate_wait_ms / 1_000));
  return {
    PreToolUse: [{ hookCallbackIds: [GATE_CALLBACK], timeout, onFailure: 'block' }],
    ConfigChange: [{ hookCallbackIds: [CHANGE_CALLBACK], timeout: 1, onFailure: 'block' }],
    ...recallHooks(prompts ? timeout : null),
  };
}

/** A later `initialize` with hooks puts them in the place of the earlier ones; one without leaves them. */
export function installGateFrame(requestId: string): Frame {
  return { id: requestId, data: hooksLine(requestId, true), handshake: true };
}

/** Answers what the engine asks before its first prompt; with that the hook on prompts is taken out. */
export function recallFrame(answer: { requestId: string; at: RecallMoment; text: string | null }): Frame {
  const id = `recall:${answer.requestId}`;
  const rest = answer.at === 'compaction' ? '' : hooksLine(id, false);
  return { id, data: recallAnswer(answer) + rest };
}

function hooksLine(requestId: string, prompts: boolean): string {
  return `${JSON.stringify({
    type: 'control_request',
    request_id: `${GATE_REQUEST}${requestId}`,
    request: { subtype: 'initialize', hooks: engineHooks(prompts) },
  })}\n`;
}

/** Never an error response: Claude Code takes one for an empty answer and runs the tool. */
export function gateFrame({ requestId, verdict, message }: GateAnswer): Frame {
  return {
    id: `gate:${requestId}`,
    data: `${JSON.stringify({
      type: 'control_response',
      response: { subtype: 'success', request_id: requestId, response: hookOutput(verdict, message) },
    })}\n`,
  };
}

function hookOutput(verdict: GateAnswer['verdict'], message: string | null): object {
  if (verdict === 'pass') return {};
  const decision = {
    hookEventName: 'PreToolUse',
    permissionDecision: verdict === 'allow' ? 'allow' : 'deny',
    permissionDecisionReason: message ?? (verdict === 'allow' ? 'the operator allowed it' : 'not allowed'),
  };
  // Ends the turn right there, without another model request.
  const end = verdict === 'stop' ? { continue: false, stopReason: message ?? 'held' } : {};
  return { ...end, hookSpecificOutput: decision };
}

export function callFacts(tool: string, input: unknown): CallFacts {
  const shell = tool === 'Bash';
  const { command, file_path, notebook_path } = (input ?? {}) as Record<string, unknown>;
  const subject = shell ? command : (file_path ?? notebook_path);
  return {
    aether: tool.startsWith(AETHER) ? tool.slice(AETHER.length) : null,
    looks: looksAt(tool, input),
    subject: typeof subject === 'string' ? subject : null,
    shell,
  };
}

function looksAt(tool: string, input: unknown): string[] | null {
  if (STEERS.has(tool)) return [];
  if (!Object.hasOwn(LOOKS, tool)) return null;
  const given = (input ?? {}) as Record<string, unknown>;
  const path = given[LOOKS[tool]!] ?? '.';
  if (!isPlain(path)) return null;
  if (tool !== 'Glob') return [path];
  // A pattern is searched for below the fixed directories that it begins with.
  const { pattern } = given;
  if (!isPlain(pattern)) return null;
  const fixed = pattern.replace(/[^/]*[*?[\]{}!()\\].*$/s, '');
  return [path, isAbsolute(fixed) ? fixed : join(path, fixed)];
}

/** The program trims a path, composes its letters and expands ~: one that this would change is another than it looks. */
const isPlain = (path: unknown): path is string =>
  typeof path === 'string' &&
  path === path.trim().normalize('NFC') &&
  !path.startsWith('~') &&
  !/[\u0000-\u001f]|\.\./.test(path);
