/**
 * What the gateway is configured with: one agent, on loopback, with the tools of an agent that works in a directory.
 * What would act by itself is off: heartbeat, schedules, dreaming, recaps, updates, telemetry, discovery, channels.
 */
import { AetherError } from '../../host/errors.ts';
import type { AgentSpec, FileSpec, RunPlace } from '../runtime.ts';
import { MODEL_FORMS, type Provider, providerOf } from './models.ts';
import { pathsOf } from './paths.ts';

/** Besides those of the aether server. What steers the gateway itself, or speaks to other people, is left out. */
const TOOLS = [
  'group:fs',
  'group:runtime',
  'group:web',
  'ls',
  'bundle-mcp',
  'view_image',
  'sessions_spawn',
  'sessions_yield',
  'subagents',
  'session_status',
];
const NEVER = ['secrets', 'gateway', 'plugins', 'openclaw', 'automations', 'nodes', 'terminal', 'message'];

/** @throws AetherError `openclaw.model` */
export function modelOf(agent: AgentSpec): { model: string; provider: Provider } {
  const provider = providerOf(agent.model);
  if (agent.model === null || provider === null)
    throw new AetherError({
      code: 'openclaw.model',
      who: 'config',
      message: `${agent.name} has no model of OpenClaw.`,
      next: `Write \`model:\` with one of ${MODEL_FORMS}.`,
    });
  return { model: agent.model, provider };
}

export function configFile(agent: AgentSpec, place: RunPlace, env: Record<string, string>): FileSpec {
  const paths = pathsOf(place);
  const { model, provider } = modelOf(agent);
  const config = {
    gateway: {
      mode: 'local',
      bind: 'loopback',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the syntax of the file: the driver makes the token.
      auth: { mode: 'token', token: '${OPENCLAW_GATEWAY_TOKEN}' },
      // What it was started with counts, whatever is written there later.
      reload: { mode: 'off' },
      controlUi: { enabled: false },
    },
    models: { mode: 'merge', catalogRefresh: { enabled: false }, providers: addressed(provider, model, env) },
    agents: {
      defaults: {
        workspace: homeOf(agent, place),
        model: { primary: model },
        skipBootstrap: true,
        utilityModel: '',
        heartbeat: { every: '0m' },
      },
    },
    mcp: { servers: { aether: { command: place.mcp.command, args: place.mcp.args } } },
    // Its own approvals are not asked for: the plugin asks before every tool, and the agent's rules decide there.
    tools: { toolSearch: false, exec: { mode: 'full' }, allow: TOOLS, deny: NEVER },
    plugins: {
      // Of these names the gate is the one of this path, and the provider the one that comes with OpenClaw, wherever an
      // agent puts others.
      allow: ['aether-gate', provider.name],
      slots: { memory: 'none' },
      load: { paths: [paths.gate] },
      entries: {
        'aether-gate': {
          enabled: true,
          hooks: { allowConversationAccess: true },
          ...(agent.role === null ? {} : { config: { role: agent.role } }),
        },
      },
    },
    cron: { enabled: false },
    skills: { workshop: { autonomous: { mode: 'off' } } },
    telemetry: { enabled: false },
    update: { checkOnStart: false },
    logging: { file: `${paths.tmp}/gateway.log` },
  };
  return { path: paths.config, mode: 0o600, content: `${JSON.stringify(config, null, 2)}\n` };
}

/**
 * Instructions, skills and plugins are read from what OpenClaw calls the workspace: the agent's own only where it trusts its
 * repository. Otherwise its conversation begins there all the same.
 */
export function homeOf(agent: AgentSpec, place: RunPlace): string {
  return agent.trust ? agent.workspace : pathsOf(place).own;
}

/** A provider at its usual address is known to OpenClaw. */
function addressed(provider: Provider, model: string, env: Record<string, string>): object {
  const baseUrl = provider.baseUrl === null ? undefined : env[provider.baseUrl];
  if (!baseUrl || provider.api === null) return {};
  const id = model.slice(provider.name.length + 1);
  return {
    [provider.name]: {
      baseUrl,
      apiKey: `\${${provider.key}}`,
      api: provider.api,
      models: [{ id, name: id }],
    },
  };
}

/** The ticket of a terminal, in its environment. */
export const TICKET_VARIABLE = 'AETHER_TERMINAL_TICKET';

/** A terminal knows of a gateway elsewhere, and of nothing else. @param port where it is let in */
export function terminalConfigFile(place: RunPlace, port: number): FileSpec {
  const url = `ws://127.0.0.1:${port}`;
  const config = {
    gateway: { mode: 'remote', remote: { transport: 'direct', url, token: `\${${TICKET_VARIABLE}}` } },
    telemetry: { enabled: false },
    update: { checkOnStart: false },
  };
  return {
    path: pathsOf(place).terminalConfig,
    mode: 0o600,
    content: `${JSON.stringify(config, null, 2)}\n`,
  };
}
