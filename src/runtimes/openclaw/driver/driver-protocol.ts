/**
 * What the runtime, its driver and the plugin inside the gateway say to each other. The driver's own lines on stdout are
 * ObservedEvents (event-lines.ts), and one line more (DoorLine). Types and constants only: all sides import it.
 */
import type { PermissionSpec } from '../../runtime.ts';

export type { ObservedEvent, PermissionSpec } from '../../runtime.ts';
export type { TurnOutcome } from '../../turn-habits.ts';

export const DRIVER_PROTOCOL = 1;

/** After so long without an answer OpenClaw refuses the call by itself. */
export const GATE_WAIT_MS = 7 * 24 * 3_600_000;
/** OpenClaw goes on without what a plugin adds to a prompt after 15 seconds, the role included. */
export const CONTEXT_WAIT_MS = 12_000;

/** The settings file of one driver, named by `--settings FILE`. Holds no secret. */
export interface DriverSettings {
  protocol: typeof DRIVER_PROTOCOL;
  /** Name of the conversation. */
  session: string;
  /** OpenClaw's key of it. */
  sessionKey: string;
  /** It may exist. */
  resumed: boolean;
  /** Of Aether, which the gateway is told. */
  version: string;
  /** Arguments of Node for the gateway, but its port. */
  gateway: string[];
  /** From where alone the gateway loads code. */
  code: string[];
  /** Where the gateway is started; not the workspace, whose .env it would read. */
  directory: string;
  /** Of the environment, what the gateway is not given. */
  hiddenEnv: string[];
  permissions: PermissionSpec;
  /** Model requests in one turn; null: no limit of ours. */
  steps_max: number | null;
}

/** Runtime → driver: one JSON line each. */
export type DriverRequest =
  /** `id` null: the host's own opening, of which no receipt is expected. */
  | { type: 'message'; id: string | null; text: string; priority: 'now' | 'next' | 'later' }
  | { type: 'interrupt'; requestId: string }
  | { type: 'permission'; requestId: string; allow: boolean; message: string | null }
  | {
      type: 'gate';
      requestId: string;
      verdict: 'pass' | 'allow' | 'deny' | 'stop';
      message: string | null;
    }
  | { type: 'cancel'; id: string }
  /** What is remembered; null: nothing. */
  | { type: 'recall'; requestId: string; text: string | null }
  /** Lets one terminal in, which shows a ticket of this SHA-256 (hexadecimal). */
  | { type: 'admit'; ticket: string };

/** Driver → runtime: where a terminal is let in, on 127.0.0.1. Kept in the engine's state. */
export interface DoorLine {
  kind: 'door';
  port: number;
}

/** Plugin → driver, over the channel that Node gives a child. */
export type PluginNotice =
  /** It is registered: no tool runs without it. */
  | { type: 'gate' }
  /** The gateway listens. */
  | { type: 'listening'; port: number }
  | {
      type: 'ask';
      id: string;
      tool: string;
      input: unknown;
      toolUseId: string | null;
      sessionKey: string | null;
    }
  /** It no longer waits for the answer. */
  | { type: 'left'; id: string }
  /** Its answer has had effect. */
  | { type: 'past'; id: string }
  /** What a tool answered, that ran or did not. */
  | { type: 'result'; toolUseId: string; text: string; isError: boolean }
  /** A model request is made, which carries the conversation as it is; `began` false: it is answered. */
  | { type: 'request'; sessionKey: string | null; began: boolean }
  | { type: 'subagent'; key: string; what: 'began' | 'ended'; label: string }
  /** A prompt waits for what is to stand before it. */
  | { type: 'prompt'; id: string; sessionKey: string | null; prompt: string }
  /** A conversation was summarised. */
  | { type: 'compacted'; sessionKey: string | null };

/** Driver → plugin. */
export type PluginOrder =
  /** `refusal` null: the tool may run. */
  | { type: 'answer'; id: string; refusal: string | null }
  /** Stands before the prompt; null: nothing does. */
  | { type: 'context'; id: string; text: string | null }
  /** What was left of an earlier gateway is ended: it may reach a model. */
  | { type: 'open' }
  /** The gateway is to end. */
  | { type: 'stop' };

/** What the guard is told, in this variable. */
export const GUARD_VARIABLE = 'AETHER_OPENCLAW_GUARD';

export type GuardSettings = {
  /** From where alone code is loaded. */
  code: string[];
} & ({ for: 'gateway'; key: string } | { for: 'terminal' });

/** A request to the gateway carries the driver's key in it. */
export const KEY_HEADER = 'x-aether-key';

/** How the gateway is reached. Both secrets are of one gateway, and known to it and to its driver alone. */
export interface GatewayAccess {
  port: number;
  /** What the gateway asks of each client. */
  token: string;
  /** What its guard asks of each request, before. */
  key: string;
}
