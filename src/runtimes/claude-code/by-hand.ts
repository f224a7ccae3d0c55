/**
 * The conversations that a person began with Claude Code by hand, where it keeps them itself. Whatever runs as the user
 * can write there, so nothing is followed but real directories, and nothing is read beyond a limit.
 */
import { fstatSync, read } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { setImmediate as turnOfLoop } from 'node:timers/promises';
import { promisify } from 'node:util';
import { listBeneath, openBeneath, readBeneath } from '../../host/beneath.ts';
import { readIfThere } from '../../host/files.ts';
import { cutText, shortText } from '../../host/text.ts';
import type { ByHand, FoundConversation } from '../adoption.ts';
import { blocksOf } from './messages.ts';
import { SESSION_ID } from './paths.ts';
import { closed } from './transcript-copy.ts';

/** More directories, or conversations in one, are not looked at. */
const DIRECTORIES_MAX = 5_000;
const CONVERSATIONS_MAX = 5_000;
/** The beginning of a conversation, in which its directory and its first message are looked for. */
const HEAD_BYTES_MAX = 4 * 1024 * 1024;
const HEAD_STEP_BYTES = 64 * 1024;
const WORDS_CHARS_MAX = 200;
/** Written within this: perhaps still in use, by a program that is not known. */
const FRESH_MS = 60_000;
const PROCESSES_MAX = 1_000;
const PROCESS_BYTES_MAX = 64 * 1024;
const PATH_CHARS_MAX = 4_096;
/** Claude Code cuts longer names of its directories and ends them with a hash. */
const SLUG_CHARS_MAX = 200;
const LOOKED_AT_A_TIME = 50;

/** As typed: the beginning of an id, at least so much that it is not met by chance. */
export const ID_PART = /^[0-9a-f][0-9a-f-]{3,35}$/;

const readAt = promisify(read);

/** Its CLAUDE_CONFIG_DIR. */
export function configOf({ userHome, environment, from }: ByHand): string {
  const own = environment.CLAUDE_CONFIG_DIR;
  return from ?? (own ? resolve(own) : join(userHome, '.claude'));
}

interface Entry {
  /** Below the configuration's directory. */
  path: string;
  id: string;
  at_ms: number;
  bytes: number;
}

export async function findByHand(
  where: ByHand,
  which: { directory: string } | { id: string },
  limit: number,
  now: number,
): Promise<FoundConversation[]> {
  const config = configOf(where);
  const entries = await entriesOf(config, which);
  const open = openIn(config);
  const found = new Map<string, FoundConversation>();
  for (const entry of entries) {
    if (found.size === limit) break;
    // The same id in two directories: one is a copy, and the newest counts.
    if (found.has(entry.id)) continue;
    const head = await headOf(config, entry.path);
    if (head?.directory == null || ('directory' in which && head.directory !== which.directory)) continue;
    if (head.words === null && head.whole) continue;
    const { id, at_ms, bytes } = entry;
    const use = useOf(open, id, now - at_ms);
    const { directory, words } = head;
    found.set(id, { id, file: join(config, entry.path), directory, words, at_ms, bytes, use });
  }
  return [...found.values()];
}

/** The newest first. */
async function entriesOf(config: string, which: { directory: string } | { id: string }): Promise<Entry[]> {
  const directories = (listed(config, 'projects') ?? []).slice(0, DIRECTORIES_MAX);
  const wanted = 'directory' in which ? directories.filter(namedAfter(which.directory)) : directories;
  const entries: Entry[] = [];
  for (const [index, name] of wanted.entries()) {
    if (index % LOOKED_AT_A_TIME === 0) await turnOfLoop();
    const begins = 'id' in which ? which.id : '';
    const names = (listed(config, join('projects', name)) ?? []).filter((file) => file.startsWith(begins));
    for (const [count, file] of names.slice(0, CONVERSATIONS_MAX).entries()) {
      if (count % LOOKED_AT_A_TIME === 0) await turnOfLoop();
      const id = file.endsWith('.jsonl') ? file.slice(0, -'.jsonl'.length) : '';
      if (!SESSION_ID.test(id)) continue;
      const path = join('projects', name, file);
      const stat = statOf(config, path);
      if (stat !== null) entries.push({ path, id, ...stat });
    }
  }
  return entries.sort((one, other) => other.at_ms - one.at_ms);
}

/** Its directories are named after the working directory; two of those can have one name. */
function namedAfter(directory: string): (name: string) => boolean {
  const slug = directory.replace(/[^a-zA-Z0-9]/g, '-');
  if (slug.length <= SLUG_CHARS_MAX) return (name) => name === slug;
  const begins = cutText(slug, { chars_max: SLUG_CHARS_MAX });
  return (name) => name.startsWith(begins);
}

/** What is a link or no directory has no names. */
function listed(config: string, path: string): string[] | null {
  try {
    return listBeneath(config, path);
  } catch {
    return null;
  }
}

function opened(config: string, path: string): number | null {
  try {
    return openBeneath(config, path);
  } catch {
    return null;
  }
}

function statOf(config: string, path: string): { at_ms: number; bytes: number } | null {
  const fd = opened(config, path);
  if (fd === null) return null;
  return closed(fd, () => {
    const { mtimeMs, size } = fstatSync(fd);
    return { at_ms: Math.round(mtimeMs), bytes: size };
  });
}

interface Head {
  directory: string | null;
  words: string | null;
  /** There is no more of it than was read. */
  whole: boolean;
}

async function headOf(config: string, path: string): Promise<Head | null> {
  const fd = opened(config, path);
  if (fd === null) return null;
  return await closed(fd, async () => {
    const head: Head = { directory: null, words: null, whole: false };
    let rest = Buffer.alloc(0);
    for (let at = 0; at < HEAD_BYTES_MAX; ) {
      const { bytesRead, buffer } = await readAt(
        fd,
        Buffer.allocUnsafe(HEAD_STEP_BYTES),
        0,
        HEAD_STEP_BYTES,
        at,
      );
      if (bytesRead === 0) {
        readHead(head, rest.toString());
        return { ...head, whole: true };
      }
      at += bytesRead;
      const read = Buffer.concat([rest, buffer.subarray(0, bytesRead)]);
      const end = read.lastIndexOf(0x0a) + 1;
      for (const line of read.toString('utf8', 0, end).split('\n')) readHead(head, line);
      if (head.directory !== null && head.words !== null) return head;
      rest = read.subarray(end);
    }
    return head;
  });
}

function readHead(head: Head, line: string): void {
  let entry: Record<string, unknown>;
  try {
    entry = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return;
  }
  const { cwd, type, isMeta, isSidechain, message } = entry ?? {};
  if (head.directory === null && typeof cwd === 'string' && isPath(cwd)) head.directory = cwd;
  if (head.words !== null || type !== 'user' || isMeta === true || isSidechain === true) return;
  const text = blocksOf((message as { content?: unknown } | null)?.content)
    .flatMap((block) => (block.type === 'text' && typeof block.text === 'string' ? [block.text.trim()] : []))
    // Tagged: what a command printed, not what the person said.
    .find((said) => said !== '' && !said.startsWith('<'));
  if (text !== undefined) head.words = shortText(text, WORDS_CHARS_MAX);
}

const isPath = (path: string): boolean =>
  isAbsolute(path) && path.length <= PATH_CHARS_MAX && !path.includes('\0');

/** What Claude Code notes down of its own processes, while they live: by id, who has a conversation open. */
function openIn(config: string): Map<string, string> {
  const found = new Map<string, string>();
  const names = (listed(config, 'sessions') ?? []).filter((name) => /^[0-9]{1,10}\.json$/.test(name));
  for (const name of names.slice(0, PROCESSES_MAX)) {
    const note = processNote(config, join('sessions', name));
    if (note === null || !lives(note.pid, note.procStart)) continue;
    const doing = note.status === undefined ? '' : ` (${shortText(String(note.status), 20)})`;
    found.set(String(note.sessionId), `process ${note.pid}${doing} has it open`);
  }
  return found;
}

interface ProcessNote {
  pid: number;
  sessionId?: unknown;
  /** When the kernel says that it began. */
  procStart?: unknown;
  status?: unknown;
}

function processNote(config: string, path: string): ProcessNote | null {
  try {
    const note: unknown = JSON.parse(readBeneath(config, path, PROCESS_BYTES_MAX)?.toString() ?? 'null');
    const pid = (note as ProcessNote | null)?.pid;
    return Number.isSafeInteger(pid) && pid! > 0 ? (note as ProcessNote) : null;
  } catch {
    return null;
  }
}

/** A note outlives a process that was killed, and its number is given again. */
function lives(pid: number, began: unknown): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  // Fields behind the name, which may hold anything but the last bracket: the start is the 22nd of all.
  const fields = readIfThere(`/proc/${pid}/stat`, PROCESS_BYTES_MAX)?.split(') ').at(-1)?.split(' ');
  return typeof began !== 'string' || fields === undefined || fields[19] === began;
}

function useOf(open: ReadonlyMap<string, string>, id: string, age_ms: number): FoundConversation['use'] {
  const by = open.get(id);
  if (by !== undefined) return { open: true, what: by };
  if (age_ms >= FRESH_MS) return null;
  return { open: false, what: `it was written ${Math.max(0, Math.round(age_ms / 1_000))} s ago` };
}
