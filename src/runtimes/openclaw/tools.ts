/** The tools of OpenClaw as rules and the host judge them. */
import type { CallFacts } from '../runtime.ts';

/** Prefix of the tools of the aether server. */
const AETHER = 'aether__';
/** Run a command line. */
const SHELLS = new Set(['exec', 'bash']);
/** Only look: the argument that says where; without it, in the workspace. */
const LOOKS: Record<string, string> = { read: 'path', ls: 'path', find: 'path', grep: 'path' };
/** Steer the engine itself, or tell of it. What a subagent calls comes to the gate one by one. */
const STEERS = new Set(['session_status', 'sessions_spawn', 'sessions_yield', 'subagents']);

export function factsOf(tool: string, input: unknown): CallFacts {
  const { command, path, file_path } = (input ?? {}) as Record<string, unknown>;
  const shell = SHELLS.has(tool);
  const subject = shell ? command : (path ?? file_path);
  return {
    aether: tool.startsWith(AETHER) ? tool.slice(AETHER.length) : null,
    looks: looksAt(tool, input),
    subject: typeof subject === 'string' ? subject : null,
    shell,
  };
}

function looksAt(tool: string, input: unknown): string[] | null {
  if (STEERS.has(tool)) return [];
  if (!Object.hasOwn(LOOKS, tool)) return null;
  const given = (input ?? {}) as Record<string, unknown>;
  const path = given[LOOKS[tool]!] ?? given.file_path ?? '.';
  return isPlain(path) ? [path] : null;
}

/** One that the program would read as another than it looks says nothing of where it leads. */
const isPlain = (path: unknown): path is string =>
  typeof path === 'string' &&
  path === path.trim().normalize('NFC') &&
  !/^[~@]|^file:/i.test(path) &&
  !/[\u0000-\u001f]|\.\./.test(path);
