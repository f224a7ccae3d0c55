/** The files Claude Code is given: settings, MCP servers, trust, the agent's role. */
import { existsSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentSpec, FileSpec, LaunchSpec, RunPlace } from '../runtime.ts';
import type { Inherited } from './inherit.ts';
import type { LogIn } from './login.ts';
import { movePath, pathsOf } from './paths.ts';
import type { Repository } from './repository.ts';
import { refuseForeignVariables } from './server-variables.ts';

/**
 * Tools that go round the host: other Claude sessions of this user, and questions to a person who is not
 * there (aether_ask_operator reaches one).
 */
const NEVER = ['SendMessage', 'ListAgents', 'AskUserQuestion'];

/** Mods are code in the configuration directory that answers tool calls before any hook is asked. */
const NO_MODS = { 'cc-plugin-sec-default@builtin': { options: { allowManagedModsOnly: true } } };

export const PERMISSION_MODES = { ask: 'default', allow: 'bypassPermissions', deny: 'dontAsk' } as const;

/** What the files are made from. */
interface Sources {
  logIn: LogIn;
  inherited: Inherited;
  repository: Repository;
  session: string;
}

export function configFiles(
  agent: AgentSpec,
  place: RunPlace,
  { logIn, inherited, repository, session }: Sources,
): FileSpec[] {
  const paths = pathsOf(place);
  const others = { ...(agent.trust ? repository.mcpServers : {}), ...inherited.mcpServers };
  refuseForeignVariables(agent.name, others, agent.workspace);
  const servers = Object.keys(others).length > 0;
  const files: FileSpec[] = [
    json(paths.settings, settings(agent)),
    json(paths.terminalSettings, { ...settings(agent), hooks: terminalHooks(movePath(place, session)) }),
    { ...json(paths.mcp, mcpServers(place, others)), ...(servers ? { secret: true } : {}) },
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

/** Conveniences. What decides about tools is in `managedSettings`, where no file undoes it. */
function settings(agent: AgentSpec): object {
  return {
    skipDangerousModePermissionPrompt: agent.permissions.mode === 'allow',
    // The default deletes conversations after 30 days.
    cleanupPeriodDays: 3_650,
    spinnerTipsEnabled: false,
  };
}

/**
 * Value of --managed-settings, which outranks every settings file and lies in none: the agent can write every file
 * the program reads, and the program reads them again whenever they change.
 */
export function managedSettings(
  agent: AgentSpec,
  inherited: Inherited,
  repository: Repository,
  role: 'engine' | 'terminal',
): string {
  const { mode, allow, deny } = agent.permissions;
  const { permissions } = inherited;
  const own = agent.trust ? repository.permissions : { allow: [], deny: [], ask: [] };
  return JSON.stringify({
    permissions: {
      ...permissions,
      // What an aether tool may do is decided by the host, call by call.
      allow: ['mcp__aether', ...allow, ...listOf(permissions.allow), ...own.allow],
      deny: [...NEVER, ...deny, ...listOf(permissions.deny), ...own.deny],
      ...(own.ask.length > 0 ? { ask: [...listOf(permissions.ask), ...own.ask] } : {}),
      defaultMode: PERMISSION_MODES[mode],
    },
    // With it a person in the terminal is not offered to allow a tool for good: only where such a file is read.
    ...(inherited.any || agent.trust ? { allowManagedPermissionRulesOnly: true } : {}),
    // Hooks in files: the user's where they are inherited, the repository's where it is trusted, and those of ours in the
    // terminal. The gate is none.
    ...(agent.inherit.settings || agent.trust || role === 'terminal' ? {} : { allowManagedHooksOnly: true }),
    disableAllHooks: false,
    pluginConfigs: NO_MODS,
  });
}

/**
 * The rules once more, as arguments: on a machine with settings of its own the program drops --managed-settings, unless
 * those say otherwise, and a tool that is denied here would run.
 */
export function ruleArguments({ permissions: { allow, deny } }: AgentSpec): string[] {
  // In one word each: a rule that begins with a dash is no option.
  return [
    `--allowedTools=${['mcp__aether', ...allow].join(',')}`,
    `--disallowedTools=${[...NEVER, ...deny].join(',')}`,
  ];
}

/** Below /etc, where the program looks for settings of the machine. */
const MACHINE_SETTINGS = 'claude-code';

/**
 * What a sandbox shows of /etc. A machine that has settings of its own, an organisation's say, keeps them. Otherwise the
 * lock on mods is there, too: nothing the agent writes, and no argument that an update forgets, undoes it. Those of
 * --managed-settings hold beside it, which the program would drop by default.
 */
export function machineSettings(): Pick<LaunchSpec['uses'], 'read' | 'etc'> {
  const dir = join('/etc', MACHINE_SETTINGS);
  if (existsSync(dir)) return { read: [dir] };
  const settings = { parentSettingsBehavior: 'merge', disableAllHooks: false, pluginConfigs: NO_MODS };
  const text = `${JSON.stringify(settings, null, 2)}\n`;
  return { read: [], etc: { [join(MACHINE_SETTINGS, 'managed-settings.json')]: text } };
}

const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

/**
 * Notes the conversation the terminal shows whenever a human begins or picks another one, and refuses files of settings
 * that change meanwhile: in the engine the gate does that.
 */
function terminalHooks(file: string): unknown {
  const quoted = `'${file.replaceAll("'", `'\\''`)}'`;
  const command = `cat > ${quoted}.new && mv ${quoted}.new ${quoted}`;
  const hook = { type: 'command', command, timeout: 5, onFailure: 'block' };
  const refuse = { type: 'command', command: 'exit 2', timeout: 5, onFailure: 'block' };
  return {
    SessionStart: [{ matcher: 'clear|resume', hooks: [hook] }],
    ConfigChange: [{ matcher: '', hooks: [refuse] }],
  };
}

function mcpServers(place: RunPlace, others: Record<string, unknown>): unknown {
  const { command, args } = place.mcp;
  return {
    mcpServers: {
      ...others,
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
