/**
 * The parts of the user's own set-up that an agent gets, read from their home and copied into the agent's isolated
 * configuration. Nothing is changed in the home, and nothing is copied unless `inherit` says so.
 */
import { isUtf8 } from 'node:buffer';
import { readdir, realpath, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { AetherError } from '../../host/errors.ts';
import { isFileProblem, readFileSafely } from '../../host/files.ts';
import type { AgentSpec, FileSpec, RunPlace } from '../runtime.ts';
import { NotJson, parseJson, textOfJson } from './json-file.ts';
import { pathsOf } from './paths.ts';

/** Of settings, instructions and the list of MCP servers; Claude Code keeps much else in the last of these. */
const FILE_BYTES_MAX = 64 * 1024 * 1024;
const SKILL_FILES_MAX = 1_000;
const SKILL_BYTES_MAX = 16 * 1024 * 1024;

export interface Inherited {
  files: FileSpec[];
  /** Entries for the MCP configuration; may hold secrets. */
  mcpServers: Record<string, unknown>;
  /** What the user's settings allow and deny. */
  permissions: Record<string, unknown>;
  /** Whether Claude Code has to look into the isolated configuration at all. */
  any: boolean;
}

/** @throws AetherError `claude.inherit` when something asked for cannot be read or is too large */
export async function inherit(agent: AgentSpec, place: RunPlace): Promise<Inherited> {
  const { instructions, settings, mcpServers, skills } = agent.inherit;
  const config = pathsOf(place).config;
  const user = join(place.userHome, '.claude');
  let permissions: Inherited['permissions'] = {};
  const files: FileSpec[] = [
    // Written either way: what an earlier run inherited, or the agent wrote there, must not count.
    { path: join(config, 'settings.json'), mode: 0o600, content: '{}\n' },
    { path: join(config, 'CLAUDE.md'), mode: 0o600, content: '' },
  ];
  if (settings) {
    const text = await readIfThere(join(user, 'settings.json'));
    if (text !== null) {
      permissions = asObject(parseObject(text, join(user, 'settings.json')).permissions);
    }
    files[0] = { ...files[0]!, content: text?.trim() ? text : '{}\n', secret: true };
  }
  if (instructions) {
    const own = (await readIfThere(join(user, 'CLAUDE.md'))) ?? '';
    // Project instructions only load together with project settings, hooks included; an import does not.
    const project = ['CLAUDE.md', '.claude/CLAUDE.md'].map((name) => `@${join(agent.workspace, name)}`);
    files[1] = { ...files[1]!, content: `${own}\n\n${project.join('\n')}\n` };
  }
  if (skills) files.push(...(await skillFiles(join(user, 'skills'), join(config, 'skills'))));
  return {
    files,
    permissions,
    mcpServers: mcpServers ? await userServers(agent, place) : {},
    any: instructions || settings || skills,
  };
}

/** The servers the user added for themselves (user scope) and for this workspace (local scope). */
async function userServers(agent: AgentSpec, place: RunPlace): Promise<Record<string, unknown>> {
  const file = join(place.userHome, '.claude.json');
  const text = await readIfThere(file);
  if (text === null) return {};
  const config = parseObject(text, file);
  const projects = asObject(config.projects);
  const local = asObject(asObject(projects[agent.workspace]).mcpServers);
  return { ...asObject(config.mcpServers), ...local };
}

/** Links are followed, as skills are often kept in a repository and linked from here. */
async function skillFiles(from: string, to: string): Promise<FileSpec[]> {
  const files: FileSpec[] = [];
  let bytes = 0;
  for (const path of await filesBelow(from, from, [])) {
    const [content, { mode }] = await Promise.all([readSkill(path, from), stat(path)]);
    bytes += content.length;
    if (bytes > SKILL_BYTES_MAX) throw tooLarge(from);
    const text = isUtf8(content);
    files.push({
      path: join(to, relative(from, path)),
      mode: 0o600 | (mode & 0o100),
      content: content.toString(text ? 'utf8' : 'base64'),
      ...(text ? {} : { encoding: 'base64' as const }),
    });
  }
  return files;
}

/** @param within real paths of the directories on the way here: a link to one of them has no end */
async function filesBelow(root: string, dir: string, within: string[]): Promise<string[]> {
  let real: string;
  let names: string[];
  try {
    real = await realpath(dir);
    names = await readdir(dir);
  } catch (error) {
    if (dir === root && (error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw unreadable(dir, 'cannot be read', 'Make it readable, or set inherit.skills to false.');
  }
  if (within.includes(real)) return [];
  const files: string[] = [];
  for (const name of names.sort()) {
    const path = join(dir, name);
    // A link that leads nowhere is no part of any skill.
    const entry = await stat(path).catch(() => null);
    if (entry?.isDirectory()) files.push(...(await filesBelow(root, path, [...within, real])));
    else if (entry?.isFile()) files.push(path);
    if (files.length > SKILL_FILES_MAX) throw tooLarge(root);
  }
  return files;
}

async function readSkill(path: string, root: string): Promise<Buffer> {
  try {
    return await readFileSafely(path, { bytes_max: SKILL_BYTES_MAX, links: 'followed' });
  } catch (error) {
    if (isFileProblem(error, 'too-large')) throw tooLarge(root);
    throw unreadable(path, 'cannot be read', 'Make it readable, or set inherit.skills to false.');
  }
}

function tooLarge(dir: string): AetherError {
  return unreadable(
    dir,
    `holds more than ${SKILL_FILES_MAX} files or ${SKILL_BYTES_MAX} bytes`,
    'Set inherit.skills to false, or move what is not a skill elsewhere.',
  );
}

async function readIfThere(file: string): Promise<string | null> {
  try {
    // A user may keep it elsewhere and have a link here.
    return textOfJson(await readFileSafely(file, { bytes_max: FILE_BYTES_MAX, links: 'followed' }));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw unreadable(file, 'cannot be read', 'Make it readable, or do not inherit it.');
  }
}

function parseObject(text: string, file: string): Record<string, unknown> {
  let why = 'it is not a JSON object';
  try {
    const value = parseJson(text);
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) return asObject(value);
  } catch (error) {
    if (!(error instanceof NotJson)) throw error;
    why = error.message;
  }
  throw unreadable(file, why, 'Correct it (`claude` shows where when it starts), or do not inherit it.');
}

const asObject = (value: unknown): Record<string, unknown> =>
  value !== null && typeof value === 'object' ? (value as Record<string, unknown>) : {};

function unreadable(file: string, problem: string, next: string): AetherError {
  return new AetherError({
    code: 'claude.inherit',
    who: 'user',
    message: `${file} was to be inherited, but ${problem}.`,
    next,
  });
}
