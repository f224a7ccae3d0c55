/**
 * What the builtin runtime and its loop program say to each other. Settings go in a file, requests on stdin,
 * and every line on stdout is one ObservedEvent. Types and constants only: both sides import it.
 */
import type { PermissionSpec } from '../../runtime.ts';

export type { ObservedEvent, PermissionSpec } from '../../runtime.ts';

export const LOOP_PROTOCOL = 1;

/** The settings file of one process, named by `--settings FILE`. Holds no secret: keys are in the environment. */
export interface LoopSettings {
  protocol: typeof LOOP_PROTOCOL;
  agent: string;
  /** Name of the conversation, and of its file. */
  session: string;
  /** Absolute path of the conversation (JSON lines, append-only). */
  conversation: string;
  /** Who the agent is. */
  role: string | null;
  /** `anthropic:NAME`, `openai:NAME`, `gemini:NAME`, `ollama:NAME` or `replay:/absolute/file.json`. */
  model: string;
  /** Absolute. */
  workspace: string;
  permissions: PermissionSpec;
  /** Model requests in one turn. */
  steps_max: number;
  retry: RetrySettings;
  /** The aether MCP server, started over stdio. */
  mcp: { command: string; args: string[] };
  /** Variables that neither commands nor the MCP server may see, and whose values never appear in output. */
  hiddenEnv: string[];
}

export interface RetrySettings {
  attempts_max: number;
  delay_ms_min: number;
  delay_ms_max: number;
}

/** Runtime → loop: one JSON line each. */
export type LoopRequest =
  /** `id` null: the host's own opening, of which no receipt is expected. */
  | { type: 'message'; id: string | null; text: string; priority: Priority }
  | { type: 'interrupt'; requestId: string }
  | {
      type: 'permission';
      requestId: string;
      allow: boolean;
      message: string | null;
    }
  /** allow: a person allowed it, so no person is asked again. */
  | { type: 'gate'; requestId: string; verdict: 'pass' | 'allow' | 'deny'; message: string | null }
  /** Of what is remembered; null: nothing. */
  | { type: 'recall'; requestId: string; text: string | null }
  /** Takes back a message that has not become part of the conversation. */
  | { type: 'cancel'; id: string };

export type Priority = 'now' | 'next' | 'later';
