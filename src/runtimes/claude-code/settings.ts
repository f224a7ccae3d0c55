/** The files Claude Code is given: settings, MCP servers, trust, the agent's role. */
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentSpec, FileSpec, RunPlace } from '../runtime.ts';
import type { Inherited } from './inherit.ts';
import type { LogIn } from './login.ts';
import { movePath, pathsOf } from './paths.ts';

/**
 * Tools that go round the host: other Claude sessions of this user, and questions to a person who is not
 * there (aether_ask_operator reaches one).
 */
const NEVER = ['SendMessage', 'ListAgents', 'AskUserQuestion'];

const MODES = { ask: 'default', allow: 'bypassPermissions', deny: 'dontAsk' } as const;

export function configFiles(
  agent: AgentSpec,
  place: RunPlace,
  logIn: LogIn,
  inherited: Inherited,
  session: string,
): FileSpec[] {
  const paths = pathsOf(place);
  const servers = Object.keys(inherited.mcpServers).length > 0;
  const files: FileSpec[] = [
    json(paths.settings, settings(agent)),
    json(paths.terminalSettings, { ...settings(agent), hooks: moveHook(movePath(place, session)) }),
    { ...json(paths.mcp, mcpServers(place, inherited)), ...(servers ? { secret: true } : {}) },
    { ...json(join(paths.config, '.claude.json'), trust(agent, logIn)), secret: true },
    ...inherited.files,
    note(paths.home, `HOME of the agent ${agent.name}, kept between its runs.`),
    note(paths.tmp, `TMPDIR of the agent ${agent.name}.`),
    // From here on this is the conversation: an earlier leaving of it is over.
    json(movePath(place, session), {}),
  ];
  if (agent.role !== null) files.push({ path: paths.role, mode: 0o600, content: agent.role });
  return files;
}

/** Given by --settings: wins over the user's and the workspace's own files. */
function settings(agent: AgentSpec): object {
  const { mode, allow, deny } = agent.permissions;
  return {
    permissions: {
      // What an aether tool may do is decided by the host, call by call.
      allow: ['mcp__aether', ...allow],
      deny: [...NEVER, ...deny],
      defaultMode: MODES[mode],
    },
    // A workspace could otherwise switch hooks off; it must not be able to.
    disableAllHooks: false,
    skipDangerousModePermissionPrompt: mode === 'allow',
    // The default deletes conversations after 30 days.
    cleanupPeriodDays: 3_650,
    spinnerTipsEnabled: false,
  };
}

/** Notes the conversation the terminal shows whenever a human begins or picks another one. */
function moveHook(file: string): unknown {
  const quoted = `'${file.replaceAll("'", `'\\''`)}'`;
  const command = `cat > ${quoted}.new && mv ${quoted}.new ${quoted}`;
  return { SessionStart: [{ matcher: 'clear|resume', hooks: [{ type: 'command', command, timeout: 5 }] }] };
}

function mcpServers(place: RunPlace, inherited: Inherited): unknown {
  const { command, args } = place.mcp;
  return {
    mcpServers: {
      ...inherited.mcpServers,
      // alwaysLoad: otherwise the model has to search for the tools before it can call one.
      aether: { type: 'stdio', command, args, alwaysLoad: true },
    },
  };
}

/** Answers the questions a first start in a terminal would ask, for this one workspace only. */
function trust(agent: AgentSpec, logIn: LogIn): unknown {
  const accepted = { hasTrustDialogAccepted: true, hasCompletedProjectOnboarding: true };
  const workspaces = new Set([agent.workspace, resolved(agent.workspace)]);
  const key = logIn.apiKey;
  return {
    hasCompletedOnboarding: true,
    ...(key === null ? {} : { customApiKeyResponses: { approved: [key.slice(-20)], rejected: [] } }),
    projects: Object.fromEntries([...workspaces].map((path) => [path, accepted])),
  };
}

function resolved(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // `plan` may ask before the workspace exists.
    return path;
  }
}

/** A file is what makes a directory exist. */
const note = (dir: string, text: string): FileSpec => ({
  path: join(dir, '.aether'),
  mode: 0o600,
  content: `${text}\n`,
});

const json = (path: string, value: unknown): FileSpec => ({
  path,
  mode: 0o600,
  content: `${JSON.stringify(value, null, 2)}\n`,
});
