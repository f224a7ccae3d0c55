/**
 * The README runs. Every fenced block is executed or validated, in the order of the page, and one that nobody here
 * understands fails: what the page says is true of the last commit, for somebody with a fresh clone.
 */
import fs from 'node:fs';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseDocument } from 'yaml';
import { root } from '../../src/build/build.mjs';
import { loadConfig } from '../../src/host/config/load.ts';
import { ControlClient } from '../../src/host/control/client.ts';
import { recordedRuntimeDirectory, socketPaths } from '../../src/host/paths.ts';
import { leafPrograms } from '../architecture/law.ts';
import { Client as Browser } from '../support/console-client.ts';
import { eventually } from '../support/eventually.ts';
import { LiveTerminal } from '../support/live-terminal.ts';
import { type ModelServer, startModelServer } from '../support/model-server/server.ts';
import { anchorsOf, type Block, blocksOf, codeOf, linksOf, tableOf } from './markdown.ts';
import { Reader } from './reader.ts';

const LINES_MAX = 210;
const IMAGE_BYTES_MAX = 400_000;
const CTRL_C = '\x03';
/** Of one use; what follows it may be printed right behind. */
const LINK = /http:\/\/[a-z2-7]{20}\.localhost:\d+\/#link=[\w-]{12}\.[\w-]{43}/;
const CTRL_BRACKET = '\x1d';
const README = fs.readFileSync(join(root, 'README.md'), 'utf8');
const CHANGELOG = fs.readFileSync(join(root, 'CHANGELOG.md'), 'utf8');
const TOOLS = [...new Set(README.match(/\baether_[a-z]+_?[a-z]+\b/g))].sort();

let model: ModelServer;
let reader: Reader;

beforeAll(async () => {
  model = await startModelServer();
  reader = new Reader(root, model.url);
}, 120_000);

afterAll(async () => {
  const left = (await reader?.leaves()) ?? [];
  await model?.close();
  expect(left).toEqual([]);
}, 60_000);

/** Lines of `sh` blocks, by what they begin with. */
const LINES: [RegExp, (line: string) => Promise<void>][] = [
  [/^npm start$/, npmStart],
  [/^npm test$/, npmTest],
  [/^npx aether attach /, attach],
  [/^npx aether (?!mcp )/, verb],
  [/^claude mcp add /, mcpAdd],
];

/** Blocks, by their language. */
const LANGUAGES: Record<string, (block: Block) => Promise<void>> = {
  sh: async (block) => {
    for (const line of linesOf(block)) await runnerOf(line)(line);
  },
  yaml: configuration,
  json: clientConfiguration,
  text: drawing,
};

function linesOf(block: Block): string[] {
  return block.text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'));
}

function runnerOf(line: string): (line: string) => Promise<void> {
  const found = LINES.find(([pattern]) => pattern.test(line));
  if (found === undefined) throw new Error(`nobody here knows how to try this line: ${line}`);
  return found[1];
}

function runBlock(block: Block): Promise<void> {
  const validate = LANGUAGES[block.language];
  if (validate === undefined)
    throw new Error(`nobody here knows how to try a block of ${block.language || 'no language'}`);
  return validate(block);
}

describe('every block of the README', () => {
  it.each(blocksOf(README))('line $line, $language: does what it says', runBlock, 240_000);

  it('is one that somebody tried: an unknown fence or command is no success', () => {
    expect(() => runBlock({ language: 'toml', line: 1, text: '' })).toThrow('toml');
    expect(() => runBlock({ language: '', line: 1, text: '' })).toThrow('no language');
    for (const line of ['rm -rf /', 'npx aether mcp --as x', 'npm run build'])
      expect(() => runnerOf(line)).toThrow(line);
    expect(() => blocksOf('```sh\nnpm start\n')).toThrow('not closed');
  });
});

describe('the rest of the page', () => {
  it('is short', () => {
    expect(README.split('\n').length).toBeLessThanOrEqual(LINES_MAX);
  });

  it('lists the verbs of the program, each once', async () => {
    const help = await reader.aether('--help', reader.project, reader.env);
    const verbs = [...help.matchAll(/^ {2}([a-z]+)(?: \[| <)/gm)].map(([, name]) => name!);
    const listed = tableOf(README, 'verb').flatMap(([cell]) =>
      [...cell!.matchAll(/`([a-z]+)[^`]*`/g)].map(([, name]) => name!),
    );
    expect(verbs).toContain('up');
    expect(listed.toSorted()).toEqual(verbs.filter((name) => name !== 'help').toSorted());
    const told = /The command line: ([^.]+)\./.exec(CHANGELOG)![1]!.split(/,\s+/);
    expect(told.toSorted()).toEqual(listed.toSorted());
    const milder = tableOf(README, 'to interfere').flatMap(([name, , , back]) => [name!, back!]);
    const mentioned = [
      ...milder.map((cell) => cell.replaceAll('`', '')),
      ...codeOf(README).flatMap((code) => /^(?:npx )?aether ([a-z]+)/.exec(code)?.[1] ?? []),
    ];
    expect(mentioned.filter((name) => !verbs.includes(name))).toEqual([]);
  }, 60_000);

  it('shows rooms that exist', () => {
    const rooms = tableOf(README, 'room').flatMap(([cell]) => {
      const [first, ...others] = [...cell!.matchAll(/`([^`]+)`/g)].map(([, path]) => path!);
      // The others are beside the first, or below it.
      const beside = first!.startsWith('src/host') ? 'src/host' : '';
      return [first!, ...others.map((name) => join(beside, name))];
    });
    expect(rooms.length).toBeGreaterThan(8);
    expect(rooms.filter((path) => !fs.existsSync(join(reader.clone, path)))).toEqual([]);
  });

  it('links and pictures lead somewhere', () => {
    const links = linksOf(README).filter((link) => !link.startsWith('https://'));
    const anchors = anchorsOf(README);
    for (const link of links) {
      if (link.startsWith('#')) expect(anchors).toContain(link);
      else expect(fs.existsSync(join(root, link)), link).toBe(true);
    }
    const picture = fs.readFileSync(join(root, '.github', 'console.png'));
    expect(links).toContain('.github/console.png');
    expect(picture.length).toBeLessThan(IMAGE_BYTES_MAX);
    expect([picture.readUInt32BE(16), picture.readUInt32BE(20)]).toEqual([1440, 900]);
    // A registry resolves a relative link against the repository.
    const { repository } = manifest();
    if (repository !== undefined) expect(repository.url).toMatch(/^git\+https:\/\//);
  });

  it('lets a client join a fleet with -f', async () => {
    expect(README.replace(/\s+/g, ' ')).toContain('With `-f aether.yaml` the client joins that fleet');
    if (!fs.existsSync(config())) await verb('npx aether init coder');
    await needsAgent();
    const listed = await asClient(
      'npx',
      ['aether', 'mcp', '--as', 'laptop', '-f', 'aether.yaml'],
      (client) => client.callTool({ name: 'aether_agents_list', arguments: {} }),
      reader.project,
    );
    expect(JSON.stringify(listed.structuredContent)).toContain('"coder"');
  }, 120_000);

  it('names npm scripts that there are', () => {
    const { scripts } = manifest();
    const named = [...README.matchAll(/npm run ([a-z]+)/g)].map(([, name]) => name!);
    expect(named).toEqual(['bench', 'chaos', 'trees', 'hostile']);
    for (const name of named) {
      const [program, file] = scripts[name]!.split(' ');
      expect([program, fs.existsSync(join(reader.clone, file!))]).toEqual(['node', true]);
    }
  });
});

function manifest(): { scripts: Record<string, string>; repository?: { url: string } } {
  return JSON.parse(fs.readFileSync(join(reader.clone, 'package.json'), 'utf8'));
}

/** Two agents that mail, remember and ask one question, without any key; and Ctrl-C leaves nothing behind. */
async function npmStart(line: string): Promise<void> {
  const terminal = new LiveTerminal(['/bin/sh', '-c', line], { cwd: reader.clone, env: reader.env });
  let exit: { code: number; signal: number | undefined } | null = null;
  const ended = terminal.exited.then((how) => {
    exit = how;
  });
  try {
    const link = await eventually(
      'npm start prints the address of the console, or ends',
      () => LINK.exec(terminal.text)?.[0] ?? (exit && `it ended: ${terminal.text}`),
      180_000,
    );
    await logsIn(link);
    const aether = (verb: string) =>
      reader.aether(
        `${verb} --json --state .aether -f templates/example/aether.yaml`,
        reader.clone,
        reader.env,
      );
    await asksSomebody(join(reader.clone, '.aether'));
    const asked = JSON.parse(await aether('approvals list')) as { kind: string }[];
    expect(asked.map(({ kind }) => kind)).toContain('question');
    const log = await aether('logs');
    for (const topic of ['mail.sent', 'memory.stored', 'approval.opened'])
      expect(log).toContain(`"${topic}"`);
    terminal.press(CTRL_C);
    await terminal.shows('Stopping the agents');
    await ended;
    await eventually('nothing of it is left', () => reader.left(reader.clone).length === 0);
  } finally {
    await terminal.close();
  }
}

/** Waits for a question, without a process for each look. */
async function asksSomebody(state: string): Promise<void> {
  const client = await ControlClient.connect(socketPaths(recordedRuntimeDirectory(state)!).control, state);
  try {
    const isQuestion = async () =>
      (await client.call('approvals', {})).some(({ kind }) => kind === 'question');
    await eventually('one of them asks', isQuestion, 60_000, 100);
  } finally {
    client.close();
  }
}

/** A link lets a browser in: it gets the page, and with the link's secret a session. */
async function logsIn(link: string): Promise<void> {
  const { port } = new URL(link);
  const page = await fetch(`http://127.0.0.1:${port}/`);
  expect(page.status).toBe(200);
  expect(await page.text()).toContain('<script');
  const browser = await Browser.signIn(link);
  expect((await browser.get('/api/verbs/info')).status).toBe(200);
}

/** Not run from inside itself: CI runs this very line, and this test is a part of it. */
async function npmTest(line: string): Promise<void> {
  const program = manifest().scripts.test!.split(' ');
  expect([program[0], fs.existsSync(join(reader.clone, program[1]!))]).toEqual(['node', true]);
  const ci = fs.readFileSync(join(reader.clone, '.ci', 'run'), 'utf8');
  expect(ci).toMatch(new RegExp(`^exec ${line}`, 'm'));
}

const config = () => join(reader.project, 'aether.yaml');

/** One line of `aether`, by somebody with Claude Code and a key. What it claims beyond exit code 0 is looked at. */
async function verb(line: string): Promise<void> {
  const name = /^npx aether (\S+)/.exec(line)![1];
  if (name === 'console') await needsAgent();
  const said = await reader.does(line, reader.project, reader.claudeEnv);
  if (name === 'init') {
    // The engine may talk to nobody but the scripted model.
    const document = parseDocument(fs.readFileSync(config(), 'utf8'));
    document.setIn(['agents', 'coder', 'env'], { ANTHROPIC_BASE_URL: model.url });
    fs.writeFileSync(config(), document.toString());
  } else if (name === 'plan') expect(said).toContain('coder would be started');
  else if (name === 'up') expect(said).toContain('coder is running');
  else if (name === 'ps') expect(said).toMatch(/coder.*running/);
  else if (name === 'down') expect(reader.left(reader.project)).toEqual([]);
  else if (name === 'console') {
    const link = LINK.exec(said)![0];
    await logsIn(link);
  } else throw new Error(`nobody here looks at what ${name} does`);
}

/** What the page did in its first door is undone by its last line there: an agent that runs is what the second takes over. */
async function needsAgent(): Promise<void> {
  if (!fs.existsSync(join(reader.project, '.aether', 'host.pid')))
    await reader.aether('up --detach', reader.project, reader.claudeEnv);
}

/** In a terminal, as a person: the engine's own screen, Ctrl-], a note. */
async function attach(line: string): Promise<void> {
  await needsAgent();
  const terminal = new LiveTerminal(['/bin/sh', '-c', line], { cwd: reader.project, env: reader.claudeEnv });
  try {
    await terminal.shows('You hold coder', 60_000);
    await terminal.shows('manual mode on', 60_000);
    terminal.press(CTRL_BRACKET);
    await terminal.shows('Note for coder');
    terminal.press('\r');
    await terminal.shows('Handed coder back', 60_000);
    expect(await terminal.exited).toMatchObject({ code: 0 });
  } finally {
    await terminal.close();
  }
}

/** With the real claude, which then starts the server and talks to it. */
async function mcpAdd(line: string): Promise<void> {
  // The published package is used from anywhere, the other one from its checkout.
  const cwd = line.includes('npx -y aether-host') ? reader.home : reader.clone;
  await reader.does(line, cwd, reader.claudeEnv);
  const [, name, server] = /^claude mcp add (\S+) -- (.+)$/.exec(line)!;
  const list = await reader.does('claude mcp list', cwd, reader.claudeEnv);
  expect(list).toContain(`${name}: ${server}`);
  expect(list).toMatch(new RegExp(`^${name}: .*Connected`, 'm'));
}

/** Loads; and every agent could be planned, by the names that its file uses. */
async function configuration(block: Block): Promise<void> {
  const file = join(reader.home, 'aether.yaml');
  fs.writeFileSync(file, block.text);
  const loaded = loadConfig(file);
  expect(loaded.warnings).toEqual([]);
  expect(loaded.agents.length).toBeGreaterThan(0);
  const plan = await reader.aether(`plan -f '${file}'`, reader.project, reader.claudeEnv);
  for (const { name } of loaded.agents) expect(plan).toContain(`${name} would be started`);
}

/** A client of the SDK starts what the configuration names, and gets the tools that the page names. */
async function clientConfiguration(block: Block): Promise<void> {
  const { mcpServers } = JSON.parse(block.text) as {
    mcpServers: Record<string, { command: string; args: string[] }>;
  };
  const servers = Object.values(mcpServers);
  expect(servers.length).toBeGreaterThan(0);
  for (const { command, args } of servers) {
    const { tools } = await asClient(command, args, (client) => client.listTools());
    expect(tools.map(({ name }) => name).sort()).toEqual(TOOLS);
  }
}

/** @param command found on PATH by a real client; here it is the stand-in for the registry (see Reader) */
async function asClient<T>(
  command: string,
  args: string[],
  body: (client: Client) => Promise<T>,
  cwd = reader.home,
): Promise<T> {
  const client = new Client({ name: 'readme', version: '1' });
  const file = join(reader.root, 'bin', command);
  await client.connect(new StdioClientTransport({ command: file, args, env: reader.claudeEnv, cwd }));
  try {
    return await body(client);
  } finally {
    await client.close();
  }
}

/** The drawing has each program that runs beside an agent, and each runtime. */
async function drawing(block: Block): Promise<void> {
  for (const { entry } of leafPrograms) {
    const program = entry.split('/').at(entry.startsWith('host/') ? 1 : -2)!;
    expect(block.text).toContain(program);
  }
  for (const word of ['claude', 'builtin', 'command', 'control socket', 'run socket'])
    expect(block.text).toContain(word);
}
