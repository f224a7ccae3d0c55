/**
 * The builtin engine: a small agent loop of our own, for machines without another engine. The host has no privileged
 * way to it: it is launched, read and steered through the same contract as any other engine.
 */
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AetherError } from '../../host/errors.ts';
import { NO_INSPECTOR } from '../../host/node-flags.ts';
import { lineObserver, SESSION } from '../event-lines.ts';
import type {
  AgentSpec,
  CallFacts,
  EngineState,
  Frame,
  GateAnswer,
  LaunchSpec,
  LoadedPath,
  RunPlace,
  Runtime,
} from '../runtime.ts';
import type { TurnHabits } from '../turn-habits.ts';
import { detectBuiltin } from './detect.ts';
import { LOOP_PROTOCOL, type LoopRequest, type LoopSettings } from './loop/loop-protocol.ts';
import { type BuiltinOptions, PROVIDERS, type Provider, parseModel } from './models.ts';
import { conversationTail } from './tail.ts';

/** Model requests in one turn, unless the agent's limits say otherwise. */
const STEPS_MAX = 100;

const PROGRAM = fileURLToPath(new URL(`./loop/main${extname(import.meta.url)}`, import.meta.url));

/** What the loop is made of: its own files, and the packages that it imports. */
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const PACKAGE = ['package.json', 'src', 'dist', 'node_modules'].map((name) => join(ROOT, name));

/** Every variable that may hold a model log-in: commands and the MCP server never see them. */
const KEY_VARIABLES = PROVIDERS.flatMap((provider) => provider.key ?? []);

const TURNS: TurnHabits = {
  second: { is: 'folded', grade: 'observed' },
  asks: { is: 'everything', grade: 'enforced' },
  conversation: { is: 'locked', grade: 'observed' },
};

/**
 * @param version of the package, shown by `doctor`
 * @param program the loop's file, where it is not the one beside this module
 */
export function builtinRuntime(version: string, program = PROGRAM): Runtime {
  return {
    name: 'builtin',
    capabilities: {
      engine: 'structured',
      takeover: 'swap',
      receipts: 'acted',
      resume: true,
      turns: TURNS,
      gate: { wait_ms_max: null },
      recall: ['start'],
    },

    detect: async (environment) => detectBuiltin(environment, version),

    async prepare(agent, place, state, resume) {
      // A new conversation is named after the run that began it; a resumed one keeps its name.
      const session = (resume ? sessionOf(state) : null) ?? place.run;
      const opening = resume ? resume.note : agent.goal;
      return {
        ...launch(agent, place, session, 'engine', [program]),
        stop: { close_stdin_ms: 3_000, term_ms: 2_000, kill_ms: 5_000 },
        opening: opening
          ? [frame('opening', { type: 'message', id: null, text: opening, priority: 'next' })]
          : [],
      };
    },

    async terminal(agent, place, state, size) {
      const spec = launch(agent, place, sessionOf(state) ?? place.run, 'terminal', [program, '--terminal']);
      return {
        ...spec,
        process: { ...spec.process, role: 'terminal', io: { kind: 'pty', ...size } },
        stop: { term_ms: 3_000, kill_ms: 5_000 },
        opening: [],
      };
    },

    loadsFrom,
    observer: lineObserver,

    tail: (_agent, place, state) => {
      const session = sessionOf(state);
      return session === null ? null : conversationTail(conversationPath(place, session));
    },

    message: ({ id, text, priority }) => frame(id, { type: 'message', id, text, priority }),

    interrupt: (requestId) => frame(`interrupt:${requestId}`, { type: 'interrupt', requestId }),

    permission: ({ requestId, allow, message }) =>
      frame(`permission:${requestId}`, {
        type: 'permission',
        requestId,
        allow,
        message,
      }),

    gate: gateFrame,

    recall: ({ requestId, text }) => frame(`recall:${requestId}`, { type: 'recall', requestId, text }),

    callFacts,

    cancel: (id) => frame(`cancel:${id}`, { type: 'cancel', id }),
  };
}

/** To stop is to interrupt: that gives up the call and ends the turn. */
function gateFrame({ requestId, verdict, message }: GateAnswer): Frame {
  const request: LoopRequest =
    verdict === 'stop'
      ? { type: 'interrupt', requestId: `gate:${requestId}` }
      : { type: 'gate', requestId, verdict, message };
  return frame(`gate:${requestId}`, request);
}

/** Its settings are all that it loads: neither its workspace nor its HOME holds any. */
function loadsFrom(_agent: Pick<AgentSpec, 'workspace'>, place: RunPlace): LoadedPath[] {
  return (['engine', 'terminal'] as const).map((role) => ({
    path: settingsFile(place, role),
    kind: 'settings',
  }));
}

/** What the loop runs without asking where everything is asked. */
const LOOKS = new Set(['read_file', 'list_files']);

function callFacts(tool: string, input: unknown): CallFacts {
  const shell = tool === 'run_command';
  const { command, path } = (input ?? {}) as Record<string, unknown>;
  const subject = shell ? command : path;
  return {
    aether: tool.startsWith('aether_') ? tool : null,
    looks: LOOKS.has(tool) ? [typeof path === 'string' ? path : '.'] : null,
    subject: typeof subject === 'string' ? subject : null,
    shell,
  };
}

/** Everything that the engine and its terminal mode have in common. */
function launch(
  agent: AgentSpec,
  place: RunPlace,
  session: string,
  role: 'engine' | 'terminal',
  [program, ...flags]: [string, ...string[]],
): Omit<LaunchSpec, 'stop' | 'opening'> {
  const { provider, name } = parseModel(agent.model);
  const { replay } = agent.options as Partial<BuiltinOptions>;
  const env = {
    PATH: place.path,
    HOME: join(place.agentDir, 'home'),
    TMPDIR: join(place.agentDir, 'tmp'),
    LANG: 'C.UTF-8',
    ...(role === 'terminal' ? { TERM: 'xterm-256color', COLORTERM: 'truecolor' } : {}),
    ...agent.env,
    ...agent.auth,
  };
  const authNote = logIn(agent, env);
  const settings: LoopSettings = {
    protocol: LOOP_PROTOCOL,
    agent: agent.name,
    session,
    conversation: conversationPath(place, session),
    role: agent.role,
    model: provider.name === 'replay' ? `replay:${replay ?? name}` : `${provider.name}:${name}`,
    workspace: agent.workspace,
    permissions: agent.permissions,
    steps_max: agent.limits.steps_max ?? STEPS_MAX,
    retry: { attempts_max: 6, delay_ms_min: 1_000, delay_ms_max: 60_000 },
    mcp: place.mcp,
    hiddenEnv: [...new Set([...KEY_VARIABLES, ...Object.keys(agent.auth)])],
  };
  const file = settingsFile(place, role);
  return {
    process: {
      role: 'engine',
      argv: [process.execPath, NO_INSPECTOR, program, '--settings', file, ...flags],
      env,
      cwd: agent.workspace,
      io: { kind: 'pipes', stdio: 'socketpair' },
    },
    secretEnv: [
      ...new Set([...Object.keys(agent.auth), ...KEY_VARIABLES.filter((variable) => variable in env)]),
    ],
    files: [{ path: file, mode: 0o600, content: `${JSON.stringify(settings, null, 2)}\n` }],
    uses: { read: [...PACKAGE, ...(replay == null ? [] : [replay])], write: [place.agentDir] },
    authNote,
    endpoints: endpointsOf(provider, env),
  };
}

/** Where the loop calls its model. */
function endpointsOf({ baseUrl, address }: Provider, env: Record<string, string>): string[] {
  const url = (baseUrl === null ? undefined : env[baseUrl]) || address;
  return url === null ? [] : [url.includes('://') ? url : `http://${url}`];
}

/**
 * Says which log-in the model will use.
 * @throws AetherError `builtin.login` when it needs one and there is none
 */
function logIn(agent: AgentSpec, env: Record<string, string>): string {
  const { provider } = parseModel(agent.model);
  if (provider.name === 'replay') return 'none: a recorded conversation, no model is called';
  const { key, baseUrl } = provider;
  const address = baseUrl !== null && env[baseUrl] ? ` at ${baseUrl}` : '';
  if (key !== null && env[key]) {
    return `${key} from ${key in agent.auth ? "the agent's auth" : "the agent's env"}${address}`;
  }
  if (provider.keyless) return `none: ${provider.name} without a key${address}`;
  throw new AetherError({
    code: 'builtin.login',
    who: 'config',
    message: `Agent '${agent.name}' has no log-in for ${agent.model}.`,
    next: `Add auth: { env: ${key} } to the agent and set ${key} where aether runs.`,
    details: { agent: agent.name, variable: key },
  });
}

/** An older version also kept what an agent printed. */
function sessionOf(state: EngineState | null): string | null {
  const session = state?.session ?? null;
  return session !== null && SESSION.test(session) ? session : null;
}

function settingsFile(place: RunPlace, role: 'engine' | 'terminal'): string {
  return join(place.runDir, `builtin-${role}.json`);
}

function conversationPath(place: RunPlace, session: string): string {
  return join(place.agentDir, 'conversations', `${session}.jsonl`);
}

function frame(id: string, request: LoopRequest): Frame {
  return { id, data: `${JSON.stringify(request)}\n` };
}
