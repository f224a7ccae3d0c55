/**
 * From where Claude Code 2.1.329 loads code, settings, rights or words that count as the operator's: what strace saw it
 * open, and what it keeps its own sandbox from writing (read from the program; a test compares the two lists). The
 * agent runs as the same user, so without a sandbox it can write all of them. Each entry says what prevents that.
 */
import { dirname, join } from 'node:path';
import type { AgentSpec, LoadedPath, RunPlace } from '../runtime.ts';
import { pathsOf } from './paths.ts';

/**
 * written: by the host before each start; changed meanwhile, it is refused (ConfigChange) or not read again.
 * cleared: removed before each start, because nothing of it is ours.
 * left-out: only read with `trust` (the settings' sources, the MCP configuration), and changed meanwhile refused.
 * engine: the engine itself writes it while it runs, so it cannot be kept from its tools: it is data, or serves tools
 * that have passed the gate.
 */
type Guard = 'written' | 'cleared' | 'left-out' | 'engine';

interface Place {
  kind: LoadedPath['kind'];
  guard: Guard;
  names: readonly string[];
}

/** In CLAUDE_CONFIG_DIR. */
export const CONFIG: readonly Place[] = [
  { kind: 'settings', guard: 'written', names: ['settings.json'] },
  { kind: 'text', guard: 'written', names: ['CLAUDE.md'] },
  { kind: 'code', guard: 'written', names: ['skills'] },
  {
    kind: 'code',
    guard: 'cleared',
    names: ['commands', 'agents', 'hooks', 'workflows', 'routines', 'plugins', 'cowork_plugins', 'dev-mods'],
  },
  { kind: 'code', guard: 'cleared', names: ['mcp-skill-archives', 'mcp-discovery-cache', 'shares', 'local'] },
  {
    kind: 'code',
    guard: 'cleared',
    names: ['scheduled_tasks.json', 'launch.json', 'daemon.json', 'loop.md'],
  },
  { kind: 'text', guard: 'cleared', names: ['rules', 'output-styles'] },
  // A key could be made to allow what a person means to refuse.
  { kind: 'settings', guard: 'cleared', names: ['keybindings.json', '.config.json', 'state', 'ide'] },
  {
    kind: 'settings',
    guard: 'cleared',
    names: [
      'remote-settings.json',
      'remote-settings.json.signature.json',
      'remote-settings.json.signature-iat.json',
      'remote-settings-helper-consent',
      'remote-settings-consent.json',
      'policy-limits.json',
      'policy-limits.json.signature.json',
      'policy-limits.json.signature-iat.json',
    ],
  },
  // Rewritten by the engine all the time; the host's are its first content. Its servers and rules are not read.
  { kind: 'settings', guard: 'engine', names: ['.claude.json', 'backups', '.credentials.json'] },
  // Sourced by the shell of a tool that has passed the gate.
  { kind: 'code', guard: 'engine', names: ['shell-snapshots', 'session-env'] },
  { kind: 'text', guard: 'engine', names: ['projects'] },
];

/** In the workspace: the repository's own. */
export const WORKSPACE: readonly Place[] = [
  {
    kind: 'settings',
    guard: 'left-out',
    names: ['.claude/settings.json', '.claude/settings.local.json', '.mcp.json'],
  },
  {
    kind: 'code',
    guard: 'left-out',
    names: [
      '.claude/skills',
      '.claude/commands',
      '.claude/agents',
      '.claude/hooks',
      '.claude/workflows',
      '.claude/routines',
      '.claude/scheduled_tasks.json',
      '.claude/launch.json',
      '.claude/loop.md',
    ],
  },
  { kind: 'text', guard: 'left-out', names: ['.claude/output-styles', '.claude/rules'] },
];

/** In HOME: start-up files of the shells and of git that the program runs. Without a sandbox they are the agent's. */
export const HOME: readonly Place[] = [
  {
    kind: 'code',
    guard: 'engine',
    names: ['.bashrc', '.bash_profile', '.bash_login', '.profile', '.zshrc', '.zshenv', '.zprofile'],
  },
  { kind: 'settings', guard: 'engine', names: ['.gitconfig', '.config/git', '.ssh', '.netrc', '.claude'] },
];

/** Removed before each start, in the order of the table. */
export function leftovers(place: RunPlace): string[] {
  const { config } = pathsOf(place);
  // Skills are written again, where they are inherited.
  const names = CONFIG.flatMap(({ guard, names }) => (guard === 'cleared' ? names : []));
  return ['skills', ...names].map((name) => join(config, name));
}

/** The engine writes none of it. */
export function loadsFrom(agent: Pick<AgentSpec, 'workspace'>, place: RunPlace): LoadedPath[] {
  const paths = pathsOf(place);
  const below = (root: string, places: readonly Place[]): LoadedPath[] =>
    places.flatMap(({ kind, guard, names }) =>
      guard === 'engine' ? [] : names.map((name) => ({ path: join(root, name), kind })),
    );
  const run = [paths.settings, paths.terminalSettings, paths.mcp, paths.role];
  return [
    ...run.map((path) => ({ path, kind: 'settings' as const })),
    ...below(paths.config, CONFIG),
    ...ofRepository(agent.workspace),
  ];
}

/**
 * `.claude` as a whole: what it does not hold yet could be put there. Skills, agents and rules are looked for in the
 * directories above the workspace, too, which another agent may write.
 */
function ofRepository(workspace: string): LoadedPath[] {
  const tops = [...new Set(WORKSPACE.flatMap(({ names }) => names.map((name) => name.split('/', 1)[0]!)))];
  const found: LoadedPath[] = tops.map((name) => ({ path: join(workspace, name), kind: 'code' }));
  for (let dir = dirname(workspace); dir !== dirname(dir); dir = dirname(dir))
    found.push({ path: join(dir, '.claude'), kind: 'code' });
  return found;
}
