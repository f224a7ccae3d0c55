/** One agent as it is written, over its template and the defaults → AgentConfig, everything explicit. */
import { join } from 'node:path';
import type { AuthForm, Written } from '../../runtimes/definition.ts';
import { definitionOf } from '../../runtimes/installed.ts';
import type { InheritSpec, PermissionSpec } from '../../runtimes/runtime.ts';
import { limits } from '../limits.ts';
import { pathFault } from '../written-path.ts';
import { durationInMs } from './duration.ts';
import { resolvePath } from './paths.ts';
import type { RawAgent, RawConfig } from './schema.ts';
import { quoteValue } from './secrets.ts';
import type { Template } from './templates.ts';
import type {
  AgentConfig,
  AuthConfig,
  NetworkConfig,
  RestartConfig,
  SandboxConfig,
  WatchdogConfig,
} from './types.ts';

export type RawDefaults = NonNullable<RawConfig['defaults']>;
type Layer = Partial<Omit<RawAgent, 'template'>>;

export interface Surroundings {
  /** Directory of the file. */
  dir: string;
  home: string;
}

/** @param own the agent's template, or that of the defaults when it names none; null without one. */
export function normalise(
  name: string,
  raw: RawAgent,
  defaults: RawDefaults,
  template: Readonly<Template> | null,
  { dir, home }: Surroundings,
): AgentConfig {
  const runtime = raw.runtime ?? defaults.runtime;
  if (runtime === undefined) throw new Error(`agent ${name} has no runtime: validate first`);
  const below: Layer = template
    ? {
        role: template.role,
        tools: template.tools,
        permissions: template.per_runtime?.[runtime]?.permissions ?? template.permissions,
        limits: template.limits,
        restart: template.restart,
      }
    : {};
  // Nearest first. A template the agent chose is nearer than the defaults; one the defaults chose is not.
  const layers: Layer[] = raw.template === undefined ? [raw, defaults, below] : [raw, below, defaults];
  const pick = <K extends keyof Layer>(key: K): Layer[K] | undefined =>
    layers.find((layer) => layer[key] !== undefined)?.[key];

  const model = pick('model') ?? null;
  const rules = definitionOf(runtime).config;
  const shared = defaults.auth;
  // One from the defaults that the engine cannot use is left out.
  const fits = shared !== undefined && rules.login.misfit(authForm(shared), model, name) === null;
  const auth = raw.auth ?? (fits ? shared : undefined);
  return {
    name,
    runtime,
    goal: pick('goal') ?? null,
    template: template?.name ?? null,
    role: pick('role') ?? null,
    model,
    workspace:
      raw.workspace === undefined ? join(dir, 'workspaces', name) : resolvePath(raw.workspace, dir, home),
    shared: pick('shared') ?? false,
    env: { ...defaults.env, ...raw.env },
    auth: normaliseAuth(auth, dir, home),
    inherit: normaliseInherit(pick('inherit')),
    ...(pick('trust') === true ? { trust: true as const } : {}),
    tools: normaliseTools(pick('tools')),
    permissions: mergePermissions(layers),
    restart: mergeRestart(layers),
    limits: { steps_max: layers.find((layer) => layer.limits?.steps_max)?.limits?.steps_max ?? null },
    options: rules.options(writtenKeys(`agents.${name}`, raw, defaults, { dir, home })),
    sandbox: mergeSandbox([raw, defaults], (path) => resolvePath(path, dir, home)),
    autostart: pick('autostart') ?? true,
    wake: pick('wake') ?? true,
    watchdog: mergeWatchdog(layers),
    network: normaliseNetwork(pick('network')),
    ports: [...new Set(pick('ports'))],
  };
}

/** The keys of an agent for its runtime. */
export function writtenKeys(
  where: string,
  raw: RawAgent,
  defaults: RawDefaults,
  { dir, home }: Surroundings,
): Written {
  const [own, shared] = [raw, defaults] as Record<string, unknown>[];
  return {
    where,
    get: (key) => own![key] ?? shared![key],
    path: (written) => resolvePath(written, dir, home),
    pathFault,
    quote: quoteValue,
  };
}

/** The short form is the name of a variable. */
export function authForm(raw: NonNullable<RawAgent['auth']>): AuthForm {
  return typeof raw === 'string' ? { env: raw } : raw;
}

function normaliseAuth(written: RawAgent['auth'], dir: string, home: string): AuthConfig | null {
  if (written === undefined) return null;
  const raw = authForm(written);
  if (raw.env !== undefined) return { env: raw.env };
  if (raw.file !== undefined) return { file: resolvePath(raw.file, dir, home) };
  if (raw.oauth_env !== undefined) return { oauthEnv: raw.oauth_env };
  if (raw.oauth_file !== undefined) return { oauthFile: resolvePath(raw.oauth_file, dir, home) };
  return raw.provider === undefined ? null : { provider: raw.provider };
}

function normaliseInherit(raw: RawAgent['inherit']): InheritSpec {
  const has = (what: 'instructions' | 'settings' | 'mcp_servers' | 'skills') =>
    raw === 'all' || (Array.isArray(raw) && raw.includes(what));
  return {
    instructions: has('instructions'),
    settings: has('settings'),
    mcpServers: has('mcp_servers'),
    skills: has('skills'),
  };
}

function normaliseNetwork(raw: RawAgent['network']): NetworkConfig {
  return Array.isArray(raw) ? [...new Set(raw)] : (raw ?? 'full');
}

function normaliseTools(raw: RawAgent['tools']): string[] | null {
  if (raw === undefined || raw === 'all') return null;
  return raw === 'none' ? [] : [...new Set(raw)];
}

/** By field: an agent that only changes the mode keeps the template's rules. */
function mergePermissions(layers: readonly Layer[]): PermissionSpec {
  const specs: Partial<PermissionSpec>[] = layers.map(({ permissions }) =>
    typeof permissions === 'string' ? { mode: permissions } : (permissions ?? {}),
  );
  return {
    mode: specs.find((spec) => spec.mode)?.mode ?? 'ask',
    allow: [...(specs.find((spec) => spec.allow)?.allow ?? [])],
    deny: [...(specs.find((spec) => spec.deny)?.deny ?? [])],
  };
}

function mergeRestart(layers: readonly Layer[]): RestartConfig {
  const specs = layers.flatMap(({ restart }) =>
    restart === undefined ? [] : [typeof restart === 'string' ? { policy: restart } : restart],
  );
  const stable_ms = specs.find((spec) => spec.stable_ms !== undefined)?.stable_ms;
  return {
    policy: specs.find((spec) => spec.policy)?.policy ?? 'on-failure',
    attempts_max: specs.find((spec) => spec.attempts)?.attempts ?? limits.restart_attempts_max,
    ...(stable_ms === undefined || stable_ms === limits.restart_stable_ms ? {} : { stable_ms }),
  };
}

/** By field: an agent that only adds a path keeps the kind of the defaults. */
function mergeSandbox(layers: readonly Layer[], absolute: (path: string) => string): SandboxConfig {
  const specs = layers.flatMap(({ sandbox }) =>
    sandbox === undefined ? [] : [typeof sandbox === 'string' ? { kind: sandbox } : sandbox],
  );
  const pick = <K extends keyof (typeof specs)[number]>(key: K) =>
    specs.find((spec) => spec[key] !== undefined)?.[key];
  const kind = pick('kind') ?? 'auto';
  return {
    kind,
    // A kind that is named is never silently replaced by another.
    required: kind === 'auto' ? (pick('required') ?? false) : kind !== 'none',
    read: (pick('read') ?? []).map(absolute),
    write: (pick('write') ?? []).map(absolute),
    toolchains: pick('inherit') !== 'none',
    debug: pick('debug') ?? false,
  };
}

function mergeWatchdog(layers: readonly Layer[]): WatchdogConfig | null {
  const written = layers.flatMap(({ watchdog }) => (watchdog === undefined ? [] : [watchdog]));
  if (written[0] === 'off') return null;
  const specs: { after?: string | undefined; action?: WatchdogConfig['action'] | undefined }[] = written
    .filter((one) => one !== 'off')
    .map((one) => (typeof one === 'string' ? { action: one } : one));
  const after = specs.find((spec) => spec.after !== undefined)?.after;
  return {
    after_ms: after === undefined ? limits.watchdog_after_ms : durationInMs(after),
    action: specs.find((spec) => spec.action !== undefined)?.action ?? 'report',
  };
}
