/**
 * What the repository in a workspace would have Claude Code run or obey. Claude Code ignores it unless the agent trusts
 * it (`trust: true`); `plan` and an event list it either way. Files are read beneath the workspace and no link is
 * followed: one that cannot be listed is not trusted.
 */
import { dirname, join, relative } from 'node:path';
import { listBeneath, readBeneath } from '../../host/beneath.ts';
import { AetherError, messageOf } from '../../host/errors.ts';
import { windowsStart } from '../../host/script.ts';
import type { AgentSpec, RepositoryItem } from '../runtime.ts';
import { parseJson, textOfJson } from './json-file.ts';

const FILE_BYTES_MAX = 1024 * 1024;
const NAMES_MAX = 200;
const SETTINGS = ['.claude/settings.json', '.claude/settings.local.json'];
const SERVERS = '.mcp.json';

/** Folders below .claude, here and above, whose entries are loaded. */
const FOLDERS: Record<string, string> = {
  skills: 'skill',
  agents: 'agent',
  commands: 'slash command',
  'output-styles': 'output style',
  rules: 'rule',
  workflows: 'workflow',
  routines: 'routine',
};

type Json = Record<string, unknown>;

export interface Repository {
  items: RepositoryItem[];
  mcpServers: Json;
  /** Rules of its settings. */
  permissions: { allow: unknown[]; deny: unknown[]; ask: unknown[] };
}

/** @throws AetherError `claude.repository` where it is trusted and cannot be listed */
export function repositoryOf(agent: AgentSpec): Repository {
  const items: RepositoryItem[] = [];
  const permissions: Repository['permissions'] = { allow: [], deny: [], ask: [] };
  const disabled: unknown[] = [];
  for (const file of SETTINGS) {
    const settings = parsed(agent, file, items);
    for (const rule of ['allow', 'deny', 'ask'] as const)
      permissions[rule].push(...listOf(objectOf(settings.permissions)[rule]));
    disabled.push(...listOf(settings.disabledMcpjsonServers));
    items.push(...settingItems(agent, file, settings));
  }
  const all = objectOf(parsed(agent, SERVERS, items).mcpServers);
  const mcpServers = Object.fromEntries(Object.entries(all).filter(([name]) => !disabled.includes(name)));
  for (const [name, server] of Object.entries(mcpServers))
    items.push({ file: SERVERS, kind: 'MCP server', what: `${name}: ${serverOf(objectOf(server))}` });
  for (let dir = agent.workspace; ; dir = dirname(dir)) {
    items.push(...folderItems(agent, dir));
    if (dirname(dir) === dir) break;
  }
  return { items, mcpServers, permissions };
}

function settingItems(agent: AgentSpec, file: string, settings: Json): RepositoryItem[] {
  const { hooks, env, permissions, ...others } = settings;
  const items: RepositoryItem[] = [];
  for (const [event, matchers] of Object.entries(objectOf(hooks)))
    for (const matcher of listOf(matchers).map(objectOf))
      for (const hook of listOf(matcher.hooks).map(objectOf))
        items.push({
          file,
          kind: 'hook',
          what: `${event}: ${commandOf(hook)}${hookFault(agent, commandOf(hook))}`,
        });
  const names = Object.keys(objectOf(env));
  if (names.length > 0) items.push({ file, kind: 'variables', what: names.join(', ') });
  for (const [rule, listed] of Object.entries(objectOf(permissions)))
    items.push({
      file,
      kind: 'permissions',
      what: `${rule}: ${listOf(listed).join(', ') || String(listed)}`,
    });
  for (const [key, value] of Object.entries(others)) {
    if (key === '$schema') continue;
    const command = typeof value === 'string' ? value : commandOf(objectOf(value));
    items.push({ file, kind: 'setting', what: command === '' ? key : `${key}: ${command}` });
  }
  return items;
}

/** Said of a hook that is a script of the repository with Windows line ends: it never runs, and blocks nothing. */
function hookFault(agent: AgentSpec, command: string): string {
  const [word = ''] = /(?:"[^"]*"|[^\s"])+/.exec(command) ?? [];
  const script = word.replaceAll('"', '').replace(/^\$\{?CLAUDE_PROJECT_DIR\}?\/|^\.\//, '');
  if (!script.includes('/') || script.startsWith('/') || script.split('/').includes('..')) return '';
  try {
    const start = windowsStart(
      readBeneath(agent.workspace, script, FILE_BYTES_MAX)?.toString('latin1') ?? '',
    );
    return start === null ? '' : ` (it cannot run: the script begins with ${start})`;
  } catch {
    return ''; // nothing that is a script
  }
}

/** What a hook or a setting runs. */
const commandOf = ({ command, url, prompt, type }: Json): string =>
  ([command, url, prompt, type].find((value) => typeof value === 'string') as string | undefined) ?? '';

const serverOf = ({ command, args, url }: Json): string =>
  typeof url === 'string' ? url : [command, ...listOf(args)].filter((word) => word !== undefined).join(' ');

function folderItems(agent: AgentSpec, dir: string): RepositoryItem[] {
  const items: RepositoryItem[] = [];
  for (const [folder, kind] of Object.entries(FOLDERS)) {
    const file = join(relative(agent.workspace, dir), '.claude', folder);
    let names: string[];
    try {
      names = listBeneath(dir, `.claude/${folder}`) ?? [];
    } catch (error) {
      items.push(unlisted(agent, file, error));
      continue;
    }
    for (const name of names.slice(0, NAMES_MAX)) items.push({ file: join(file, name), kind, what: name });
    if (names.length > NAMES_MAX) items.push({ file, kind, what: `and ${names.length - NAMES_MAX} more` });
  }
  return items;
}

function parsed(agent: AgentSpec, file: string, items: RepositoryItem[]): Json {
  try {
    const content = readBeneath(agent.workspace, file, FILE_BYTES_MAX);
    return content === null ? {} : objectOf(parseJson(textOfJson(content)));
  } catch (error) {
    if (isPlaceholder(agent, file)) return {};
    items.push(unlisted(agent, file, error));
    return {};
  }
}

/** An empty directory: it stands there for the box of another run, whose processes may not write this file. */
function isPlaceholder({ workspace }: AgentSpec, file: string): boolean {
  try {
    return listBeneath(workspace, file)?.length === 0;
  } catch {
    return false; // a link, or closed
  }
}

function unlisted(agent: AgentSpec, file: string, error: unknown): RepositoryItem {
  const why = messageOf(error);
  if (!agent.trust) return { file, kind: 'unreadable', what: why };
  throw new AetherError({
    code: 'claude.repository',
    who: 'user',
    message: `${agent.name} trusts its repository, but ${join(agent.workspace, file)} cannot be listed: ${why}.`,
    next: 'Look at it: make it an ordinary file or directory of this repository, or take `trust` away.',
  });
}

const objectOf = (value: unknown): Json =>
  value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Json) : {};
const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
