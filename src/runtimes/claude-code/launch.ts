/** The start of the engine and of its terminal: arguments, environment, files. */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { AetherError } from '../../host/errors.ts';
import { scriptFault } from '../../host/script.ts';
import type { AgentSpec, EngineState, Frame, LaunchSpec, RunPlace } from '../runtime.ts';
import { BINARY_VARIABLE, findBinary, INSTALL_HINT } from './binary.ts';
import { endpointsOf } from './endpoints.ts';
import { messageFrame, readyFrame } from './frames.ts';
import { inherit } from './inherit.ts';
import { leftovers } from './loads-from.ts';
import { LOG_IN_HINT, logInOf } from './login.ts';
import { CONVERSATION_DIR, conversationPaths, isBegun, pathsOf, sessionOf, uuidOf } from './paths.ts';
import { repositoryOf } from './repository.ts';
import {
  configFiles,
  machineSettings,
  managedSettings,
  PERMISSION_MODES,
  ruleArguments,
} from './settings.ts';

interface Common
  extends Pick<
    LaunchSpec,
    'secretEnv' | 'files' | 'cleared' | 'uses' | 'repository' | 'authNote' | 'endpoints'
  > {
  argv: string[];
  env: Record<string, string>;
  /** The conversation exists on disk. */
  begun: boolean;
}

/** Quiet, alone, on one machine: no updates, no telemetry, no surveys, no sockets between sessions. */
const ALONE = {
  DISABLE_AUTOUPDATER: '1',
  DISABLE_TELEMETRY: '1',
  DISABLE_ERROR_REPORTING: '1',
  CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
  CLAUDE_CODE_DISABLE_FEEDBACK_SURVEY: '1',
  // A terminal would fetch one with git and ssh.
  CLAUDE_CODE_DISABLE_OFFICIAL_MARKETPLACE_AUTOINSTALL: '1',
  CLAUDE_CODE_PROJECT_DIR_NAME: CONVERSATION_DIR,
  // Sessions meet under XDG_RUNTIME_DIR, or where that path is too long in a directory all agents share. Here
  // none can be made.
  XDG_RUNTIME_DIR: '/dev/null',
};

/** @throws AetherError `claude.missing`, `claude.login`, `claude.inherit` */
export async function engineSpec(
  agent: AgentSpec,
  place: RunPlace,
  state: EngineState | null,
  resume: { note: string } | null,
): Promise<LaunchSpec> {
  const { argv, env, begun, ...common } = await commonSpec(agent, place, state, 'engine');
  const steps_max = agent.limits.steps_max;
  const structured = ['-p', '--input-format', 'stream-json', '--output-format', 'stream-json', '--verbose'];
  return {
    ...common,
    process: {
      role: 'engine',
      argv: [
        argv[0]!,
        ...structured,
        // Says which messages a model request carries, and shows a slow model to be alive.
        '--include-partial-messages',
        '--replay-user-messages',
        '--permission-prompt-tool',
        'stdio',
        ...(steps_max === null ? [] : ['--max-turns', String(steps_max)]),
        ...argv.slice(1),
      ],
      env: { ...env, CLAUDE_CODE_EMIT_SESSION_STATE_EVENTS: '1' },
      cwd: agent.workspace,
      io: { kind: 'pipes', stdio: 'socketpair' },
    },
    // An idle engine leaves 0.1 s after stdin closes; a busy one would finish its turn first.
    stop: { close_stdin_ms: 1_500, term_ms: 4_000, kill_ms: 5_000 },
    opening: [readyFrame(), ...openingMessage(agent, place, resume, begun)],
  };
}

/** @throws AetherError as engineSpec */
export async function terminalSpec(
  agent: AgentSpec,
  place: RunPlace,
  state: EngineState,
  size: { cols: number; rows: number },
): Promise<LaunchSpec> {
  const { argv, env, begun: _begun, ...common } = await commonSpec(agent, place, state, 'terminal');
  return {
    ...common,
    process: {
      role: 'terminal',
      argv,
      env: { ...env, COLORTERM: 'truecolor' },
      cwd: agent.workspace,
      io: { kind: 'pty', ...size },
    },
    // Nothing is typed: a dialog that is open would take it for an answer. SIGTERM saves the conversation too.
    stop: { term_ms: 4_000, kill_ms: 5_000 },
    opening: [],
  };
}

async function commonSpec(
  agent: AgentSpec,
  place: RunPlace,
  state: EngineState | null,
  role: 'engine' | 'terminal',
): Promise<Common> {
  const paths = pathsOf(place);
  const binary = findBinary(process.env[BINARY_VARIABLE], place.path);
  if (binary === null) {
    throw new AetherError({
      code: 'claude.missing',
      who: 'user',
      message: `${agent.name} needs the claude program, which was not found.`,
      next: `Install it: ${INSTALL_HINT}.`,
    });
  }
  const fault = scriptFault(binary);
  if (fault !== null) throw new AetherError({ code: 'claude.program', who: 'user', ...fault });
  const env = environment(agent, place);
  const logIn = logInOf(env);
  if (logIn === null) {
    throw new AetherError({
      code: 'claude.login',
      who: 'config',
      message: `${agent.name} has no log-in: engines do not see the host's environment or the user's own log-in.`,
      next: `Give the agent \`auth:\` in aether.yaml, for instance \`auth: {env: ANTHROPIC_API_KEY}\`, and ${LOG_IN_HINT}.`,
    });
  }
  const inherited = await inherit(agent, place);
  const repository = repositoryOf(agent);
  const machine = machineSettings();
  const session = sessionOf(place, state);
  // Only a conversation that was written down can be resumed; an id that was cannot be given again.
  const begun = isBegun(place, session);
  return {
    argv: [
      binary,
      begun ? '--resume' : '--session-id',
      session,
      '--settings',
      role === 'engine' ? paths.settings : paths.terminalSettings,
      // A terminal without it begins in a mode of its own choice.
      '--permission-mode',
      PERMISSION_MODES[agent.permissions.mode],
      '--managed-settings',
      managedSettings(agent, inherited, repository, role),
      ...ruleArguments(agent),
      '--setting-sources',
      agent.trust ? 'user,project,local' : inherited.any ? 'user' : '',
      '--mcp-config',
      paths.mcp,
      '--strict-mcp-config',
      ...(agent.model === null ? [] : ['--model', agent.model]),
      ...(agent.role === null ? [] : ['--append-system-prompt-file', paths.role]),
    ],
    env,
    secretEnv: [...new Set([...Object.keys(agent.auth), ...logIn.secret])],
    files: configFiles(agent, place, { logIn, inherited, repository, session }),
    cleared: leftovers(place),
    uses: {
      ...machine,
      read: [paths.config, ...machine.read],
      write: [paths.home, paths.tmp, ...conversationPaths(place)],
    },
    repository: { trusted: agent.trust, items: repository.items },
    authNote: logIn.note,
    endpoints: endpointsOf(env),
    begun,
  };
}

/**
 * The whole environment: nothing of the host's own is passed on, and nothing of the agent's may undo the isolation.
 */
function environment(agent: AgentSpec, place: RunPlace): Record<string, string> {
  const paths = pathsOf(place);
  const root = process.getuid?.() === 0;
  return {
    LANG: 'C.UTF-8',
    TERM: 'xterm-256color',
    SHELL: existsSync('/bin/bash') ? '/bin/bash' : '/bin/sh',
    ...agent.env,
    ...agent.auth,
    PATH: agent.env.PATH ?? place.path,
    HOME: paths.home,
    TMPDIR: paths.tmp,
    CLAUDE_CONFIG_DIR: paths.config,
    ...ALONE,
    // Without it, root may not be given every permission.
    ...(root && agent.permissions.mode === 'allow' ? { IS_SANDBOX: '1' } : {}),
  };
}

/** The goal of a new conversation, or why it goes on; both when there is nothing to go on from. */
function openingMessage(
  agent: AgentSpec,
  place: RunPlace,
  resume: { note: string } | null,
  begun: boolean,
): Frame[] {
  const note = resume?.note || null;
  const goal = resume !== null && begun ? null : agent.goal;
  const text = [goal, note].filter((part) => part !== null).join('\n\n');
  if (text === '') return [];
  // The goal is told once however often its run is prepared; each note is a message of its own.
  const id = note === null ? uuidOf(`goal:${place.run}`) : randomUUID();
  return [{ ...messageFrame(id, text, 'next'), receipt: true }];
}
