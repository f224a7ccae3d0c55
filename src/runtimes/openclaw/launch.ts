/** How the engine and its terminal are started: argv, environment, files. */
import { createHash, randomBytes } from 'node:crypto';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AetherError } from '../../host/errors.ts';
import { NO_INSPECTOR } from '../../host/node-flags.ts';
import type { AgentSpec, EngineState, FileSpec, Frame, LaunchSpec, RunPlace } from '../runtime.ts';
import { nodeHint } from './detect.ts';
import {
  DRIVER_PROTOCOL,
  type DriverRequest,
  type DriverSettings,
  GUARD_VARIABLE,
  type GuardSettings,
} from './driver/driver-protocol.ts';
import { configFile, modelOf, TICKET_VARIABLE, terminalConfigFile } from './gateway-config.ts';
import type { Provider } from './models.ts';
import { leftovers, pathsOf, sessionKeyOf, sessionOf } from './paths.ts';
import {
  compare,
  findNode,
  findOpenClaw,
  type OpenClaw,
  type OpenClawOptions,
  VERSION_MIN,
} from './program.ts';

const DRIVER = fileURLToPath(new URL(`./driver/main${extname(import.meta.url)}`, import.meta.url));
const GUARD = ['--import', new URL(`./driver/guard${extname(import.meta.url)}`, import.meta.url).href];
/** What the driver is made of: its own files, and the packages that it imports. */
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const PACKAGE = ['package.json', 'src', 'dist', 'node_modules'].map((name) => join(ROOT, name));

/** Quiet, alone, on one machine; and under the one process that the driver knows. */
const ALONE = {
  OPENCLAW_DISABLE_BONJOUR: '1',
  OPENCLAW_NO_RESPAWN: '1',
  OPENCLAW_SKIP_CHANNELS: '1',
  OPENCLAW_NO_AUTO_UPDATE: '1',
  OPENCLAW_EXEC_SHELL_SNAPSHOT: '0',
  OPENCLAW_CONFIG_READONLY: '1',
  DO_NOT_TRACK: '1',
  // Compiled code would be kept in TMPDIR, where the agent can replace it.
  NODE_DISABLE_COMPILE_CACHE: '1',
};

/** A `.env` in the workspace could name a proxy for the way to the gateway. */
const DIRECT = { NO_PROXY: 'localhost,127.0.0.1,::1', no_proxy: 'localhost,127.0.0.1,::1' };

interface Program {
  node: string;
  openclaw: OpenClaw;
}

/** @throws AetherError `openclaw.missing`, `openclaw.version`, `openclaw.node`, `openclaw.model`, `openclaw.login` */
export async function engineSpec(
  agent: AgentSpec,
  place: RunPlace,
  state: EngineState | null,
  resume: { note: string } | null,
  version: string,
): Promise<LaunchSpec> {
  const { node, openclaw } = await programOf(agent, place);
  const paths = pathsOf(place);
  const env = environment(agent, place);
  const { provider } = modelOf(agent);
  const session = sessionOf(place, resume === null ? null : state);
  const settings: DriverSettings = {
    protocol: DRIVER_PROTOCOL,
    session,
    sessionKey: sessionKeyOf(session),
    resumed: resume !== null,
    version,
    gateway: [NO_INSPECTOR, ...GUARD, openclaw.entry, 'gateway', 'run'],
    code: codeOf(openclaw),
    directory: paths.start,
    hiddenEnv: [],
    permissions: agent.permissions,
    steps_max: agent.limits.steps_max,
  };
  const opening = resume === null ? agent.goal : resume.note;
  return {
    process: {
      role: 'engine',
      argv: [node, NO_INSPECTOR, DRIVER, '--settings', paths.settings],
      env,
      cwd: agent.workspace,
      io: { kind: 'pipes', stdio: 'socketpair' },
    },
    secretEnv: secretsOf(agent, env, provider),
    files: [
      { path: paths.settings, mode: 0o600, content: `${JSON.stringify(settings, null, 2)}\n` },
      configFile(agent, place, env),
      instructions(agent, place),
      ...gateFiles(place),
    ],
    cleared: leftovers(place),
    uses: usesOf(place, openclaw),
    // Every turn is ended within the first second; the gateway then has another for what it writes down.
    stop: { close_stdin_ms: 4_000, term_ms: 1_000, kill_ms: 5_000 },
    authNote: logIn(agent, env, provider),
    endpoints: [(provider.baseUrl === null ? undefined : env[provider.baseUrl]) || provider.address],
    opening: opening
      ? [frame('opening', { type: 'message', id: null, text: opening, priority: 'next' })]
      : [],
  };
}

/** It comes in by a ticket of its own, which the driver is told to let in. @throws AetherError as engineSpec */
export async function terminalSpec(
  agent: AgentSpec,
  place: RunPlace,
  state: EngineState,
  size: { cols: number; rows: number },
): Promise<LaunchSpec> {
  const { node, openclaw } = await programOf(agent, place);
  const { door } = state;
  if (typeof door !== 'number')
    throw new AetherError({
      code: 'openclaw.not-ready',
      who: 'runtime',
      message: `${agent.name} cannot be taken over yet: its gateway is still starting.`,
      next: 'Wait until it is ready, then take it over.',
    });
  const paths = pathsOf(place);
  const ticket = randomBytes(32).toString('base64url');
  const env = environment(agent, place);
  const { provider } = modelOf(agent);
  const key = sessionKeyOf(sessionOf(place, state));
  const guard: GuardSettings = { for: 'terminal', code: codeOf(openclaw) };
  return {
    process: {
      role: 'terminal',
      argv: [node, NO_INSPECTOR, ...GUARD, openclaw.entry, 'tui', '--session', key],
      env: {
        ...withoutLogIn(env, provider),
        ...DIRECT,
        TERM: 'xterm-256color',
        COLORTERM: 'truecolor',
        [GUARD_VARIABLE]: JSON.stringify(guard),
        OPENCLAW_CONFIG_PATH: paths.terminalConfig,
        [TICKET_VARIABLE]: ticket,
      },
      cwd: agent.workspace,
      io: { kind: 'pty', ...size },
    },
    secretEnv: [TICKET_VARIABLE, ...secretsOf(agent, env, provider)],
    files: [terminalConfigFile(place, door)],
    uses: usesOf(place, openclaw),
    stop: { term_ms: 2_000, kill_ms: 5_000 },
    authNote: 'none: it speaks to the gateway of the engine',
    opening: [],
    admitted: frame(`admit-${ticket.slice(0, 8)}`, {
      type: 'admit',
      ticket: createHash('sha256').update(ticket).digest('hex'),
    }),
  };
}

async function programOf(agent: AgentSpec, place: RunPlace): Promise<Program> {
  const { bin = null } = agent.options as Partial<OpenClawOptions>;
  const openclaw = findOpenClaw(bin, place.path);
  if ('what' in openclaw)
    throw new AetherError({
      code: 'openclaw.missing',
      who: 'user',
      message: `${agent.name} needs the openclaw program: ${openclaw.what}.`,
      next: `Install it: ${openclaw.mend}.`,
    });
  if (compare(openclaw.version, VERSION_MIN) < 0)
    throw new AetherError({
      code: 'openclaw.version',
      who: 'user',
      message: `${agent.name} needs openclaw ${VERSION_MIN} or newer; this is ${openclaw.version}.`,
      next: 'Update it: npm install -g openclaw@latest.',
    });
  const node = await findNode(openclaw.node, place.path);
  if (node === null)
    throw new AetherError({
      code: 'openclaw.node',
      who: 'user',
      message: `${agent.name} needs Node ${openclaw.node} for openclaw ${openclaw.version}; this is ${process.versions.node}.`,
      next: `Get one: ${nodeHint(openclaw.node)}.`,
    });
  return { node, openclaw };
}

/** The whole environment: nothing of the host's own comes along, and nothing of the agent's may undo the isolation. */
function environment(agent: AgentSpec, place: RunPlace): Record<string, string> {
  const paths = pathsOf(place);
  return {
    LANG: 'C.UTF-8',
    SHELL: '/bin/sh',
    ...agent.env,
    ...agent.auth,
    PATH: agent.env.PATH ?? place.path,
    HOME: paths.home,
    TMPDIR: paths.tmp,
    OPENCLAW_STATE_DIR: paths.state,
    OPENCLAW_CONFIG_PATH: paths.config,
    ...ALONE,
  };
}

function withoutLogIn(env: Record<string, string>, { key }: Provider): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => name !== key));
}

function secretsOf(agent: AgentSpec, env: Record<string, string>, { key }: Provider): string[] {
  return [...new Set([...Object.keys(agent.auth), ...(key in env ? [key] : [])])];
}

/** @throws AetherError `openclaw.login` */
function logIn(agent: AgentSpec, env: Record<string, string>, { key, baseUrl }: Provider): string {
  if (!env[key])
    throw new AetherError({
      code: 'openclaw.login',
      who: 'config',
      message: `Agent '${agent.name}' has no log-in for ${agent.model}.`,
      next: `Add auth: { env: ${key} } to the agent and set ${key} where aether runs.`,
    });
  const address = baseUrl !== null && env[baseUrl] ? ` at ${baseUrl}` : '';
  return `${key} from ${key in agent.auth ? "the agent's auth" : "the agent's env"}${address}`;
}

/** An empty directory would be taken for one that is lost. */
function instructions(agent: AgentSpec, place: RunPlace): FileSpec {
  const content = `You work in ${agent.workspace}.\n`;
  return { path: join(pathsOf(place).own, 'AGENTS.md'), mode: 0o600, content };
}

/** The plugin, as OpenClaw finds one; for its code the guard puts the gate. */
function gateFiles(place: RunPlace): FileSpec[] {
  const { gate } = pathsOf(place);
  const json = (name: string, value: object): FileSpec => ({
    path: join(gate, name),
    mode: 0o600,
    content: `${JSON.stringify(value, null, 2)}\n`,
  });
  return [
    json('package.json', {
      name: 'aether-gate',
      version: '1.0.0',
      type: 'module',
      openclaw: { extensions: ['./index.js'] },
    }),
    json('openclaw.plugin.json', {
      id: 'aether-gate',
      name: 'Aether gate',
      activation: { onStartup: true },
      configSchema: {
        type: 'object',
        additionalProperties: false,
        properties: { role: { type: 'string' } },
      },
    }),
    {
      path: join(gate, 'index.js'),
      mode: 0o600,
      content: 'export default undefined;\n',
    },
  ];
}

const codeOf = (openclaw: OpenClaw): string[] => [...PACKAGE, openclaw.installation];

function usesOf(place: RunPlace, openclaw: OpenClaw): LaunchSpec['uses'] {
  return { read: codeOf(openclaw), write: [place.agentDir] };
}

export function frame(id: string, request: DriverRequest): Frame {
  return { id, data: `${JSON.stringify(request)}\n` };
}
