/**
 * A plugin of OpenClaw, loaded into the gateway's own process: no tool call runs before the driver has answered, whether
 * it is a command, a file, an MCP tool or a subagent's; and what is remembered stands before a prompt. It speaks over the channel that Node gives a child, which no
 * other process can open. OpenClaw refuses a call whose hook fails or takes too long; without the driver it refuses all.
 */
import { randomUUID } from 'node:crypto';
import { cutText } from '../../../host/text.ts';
import { textOf } from './blocks.ts';
import { CONTEXT_WAIT_MS, GATE_WAIT_MS, type PluginNotice, type PluginOrder } from './driver-protocol.ts';

/** What is used of OpenClaw's plugin interface. */
interface Api {
  /** As configured: who the agent is. */
  pluginConfig?: { role?: string };
  on(
    hook: string,
    handler: (event: HookEvent, context: HookContext) => unknown,
    options?: { priority?: number; timeoutMs?: number },
  ): void;
}
interface HookEvent {
  toolName?: string;
  params?: unknown;
  toolCallId?: string;
  result?: { content?: unknown; details?: { status?: unknown } };
  error?: string;
  port?: number;
  childSessionKey?: string;
  targetSessionKey?: string;
  label?: string;
  prompt?: string;
  /** 0: nothing was left out. */
  compactedCount?: number;
}
interface HookContext {
  sessionKey?: string;
  abortSignal?: AbortSignal;
}

const FIRST = 1_000_000;
const GONE = 'No driver is left that could allow this.';
/** From the answer for the last call of a response to the start of its tools, with a margin. */
const LAUNCH_MS = 100;
/** More of a prompt says nothing that is looked for. */
const PROMPT_CHARS_MAX = 8_000;
/** What OpenClaw says of a call that it did not start. */
const NOT_RUN: unknown[] = ['skipped', 'blocked'];
/** Of what is told of a subagent. */
const LABEL_CHARS_MAX = 200;
const RESULT_CHARS_MAX = 256 * 1024;

const waiting = new Map<string, (refusal: string | null) => void>();
const prompts = new Map<string, (text: string | null) => void>();
function tell(notice: PluginNotice): void {
  process.send?.(notice);
}

/** Of the gateway alone: a terminal loads this file, too. @param letGo it may reach a model */
export function followDriver(letGo: () => void): void {
  process.on('message', (order: PluginOrder) => {
    if (order.type === 'open') letGo();
    else if (order.type === 'answer') waiting.get(order.id)?.(order.refusal);
    else if (order.type === 'context') prompts.get(order.id)?.(order.text);
  });
  // The driver is dead: this process has no work left.
  process.on('disconnect', () => {
    for (const refuse of waiting.values()) refuse(GONE);
    process.exit(1);
  });
}

function ask(event: HookEvent, { sessionKey, abortSignal }: HookContext): Promise<string | null> {
  if (!process.connected) return Promise.resolve(GONE);
  const id = randomUUID();
  return new Promise((resolve) => {
    const leave = () => {
      tell({ type: 'left', id });
      settle(GONE);
    };
    const settle = (refusal: string | null) => {
      waiting.delete(id);
      abortSignal?.removeEventListener('abort', leave);
      resolve(refusal);
      setTimeout(() => tell({ type: 'past', id }), LAUNCH_MS);
    };
    waiting.set(id, settle);
    tell({
      type: 'ask',
      id,
      tool: event.toolName ?? '',
      input: event.params ?? {},
      toolUseId: event.toolCallId ?? null,
      sessionKey: sessionKey ?? null,
    });
    if (abortSignal?.aborted) leave();
    else abortSignal?.addEventListener('abort', leave);
  });
}

/** @returns what is to stand before the prompt. OpenClaw goes on without it where this takes too long. */
function contextOf({ prompt = '' }: HookEvent, sessionKey: string | null): Promise<string | null> {
  if (!process.connected) return Promise.resolve(null);
  const id = randomUUID();
  return new Promise((resolve) => {
    const settle = (text: string | null) => {
      clearTimeout(timer);
      prompts.delete(id);
      resolve(text);
    };
    const timer = setTimeout(settle, CONTEXT_WAIT_MS, null);
    prompts.set(id, settle);
    tell({ type: 'prompt', id, sessionKey, prompt: cutText(prompt, { chars_max: PROMPT_CHARS_MAX }) });
  });
}

const labelOf = (event: HookEvent): string => cutText(event.label ?? '', { chars_max: LABEL_CHARS_MAX });

export default {
  id: 'aether-gate',
  name: 'Aether gate',
  description: 'Asks the host before every tool call.',
  register(api: Api) {
    // The commands of the agent are given this process's variables: the gateway has read the token by now.
    delete process.env.OPENCLAW_GATEWAY_TOKEN;
    api.on(
      'before_tool_call',
      async (event, context) => {
        const refusal = await ask(event, context);
        return refusal === null ? undefined : { block: true, blockReason: refusal };
      },
      { priority: FIRST, timeoutMs: GATE_WAIT_MS },
    );
    api.on('gateway_start', ({ port }) => {
      if (port !== undefined) tell({ type: 'listening', port });
    });
    api.on('after_tool_call', ({ toolCallId, result, error }) => {
      if (toolCallId === undefined) return;
      const text = cutText(textOf(result?.content) || (error ?? ''), { chars_max: RESULT_CHARS_MAX });
      const isError = error !== undefined || NOT_RUN.includes(result?.details?.status);
      tell({ type: 'result', toolUseId: toolCallId, text, isError });
    });
    const role = api.pluginConfig?.role;
    api.on('before_prompt_build', async (event, { sessionKey }) => {
      const text = await contextOf(event, sessionKey ?? null);
      return {
        ...(role === undefined ? {} : { appendSystemContext: role }),
        ...(text === null ? {} : { prependContext: text }),
      };
    });
    api.on('after_compaction', ({ compactedCount }, { sessionKey }) => {
      if (compactedCount !== 0) tell({ type: 'compacted', sessionKey: sessionKey ?? null });
    });
    const request =
      (began: boolean) =>
      (_event: HookEvent, { sessionKey }: HookContext) =>
        tell({ type: 'request', sessionKey: sessionKey ?? null, began });
    api.on('model_call_started', request(true));
    api.on('model_call_ended', request(false));
    api.on('subagent_spawned', (event) =>
      tell({ type: 'subagent', key: event.childSessionKey ?? '', what: 'began', label: labelOf(event) }),
    );
    api.on('subagent_ended', (event) =>
      tell({ type: 'subagent', key: event.targetSessionKey ?? '', what: 'ended', label: labelOf(event) }),
    );
    tell({ type: 'gate' });
  },
};
