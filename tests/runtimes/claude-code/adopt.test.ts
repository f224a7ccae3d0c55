/** Conversations that a person began by hand: found, and copied. Files as the real program writes them; it is not started. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ByHand, FoundConversation } from '../../../src/runtimes/adoption.ts';
import { claudeAdoption } from '../../../src/runtimes/claude-code/adopt.ts';

const ID = '8f0b4478-42b1-4c1c-9758-83dc17a6fb34';
const OTHER = '8f0b9999-42b1-4c1c-9758-83dc17a6fb34';
const NOW = 1_800_000_000_000;
const HOUR_MS = 3_600_000;
const DIRECTORY = '/srv/my.project';
const SLUG = '-srv-my-project';

let root: string;
let home: string;
let agentDir: string;
let where: ByHand;

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'ae-adopt-')));
  home = join(root, 'home');
  agentDir = join(root, 'agents', 'fixer');
  mkdirSync(agentDir, { recursive: true });
  where = { userHome: home, environment: {}, from: null };
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const said = (text: unknown, more: object = {}) => ({
  ...{ type: 'user', isSidechain: false, message: { role: 'user', content: text } },
  ...{ uuid: 'u', cwd: DIRECTORY, sessionId: ID, ...more },
});

/** A file below ~/.claude. */
function put(path: string, content: string, at_ms = NOW - HOUR_MS): string {
  const file = join(home, '.claude', path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  utimesSync(file, at_ms / 1_000, at_ms / 1_000);
  return file;
}

const lines = (...entries: unknown[]) => entries.map((entry) => `${JSON.stringify(entry)}\n`).join('');
const begun = (id: string, text: string, more: object = {}, at_ms?: number, slug = SLUG) =>
  put(`projects/${slug}/${id}.jsonl`, lines({ type: 'mode', sessionId: id }, said(text, more)), at_ms);

const inDirectory = (limit = 20) => claudeAdoption.find(where, { directory: DIRECTORY }, limit, NOW);
const byId = (id: string, limit = 5) => claudeAdoption.find(where, { id }, limit, NOW);
const one = async (): Promise<FoundConversation> => (await byId(ID))[0]!;
const fork = async () => claudeAdoption.fork(where, await one(), { agentDir });
const copyOf = (session: string, ...path: string[]) =>
  join(
    agentDir,
    'claude',
    'projects',
    'conversation',
    ...(path.length > 0 ? [session, ...path] : [`${session}.jsonl`]),
  );

/** Everything below a directory, with what it holds. */
function digest(dir: string): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(dir, { recursive: true, encoding: 'utf8' }).sort()) {
    hash.update(`${name}\0`);
    try {
      hash.update(readFileSync(join(dir, name)));
    } catch {}
  }
  return hash.digest('hex');
}

test('those of a directory, the newest first, with their first words, and no others', async () => {
  expect(await inDirectory()).toEqual([]);
  begun(ID, 'Fix the parser', {}, NOW - 2 * HOUR_MS);
  begun(OTHER, 'Write the docs', { sessionId: OTHER }, NOW - HOUR_MS);
  // Another directory, whose name is the same to the program.
  begun('7f0b9999-42b1-4c1c-9758-83dc17a6fb34', 'Elsewhere', { cwd: '/srv/my-project' });
  // Nothing was said in it; no conversation; no id.
  put(`projects/${SLUG}/6f0b9999-42b1-4c1c-9758-83dc17a6fb34.jsonl`, lines({ type: 'mode', cwd: DIRECTORY }));
  put(`projects/${SLUG}/5f0b9999-42b1-4c1c-9758-83dc17a6fb34.jsonl`, 'garbage\n');
  put(`projects/${SLUG}/notes.jsonl`, lines(said('no')));
  expect(await inDirectory()).toMatchObject([
    { id: OTHER, words: 'Write the docs', directory: DIRECTORY, at_ms: NOW - HOUR_MS, use: null },
    { id: ID, words: 'Fix the parser', file: join(home, '.claude', 'projects', SLUG, `${ID}.jsonl`) },
  ]);
  expect(await inDirectory(1)).toHaveLength(1);
  expect((await byId('8f0b')).map(({ id }) => id)).toEqual([OTHER, ID]);
  expect((await byId('8f0b4')).map(({ id }) => id)).toEqual([ID]);
  expect((await byId(ID)).map(({ id }) => id)).toEqual([ID]);
});

test('kept elsewhere: by CLAUDE_CONFIG_DIR of the host, and where it is told', async () => {
  begun(ID, 'Fix it');
  const moved = join(root, 'moved');
  renameSync(join(home, '.claude'), moved);
  expect(await byId(ID)).toEqual([]);
  where = { ...where, environment: { CLAUDE_CONFIG_DIR: moved } };
  expect(await byId(ID)).toHaveLength(1);
  where = { ...where, environment: {}, from: moved };
  expect(await byId(ID)).toHaveLength(1);
});

test('the first words are those of the person, not of a command, a sub-agent or the program', async () => {
  put(
    `projects/${SLUG}/${ID}.jsonl`,
    lines(
      said('<command-name>/clear</command-name>'),
      said('Caveat', { isMeta: true }),
      said('a sub-agent', { isSidechain: true }),
      said([{ type: 'tool_result', tool_use_id: 't', content: 'x' }]),
      said([{ type: 'image' }, { type: 'text', text: `Now ${'long '.repeat(100)}` }]),
    ),
  );
  const { words } = await one();
  expect(words).toMatch(/^Now long/);
  expect(words!.length).toBe(200);
});

test('a process that has it open is named; one that is gone, or another of its number, is not', async () => {
  begun(ID, 'Fix it');
  const note = (more: object) =>
    put(`sessions/${process.pid}.json`, JSON.stringify({ pid: process.pid, sessionId: ID, ...more }));
  const began = readFileSync('/proc/self/stat', 'utf8').split(') ').at(-1)!.split(' ')[19]!;
  note({ procStart: began, status: 'busy' });
  expect((await one()).use).toEqual({ open: true, what: `process ${process.pid} (busy) has it open` });
  note({ procStart: '1' });
  expect((await one()).use).toBeNull();
  note({ procStart: began, sessionId: OTHER });
  expect((await one()).use).toBeNull();
  for (const bad of ['{', 'null', '[]', '{"pid":-1}', '{"pid":"1"}']) {
    put('sessions/1.json', bad);
    expect((await one()).use).toBeNull();
  }
  begun(ID, 'Fix it', {}, NOW - 5_000);
  expect((await one()).use).toEqual({ open: false, what: 'it was written 5 s ago' });
});

test('a copy under an id of its own; what it was copied from stays as it is, byte for byte', async () => {
  const kept = join(home, '.claude', 'projects', SLUG, ID, 'tool-results', 'big.txt');
  put(
    `projects/${SLUG}/${ID}.jsonl`,
    lines(
      said(`"sessionId":"${ID}" stands here`),
      said([{ type: 'tool_result', content: `saved to: ${kept}` }], { sessionId: OTHER }),
    ),
  );
  put(`projects/${SLUG}/${ID}/tool-results/big.txt`, `"sessionId":"${ID}"`);
  put(`projects/${SLUG}/${ID}/subagents/agent-1.jsonl`, lines(said('look', { isSidechain: true })));
  put(`file-history/${ID}/a@v1`, 'before');
  put(`projects/${SLUG}/memory/MEMORY.md`, 'of the project');
  put('settings.json', '{}');
  const before = digest(home);
  const { session, ...copied } = await fork();
  expect(digest(home)).toBe(before);
  expect(session).toMatch(/^[0-9a-f-]{36}$/);
  expect(session).not.toBe(ID);
  expect(copied).toMatchObject({ files: 4, left_out: 0 });

  const [first, second] = readFileSync(copyOf(session), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(first).toEqual(said(`"sessionId":"${ID}" stands here`, { sessionId: session }));
  // An entry of the conversation that this one was forked from keeps its id.
  expect(second.sessionId).toBe(OTHER);
  const named = /saved to: (.*)$/.exec(second.message.content[0].content)![1]!;
  expect(named).toBe(copyOf(session, 'tool-results', 'big.txt'));
  expect(readFileSync(named, 'utf8')).toBe(`"sessionId":"${ID}"`);
  const agent = JSON.parse(readFileSync(copyOf(session, 'subagents', 'agent-1.jsonl'), 'utf8'));
  expect(agent.sessionId).toBe(session);
  expect(readFileSync(join(agentDir, 'claude', 'file-history', session, 'a@v1'), 'utf8')).toBe('before');
  expect(existsSync(join(agentDir, 'claude', 'settings.json'))).toBe(false);
  expect((await fork()).session).not.toBe(session);
});

test('a torn last line is left out, and one without an end is ended', async () => {
  const whole = lines(said('Fix it'));
  const file = put(`projects/${SLUG}/${ID}.jsonl`, `${whole}{"type":"assistant","mess`);
  const torn = await fork();
  expect(readFileSync(copyOf(torn.session), 'utf8')).toBe(whole.replaceAll(ID, torn.session));
  writeFileSync(file, whole.trimEnd());
  const ended = await fork();
  expect(readFileSync(copyOf(ended.session), 'utf8')).toBe(whole.replaceAll(ID, ended.session));
});

test('a conversation of many megabytes: an id is replaced wherever a piece ends', async () => {
  const file = put(`projects/${SLUG}/${ID}.jsonl`, lines(said('Fix it')));
  // Lengths that are prime to the size of a piece: the ids fall on every offset of its end.
  const filler = lines(...Array.from({ length: 997 }, (_, n) => said('x'.repeat(1_009 + (n % 101)))));
  for (let n = 0; n < 8; n += 1) appendFileSync(file, filler);
  const { session, bytes } = await fork();
  const copy = readFileSync(copyOf(session), 'utf8');
  expect(bytes).toBeGreaterThan(8_000_000);
  expect(copy).toBe(readFileSync(file, 'utf8').replaceAll(`"sessionId":"${ID}"`, `"sessionId":"${session}"`));
}, 60_000);

test('links, pipes and what is no file are neither found nor copied', async () => {
  const secret = join(root, 'secret.jsonl');
  writeFileSync(secret, lines(said('the secret')));
  mkdirSync(join(home, '.claude', 'projects', SLUG), { recursive: true });
  symlinkSync(secret, join(home, '.claude', 'projects', SLUG, `${ID}.jsonl`));
  expect(await byId(ID)).toEqual([]);
  const elsewhere = join(root, 'elsewhere');
  mkdirSync(elsewhere);
  writeFileSync(join(elsewhere, `${OTHER}.jsonl`), lines(said('the secret')));
  symlinkSync(elsewhere, join(home, '.claude', 'projects', `${SLUG}-link`));
  expect(await byId(OTHER)).toEqual([]);

  rmSync(join(home, '.claude', 'projects', SLUG, `${ID}.jsonl`));
  begun(ID, 'Fix it');
  const beside = join(home, '.claude', 'projects', SLUG, ID, 'tool-results');
  mkdirSync(beside, { recursive: true });
  symlinkSync(secret, join(beside, 'a.txt'));
  symlinkSync(elsewhere, join(beside, 'b'));
  execFileSync('mkfifo', [join(beside, 'c')]);
  const { session, files, left_out } = await fork();
  expect({ files, left_out }).toEqual({ files: 1, left_out: 3 });
  expect(existsSync(copyOf(session, 'tool-results'))).toBe(false);
});

test('a link in the place of the directory of the agent is not followed, and nothing is left of a copy that failed', async () => {
  begun(ID, 'Fix it');
  put(`projects/${SLUG}/${ID}/subagents/agent-1.jsonl`, lines(said('look')));
  const outside = join(root, 'outside');
  mkdirSync(outside);
  symlinkSync(outside, join(agentDir, 'claude'));
  await expect(fork()).rejects.toMatchObject({ code: 'path.in-the-way' });
  expect(readdirSync(outside)).toEqual([]);
  rmSync(join(agentDir, 'claude'));

  const found = await one();
  rmSync(found.file);
  await expect(claudeAdoption.fork(where, found, { agentDir })).rejects.toMatchObject({
    code: 'conversation.gone',
  });
  const left = readdirSync(agentDir, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /jsonl|subagents/.test(name),
  );
  expect(left).toEqual([]);
});

test('what is larger than any conversation is refused, and not read', async () => {
  const file = begun(ID, 'Fix it');
  truncateSync(file, 3 * 1024 ** 3);
  await expect(fork()).rejects.toMatchObject({ code: 'conversation.too-large' });
});
