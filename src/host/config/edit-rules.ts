/**
 * What an edit of each key may do while the host runs. A file that agents can reach must not give any of them more
 * than an operator gave: an edit applies by itself only as far as it narrows, and the rest waits for `aether apply`.
 */
import type { PermissionSpec } from '../../runtimes/runtime.ts';
import { limits } from '../limits.ts';
import { narrowedNetwork, networkEffect, networkOf, portsOf } from './network.ts';
import { ownKey } from './runtime-keys.ts';
import { sandboxOf } from './sandbox.ts';
import type { AgentConfig, FleetSettings, RestartConfig, SandboxConfig, WatchdogConfig } from './types.ts';

type Effect = 'restart' | 'live';

export interface EditRule<T> {
  /** restart: the engine is started with it. live: the host reads it whenever it needs it. */
  effect: Effect | ((applied: T, wanted: T) => Effect);
  /** The part of the edit that narrows; `applied` where nothing of it does. */
  narrowed(applied: T, wanted: T): T;
  /** Why the rest waits, said after the name of the key. */
  waits: string;
}

type Key = Exclude<keyof AgentConfig, 'name' | 'options'>;
type Rules = { [K in Key]-?: EditRule<NonNullable<AgentConfig[K]> | Extract<AgentConfig[K], null>> };

const nothing = <T>(applied: T): T => applied;
const offOnly = (applied: boolean, wanted: boolean): boolean => applied && wanted;
/** Of two values of a scale that begins with the strictest. */
const stricter = <T>(scale: readonly T[], one: T, other: T): T =>
  scale.indexOf(one) <= scale.indexOf(other) ? one : other;

const RULES: Rules = {
  runtime: { effect: 'restart', narrowed: nothing, waits: 'runs another engine' },
  model: { effect: 'restart', narrowed: nothing, waits: 'sends its conversation to another model' },
  workspace: { effect: 'restart', narrowed: nothing, waits: 'gives it another directory' },
  template: { effect: 'restart', narrowed: nothing, waits: 'fills in other keys' },
  // Text in the operator's name: no sender's authority limits what it makes the agent do.
  goal: { effect: 'live', narrowed: nothing, waits: 'speaks to it as the operator' },
  role: { effect: 'restart', narrowed: nothing, waits: 'speaks to it as the operator' },
  // A variable that is taken away may be one that limits: an address, a safe mode.
  env: { effect: 'restart', narrowed: nothing, waits: 'gives its processes other variables' },
  auth: { effect: 'restart', narrowed: nothing, waits: 'gives it another log-in' },
  // The user's own settings may hold rules that deny: leaving them out is not narrower.
  inherit: { effect: 'restart', narrowed: nothing, waits: 'gives it other parts of your own setup' },
  trust: { effect: 'restart', narrowed: nothing, waits: 'runs what the repository in its workspace sets up' },
  permissions: { effect: 'restart', narrowed: narrowedPermissions, waits: 'lets more run without asking' },
  limits: {
    effect: 'restart',
    // Without a number the engine's own limit holds, which is not known here and may be lower.
    narrowed: (applied, wanted) =>
      applied.steps_max !== null && wanted.steps_max !== null && wanted.steps_max < applied.steps_max
        ? wanted
        : applied,
    waits: 'sets a limit that may be higher',
  },
  tools: { effect: 'live', narrowed: narrowedTools, waits: 'grants more tools' },
  restart: { effect: 'live', narrowed: narrowedRestart, waits: 'starts it again more often' },
  watchdog: {
    effect: 'live',
    narrowed: narrowedWatchdog,
    waits: 'watches it less, or acts when it is stuck',
  },
  sandbox: {
    effect: 'restart',
    narrowed: narrowedSandbox,
    waits: 'gives its processes another sandbox, or shows them more',
  },
  network: { effect: networkEffect, narrowed: narrowedNetwork, waits: 'lets it reach more, or other hosts' },
  ports: {
    effect: 'restart',
    narrowed: (applied, wanted) => applied.filter((port) => wanted.includes(port)),
    waits: 'shows more of its ports on this machine',
  },
  autostart: { effect: 'live', narrowed: offOnly, waits: 'starts it with the fleet' },
  wake: { effect: 'live', narrowed: offOnly, waits: 'lets mail start turns of it' },
  shared: { effect: 'live', narrowed: offOnly, waits: 'lets another agent use its workspace' },
};

/** Why an edit of what is of the whole fleet waits, said after its name. None of it narrows what an agent may do. */
export const FLEET_WAITS: { [K in keyof FleetSettings]: string } = {
  retention: 'decides what is deleted, and when',
  console: 'decides whether the host has a web page, and at which port',
  terminal: 'decides how much of a terminal is kept in memory',
  memory: 'decides what agents are given of what is remembered, and what is remembered of them',
};

/** A key of another version's configuration, or one without a rule: it waits. */
const UNKNOWN: EditRule<unknown> = { effect: 'restart', narrowed: nothing, waits: 'changes it' };

/** Every key of an agent, in the order in which changes are listed. */
export function keysOf(...configs: AgentConfig[]): string[] {
  const found = configs.flatMap((config) => [...Object.keys(config), ...Object.keys(config.options ?? {})]);
  const own = found.filter((key) => key !== 'name' && key !== 'options');
  return [...new Set([...Object.keys(RULES), ...own])];
}

/** Its value, wherever it is stored. */
export function valueOfKey(config: AgentConfig, key: string): unknown {
  const { options, ...rest } = config;
  // A record of an earlier version says what one says that leaves them out.
  const later = { sandbox: sandboxOf(config), network: networkOf(config), ports: portsOf(config) };
  return ({ ...options, ...rest, ...later } as Record<string, unknown>)[key];
}

export function ruleOf(key: string): EditRule<unknown> {
  if (Object.hasOwn(RULES, key)) return RULES[key as Key] as EditRule<unknown>;
  const own = ownKey(key);
  return own === undefined ? UNKNOWN : { ...UNKNOWN, waits: own.waits };
}

function narrowedPermissions(applied: PermissionSpec, wanted: PermissionSpec): PermissionSpec {
  return {
    mode: stricter(['deny', 'ask', 'allow'], applied.mode, wanted.mode),
    allow: wanted.allow.filter((rule) => applied.allow.includes(rule)),
    deny: [...wanted.deny, ...applied.deny.filter((rule) => !wanted.deny.includes(rule))],
  };
}

/** null grants all tools there are, also those of later versions. */
function narrowedTools(applied: string[] | null, wanted: string[] | null): string[] | null {
  if (applied === null || wanted === null) return applied ?? wanted;
  return wanted.filter((tool) => applied.includes(tool));
}

/** A path to read may lie inside one to write, which it protects: whatever changes there waits. */
function narrowedSandbox(applied: SandboxConfig, wanted: SandboxConfig): SandboxConfig {
  return {
    kind: stricter(['bubblewrap', 'auto', 'none'], applied.kind, wanted.kind),
    required: applied.required || wanted.required,
    read: applied.read,
    write: applied.write.filter((path) => wanted.write.includes(path)),
    toolchains: applied.toolchains && wanted.toolchains,
    debug: applied.debug && wanted.debug,
  };
}

function narrowedRestart(applied: RestartConfig, wanted: RestartConfig): RestartConfig {
  const [one, other] = [applied, wanted].map(({ stable_ms = limits.restart_stable_ms }) => stable_ms);
  const stable_ms = Math.max(one!, other!);
  return {
    policy: stricter(['never', 'on-failure', 'always'], applied.policy, wanted.policy),
    attempts_max: Math.min(applied.attempts_max, wanted.attempts_max),
    ...(stable_ms === limits.restart_stable_ms ? {} : { stable_ms }),
  };
}

/** Only a watch that reports: one that interrupts or restarts acts on the agent. */
function narrowedWatchdog(
  applied: WatchdogConfig | null,
  wanted: WatchdogConfig | null,
): WatchdogConfig | null {
  if (wanted?.action !== 'report') return applied;
  if (applied === null) return wanted;
  return applied.action === 'report' && wanted.after_ms < applied.after_ms ? wanted : applied;
}

/** Whether the engine has to be started again for an edit of this key. */
export function effectOf(key: string, applied: unknown, wanted: unknown): Effect {
  const { effect } = ruleOf(key);
  return typeof effect === 'function' ? effect(applied, wanted) : effect;
}
