/** The directories of Claude Code, for one agent and one run. Nothing outside these two is its own. */
import { createHash } from 'node:crypto';
import { dirname, join, relative } from 'node:path';
import { isFileBeneath, readBeneath } from '../../host/beneath.ts';
import type { EngineState, RunPlace } from '../runtime.ts';

/**
 * Claude Code names a conversation's folder after the working directory, shortening long ones; this name is
 * given to it instead (CLAUDE_CODE_PROJECT_DIR_NAME), so that the transcript's path is known beforehand.
 */
export const CONVERSATION_DIR = 'conversation';

/** As Claude Code makes them; anything else that is printed as one could be a path or an option. */
export const SESSION_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** Of the note that a hook writes about one conversation; its input holds a few paths besides. */
const MOVE_BYTES_MAX = 64 * 1024;

export interface Paths {
  home: string;
  tmp: string;
  /** CLAUDE_CONFIG_DIR: conversations, and the user's things that were inherited. */
  config: string;
  settings: string;
  terminalSettings: string;
  mcp: string;
  role: string;
}

export function pathsOf(place: RunPlace): Paths {
  return {
    home: join(place.agentDir, 'home'),
    tmp: join(place.agentDir, 'tmp'),
    config: configDirectory(place),
    settings: join(place.runDir, 'claude-settings.json'),
    terminalSettings: join(place.runDir, 'claude-terminal-settings.json'),
    mcp: join(place.runDir, 'claude-mcp.json'),
    role: join(place.runDir, 'claude-role.md'),
  };
}

/**
 * What of its configuration it writes for a conversation. Everything else there is settings or code to it, which an
 * agent that can write them gives itself. `session-env` is sourced by the shell of a tool that has passed the gate, as
 * the start-up files of HOME are, which are the agent's, too; where it cannot be written no hook of a start runs.
 */
const OF_CONVERSATIONS = [
  'projects',
  'aether-moves',
  'file-history',
  'plans',
  'todos',
  'tasks',
  'session-env',
];

export function conversationPaths(place: RunPlace): string[] {
  return OF_CONVERSATIONS.map((name) => join(pathsOf(place).config, name));
}

export function configDirectory({ agentDir }: Pick<RunPlace, 'agentDir'>): string {
  return join(agentDir, 'claude');
}

/** Where the agent's conversations are. */
export function conversationDirectory(place: Pick<RunPlace, 'agentDir'>): string {
  return join(configDirectory(place), 'projects', CONVERSATION_DIR);
}

export function transcriptPath(place: RunPlace, session: string): string {
  return join(conversationDirectory(place), `${session}.jsonl`);
}

/**
 * The conversation of a run: the one that was reported, or else the id this run's first process was given.
 * Known before the engine says anything, so a takeover in the first second finds the same conversation.
 */
export function sessionOf(place: RunPlace, state: EngineState | null): string {
  const known = state?.session ?? '';
  // An older version also kept what an agent printed.
  const session = SESSION_ID.test(known) ? known : uuidOf(`session:${place.run}`);
  return movedFrom(place, session) ?? session;
}

/** The conversation was written down. What the agent put there instead of a file is none. */
export function isBegun(place: RunPlace, session: string): boolean {
  return isFileBeneath(...whereOf(place, transcriptPath(place, session)));
}

/** The agent can replace each directory on the way by a link. */
function whereOf({ agentDir }: RunPlace, file: string): [root: string, path: string] {
  const agents = dirname(agentDir);
  return [agents, relative(agents, file)];
}

/** Where the terminal's SessionStart hook writes which conversation the human is in now. */
export function movePath(place: RunPlace, session: string): string {
  return join(pathsOf(place).config, 'aether-moves', `${session}.json`);
}

/** A human in the terminal may leave the conversation they were given: /clear begins a new one, /resume picks one. */
function movedFrom(place: RunPlace, session: string): string | null {
  try {
    const note = readBeneath(...whereOf(place, movePath(place, session)), MOVE_BYTES_MAX);
    const { session_id: to } = JSON.parse(note?.toString() ?? '{}') as {
      session_id?: unknown;
    };
    return typeof to === 'string' && SESSION_ID.test(to) && isBegun(place, to) ? to : null;
  } catch {
    // No terminal was ever opened on it, or the note is half written: then it has not moved.
    return null;
  }
}

/** A stable UUID (version 8, RFC 9562 §5.8) of a name. */
export function uuidOf(name: string): string {
  const hex = createHash('sha256').update(`aether:claude-code:${name}`).digest('hex');
  const variant = ((Number.parseInt(hex[16]!, 16) & 0x3) | 0x8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
