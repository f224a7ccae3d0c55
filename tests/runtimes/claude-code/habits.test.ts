// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${NAME} is what is tested.
/** Files of Claude Code as people have them: with a byte order mark, empty, commented, or written for another client. */
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseJson, textOfJson } from '../../../src/runtimes/claude-code/json-file.ts';
import { repositoryOf } from '../../../src/runtimes/claude-code/repository.ts';
import { refuseForeignVariables } from '../../../src/runtimes/claude-code/server-variables.ts';
import type { AgentSpec } from '../../../src/runtimes/runtime.ts';

let workspace: string;
beforeEach(() => {
  workspace = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'ae-habits-')));
});
afterEach(() => fs.rmSync(workspace, { recursive: true }));

function put(path: string, content: string | Buffer): void {
  fs.mkdirSync(join(workspace, path, '..'), { recursive: true });
  fs.writeFileSync(join(workspace, path), content);
}

const read = (content: string | Buffer) => parseJson(textOfJson(Buffer.from(content as string)));
const TEXT = '{"env":{"A":"b, // c"}}';

test.each<[string, string | Buffer, unknown]>([
  ['plain', TEXT, JSON.parse(TEXT)],
  ['with a byte order mark', `\ufeff${TEXT}`, JSON.parse(TEXT)],
  ['in UTF-16', Buffer.from(`\ufeff${TEXT}`, 'utf16le'), JSON.parse(TEXT)],
  ['with CRLF', TEXT.replaceAll(',', ',\r\n').replace(/,\r\n \/\//, ', //'), JSON.parse(TEXT)],
  ['empty', '', {}],
  ['blank', ' \r\n', {}],
  ['a lone mark', '\ufeff', {}],
])('taken as Claude Code takes it: %s', (_what, content, value) => {
  expect(read(content)).toEqual(value);
});

test.each([
  ['a line comment', `// mine\n${TEXT}`, /comments or trailing commas/],
  ['a block comment', `{/* mine */"a":1}`, /comments or trailing commas/],
  ['a trailing comma', '{"a":[1,2,],}', /comments or trailing commas/],
  ['a brace too few', '{"a":1', /^it is not JSON$/],
  ['single quotes', "{'a':1}", /^it is not JSON$/],
])('what Claude Code leaves out is named: %s', (_what, content, why) => {
  expect(() => read(content)).toThrow(why);
});

const agent = (trust: boolean): AgentSpec => ({ name: 'a', workspace, trust }) as unknown as AgentSpec;

test('a repository of Windows is listed like any other', () => {
  put('.claude/settings.json', `\ufeff{"env":{"A":"b"}}\r\n`);
  put('.claude/settings.local.json', '');
  put('.mcp.json', Buffer.from('\ufeff{"mcpServers":{"own":{"command":"x"}}}', 'utf16le'));
  const { items, mcpServers } = repositoryOf(agent(true));
  expect(items).toEqual([
    { file: '.claude/settings.json', kind: 'variables', what: 'A' },
    { file: '.mcp.json', kind: 'MCP server', what: 'own: x' },
  ]);
  expect(mcpServers).toEqual({ own: { command: 'x' } });
  put('.mcp.json', '{"mcpServers":{},}');
  expect(() => repositoryOf(agent(true))).toThrow(
    /\.mcp\.json cannot be listed: it holds comments or trailing/,
  );
});

test('a hook that is a script with Windows line ends cannot run, and is listed so', () => {
  put('.claude/hooks/check.sh', '#!/bin/sh\r\nexit 2\r\n');
  put('.claude/hooks/fine.sh', '#!/bin/sh\nexit 2\n');
  const hook = (command: string) => ({ matcher: '', hooks: [{ type: 'command', command }] });
  const commands = [
    '"$CLAUDE_PROJECT_DIR"/.claude/hooks/check.sh',
    '"$CLAUDE_PROJECT_DIR/.claude/hooks/check.sh" --all',
    './.claude/hooks/check.sh',
    '.claude/hooks/fine.sh',
    'sh .claude/hooks/check.sh',
    '../../etc/check.sh',
    'make check',
  ];
  put('.claude/settings.json', JSON.stringify({ hooks: { PreToolUse: commands.map(hook) } }));
  const listed = repositoryOf(agent(true)).items.map(({ what }) =>
    /#!\/bin\/sh\\r: it has Windows/.test(what),
  );
  expect(listed).toEqual([true, true, true, false, false, false, false]);
});

test.each([
  ['${workspaceFolder}/server.js', /\$\{workspaceFolder\}/, /the workspace is /],
  ['${workspaceFolder:api}/server.js', /\$\{workspaceFolder:api\}/, /the workspace is /],
  ['${userHome}/server.js', /\$\{userHome\}/, /Write the path out/],
  ['${env:TOKEN}', /\$\{env:TOKEN\}/, /Write \$\{TOKEN\}/],
  ['${input:token}', /\$\{input:token\}/, /An agent has no prompt/],
])('an MCP server with %s is refused', (text, message, next) => {
  for (const server of [
    { command: text },
    { command: 'x', args: ['-y', text] },
    { url: 'http://x', headers: { A: text } },
  ])
    expect(() => refuseForeignVariables('a', { own: server }, workspace)).toThrow(
      expect.objectContaining({
        code: 'claude.mcp-variable',
        message: expect.stringMatching(message),
        next: expect.stringMatching(next),
      }),
    );
});

test('what Claude Code expands itself is left to it', () => {
  const env = { A: '${TOKEN}', B: '${TOKEN:-none}', C: '$TOKEN' };
  refuseForeignVariables('a', { own: { command: 'x', env } }, workspace);
});
