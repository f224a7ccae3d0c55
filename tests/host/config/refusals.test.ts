// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${NAME} is the syntax of the file.
/** Every bad file gets one error that leads to the place and says what to write instead. */
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/host/config/load.ts';
import { load, refusal, refusalOf, tempDir, writeConfig } from './support.ts';

type Case = [
  name: string,
  text: string,
  code: string,
  line: number,
  column: number,
  message: RegExp,
  next: RegExp,
];

const agent = (...lines: string[]) =>
  `agents:\n  writer:\n    runtime: claude-code\n${lines.map((line) => `    ${line}\n`).join('')}`;

describe('syntax', () => {
  it.each<Case>([
    ['an empty file', '', 'empty', 1, 1, /is empty/, /aether init/],
    ['comments only', '# nothing\n', 'empty', 1, 1, /is empty/, /aether init/],
    ['a list', '- a\n- b\n', 'not-a-mapping', 1, 1, /must be a mapping/, /agents: \{\}/],
    ['a sentence', 'hello there\n', 'not-a-mapping', 1, 1, /must be a mapping/, /aether init/],
    ['a tab', 'agents:\n  a:\n\t\truntime: x\n', 'syntax', 3, 1, /tab is used as indentation/, /spaces/],
    ['an open bracket', 'agents:\n  a: { tools: [x, y }\n', 'syntax', 2, 21, /./, /./],
    ['an open bracket at the end', 'agents: [\nb: 1\n', 'syntax', 2, 1, /not closed/, /Close it/],
    [
      'an open quote',
      'agents:\n  a:\n    goal: "never\n    model: x\n',
      'syntax',
      3,
      11,
      /quoted text that begins here/,
      /closing quote/,
    ],
    [
      'uneven indentation',
      'agents:\n  a:\n    runtime: x\n   goal: y\n',
      'syntax',
      4,
      1,
      /not indented like/,
      /leading spaces/,
    ],
    ['a colon in a value', 'agents:\n  a:\n    goal: do: this\n', 'syntax', 3, 11, /": "/, /quotes/],
    ['two documents', 'agents: {}\n---\nagents: {}\n', 'syntax', 2, 1, /second YAML document/, /---/],
    ['a tag', 'agents: !fleet {}\n', 'syntax', 1, 9, /tags/, /quotes/],
    ['a key that is a list', 'agents:\n  ? [a, b]\n  : 1\n', 'syntax', 2, 5, /plain text/, /name: value/],
    ['an alias without an anchor', 'agents:\n  a: *base\n', 'alias', 2, 6, /no anchor/, /&name/],
    [
      'an alias within its anchor',
      'agents: &x\n  a: *x\n',
      'alias',
      2,
      6,
      /value that contains it/,
      /anchor/,
    ],
    [
      'a merge of text',
      'agents:\n  a:\n    <<: hello\n',
      'alias',
      3,
      5,
      /merge \(<<\) needs a mapping/,
      /<<: \*name/,
    ],
    [
      'a merge within its anchor',
      'agents:\n  a: &x\n    <<: *x\n',
      'alias',
      3,
      9,
      /value that contains it/,
      /anchor/,
    ],
    [
      'a duplicate agent',
      'agents:\n  a: { runtime: builtin, model: "ollama:x" }\n  b: {runtime: claude-code}\n  a: {runtime: claude-code}\n',
      'duplicate-agent',
      4,
      3,
      /"a" is declared twice; first on line 2/,
      /Rename/,
    ],
    [
      'a duplicate key',
      agent('goal: one', 'goal: two'),
      'duplicate-key',
      5,
      5,
      /agents\.writer\.goal is given twice; first on line 4/,
      /Keep one/,
    ],
    [
      'a duplicate top-level key',
      'agents: {}\nagents: {}\n',
      'duplicate-key',
      2,
      1,
      /agents is given twice/,
      /Keep one/,
    ],
  ])('%s', (_name, text, code, line, column, message, next) => {
    const error = refusal(text);
    expect(error).toMatchObject({ code: `config.${code}`, line, column });
    expect(error.message).toMatch(message);
    expect(error.next).toMatch(next);
  });

  it('counts columns from the text after a byte order mark', () => {
    expect(refusal('\u{feff}agent: {}\n')).toMatchObject({ line: 1, column: 1 });
  });

  it('finds the line after CRLF', () => {
    expect(refusal('agents:\r\n  a:\r\n    runtime: claude-code\r\n    gaol: x\r\n')).toMatchObject({
      line: 4,
      column: 5,
    });
  });
});

describe('keys', () => {
  it.each<Case>([
    [
      'at the top',
      'agent:\n  a: {}\n',
      'unknown-key',
      1,
      1,
      /"agent"; the nearest known key is "agents"/,
      /agents:/,
    ],
    [
      'of an agent',
      agent('modle: opus'),
      'unknown-key',
      4,
      5,
      /agents\.writer has an unknown key "modle"; the nearest known key is "model"/,
      /Write `model:`/,
    ],
    [
      'of permissions',
      agent('permissions:', '  mode: ask', '  alow: []'),
      'unknown-key',
      6,
      7,
      /agents\.writer\.permissions .*"alow".*"allow"/,
      /allow/,
    ],
    ['of auth', agent('auth: { en: X }'), 'unknown-key', 4, 13, /"en".*"env"/, /env/],
    ['of restart', agent('restart: { polcy: never }'), 'unknown-key', 4, 16, /"polcy".*"policy"/, /policy/],
    [
      'of limits',
      agent('limits: { step_max: 1 }'),
      'unknown-key',
      4,
      15,
      /"step_max".*"steps_max"/,
      /steps_max/,
    ],
    [
      'of an agent, for all of them',
      'agents: {}\nsandbox: none\n',
      'unknown-key',
      2,
      1,
      /"sandbox"/,
      /below `defaults:`/,
    ],
    ['of the console', 'agents: {}\nconsole: { prot: 1 }\n', 'unknown-key', 2, 12, /"prot".*"port"/, /port/],
    [
      'of the defaults',
      'agents: {}\ndefaults:\n  workspace: .\n',
      'unknown-key',
      3,
      3,
      /defaults has an unknown key "workspace"/,
      /./,
    ],
    ['from another tool', agent('environment: {}'), 'unknown-key', 4, 5, /"environment".*"env"/, /env/],
    ['with a hyphen', agent('steps-max: 3'), 'unknown-key', 4, 5, /"steps-max"/, /known here: .*limits/],
    [
      'like no other',
      agent('zebra: 3'),
      'unknown-key',
      4,
      5,
      /unknown key "zebra"\.$/,
      /known here: runtime, goal, .*wake/,
    ],
  ])('unknown: %s', (_name, text, code, line, column, message, next) => {
    const error = refusal(text);
    expect(error).toMatchObject({ code: `config.${code}`, line, column });
    expect(error.message).toMatch(message);
    expect(error.next).toMatch(next);
  });

  it('finds the place through an alias', () => {
    const error = refusal('agents:\n  a: &x\n    runtime: claude-code\n    gaol: y\n  b: *x\n');
    expect(error.problems.map(({ path, line, column }) => [path, line, column])).toEqual([
      ['agents.a.gaol', 4, 5],
      ['agents.b.gaol', 4, 5],
    ]);
  });
});

describe('values', () => {
  it.each<Case>([
    [
      'agents as a list',
      'agents:\n  - name: a\n',
      'wrong-type',
      2,
      3,
      /agents must be a mapping of names, not a list/,
      /agents: \{ writer/,
    ],
    [
      'agents empty',
      'agents:\n',
      'wrong-type',
      1,
      1,
      /agents must be a mapping of names, not empty/,
      /writer/,
    ],
    ['no agents', 'console: { port: 1 }\n', 'missing-key', 1, 1, /no `agents`/, /Add `agents:/],
    [
      'an agent as text',
      'agents:\n  a: claude-code\n',
      'wrong-type',
      2,
      6,
      /agents\.a must be a mapping of keys, not the text "claude-code"/,
      /runtime/,
    ],
    [
      'an empty agent',
      'agents:\n  a:\n',
      'wrong-type',
      2,
      3,
      /agents\.a must be a mapping of keys, not empty/,
      /runtime/,
    ],
    ['goal as a list', agent('goal: [a]'), 'wrong-type', 4, 11, /goal must be text, not a list/, /goal: /],
    [
      'goal as a number',
      agent('goal: 12'),
      'wrong-type',
      4,
      11,
      /goal must be text, not the number 12/,
      /goal: "12"/,
    ],
    ['goal empty', agent('goal: ""'), 'empty', 4, 11, /goal must not be empty/, /goal: /],
    [
      'shared as yes',
      agent('shared: yes'),
      'wrong-type',
      4,
      13,
      /shared must be true or false, not the text "yes"/,
      /shared: true/,
    ],
    [
      'autostart as a number',
      agent('autostart: 0'),
      'wrong-type',
      4,
      16,
      /autostart must be true or false/,
      /autostart: false/,
    ],
    [
      'a workspace that is a lone ~',
      agent('workspace: ~'),
      'wrong-type',
      4,
      16,
      /workspace must be text, not the empty value ~/,
      /~\//,
    ],
    [
      'env as a list',
      agent('env: [A=b]'),
      'wrong-type',
      4,
      10,
      /env must be a mapping of names, not a list/,
      /GITHUB_TOKEN/,
    ],
    [
      'an env value as a number',
      agent('env:', '  PORT: 8080'),
      'wrong-type',
      5,
      13,
      /env\.PORT must be text, not a number/,
      /PORT: "8080"/,
    ],
    [
      'command as text',
      'agents:\n  a:\n    runtime: command\n    command: top -d 5\n',
      'wrong-type',
      4,
      14,
      /command must be a list, not the text/,
      /command: \[top, -d, "5"\]/,
    ],
    [
      'an empty command',
      'agents:\n  a:\n    runtime: command\n    command: []\n',
      'empty',
      4,
      14,
      /must not be an empty list/,
      /command: \[/,
    ],
    [
      'a number in a command',
      'agents:\n  a:\n    runtime: command\n    command: [sleep, 5]\n',
      'wrong-type',
      4,
      22,
      /command\.1 must be text/,
      /- "5"/,
    ],
    [
      'restart as nonsense',
      agent('restart: sometimes'),
      'wrong-value',
      4,
      14,
      /restart cannot be "sometimes"/,
      /never, on-failure, always/,
    ],
    [
      'restart misspelt',
      agent('restart: on_failure'),
      'wrong-value',
      4,
      14,
      /the nearest is "on-failure"/,
      /on-failure/,
    ],
    ['attempts of 0', agent('restart: { attempts: 0 }'), 'wrong-value', 4, 26, /at least 1/, /attempts: 5/],
    [
      'a port too high',
      'agents: {}\nconsole: { port: 70000 }\n',
      'wrong-value',
      2,
      18,
      /at most 65535/,
      /port: 7300/,
    ],
    [
      'a port as text',
      'agents: {}\nconsole: { port: "80" }\n',
      'wrong-type',
      2,
      18,
      /a whole number, not the text "80"/,
      /`port: 80`/,
    ],
    [
      'a size without a unit',
      'agents: {}\nretention: { bytes: 2 gigs }\n',
      'wrong-value',
      2,
      21,
      /retention\.bytes must be a size/,
      /2GB/,
    ],
    [
      'a size that keeps nothing',
      'agents: {}\nretention: { bytes: 10KB }\n',
      'wrong-value',
      2,
      21,
      /at least 1MB/,
      /2GB/,
    ],
    [
      'no days at all',
      'agents: {}\nretention: { days: 0 }\n',
      'wrong-value',
      2,
      20,
      /at least 1/,
      /days: 14/,
    ],
    ['a fraction', agent('limits: { steps_max: 1.5 }'), 'wrong-type', 4, 26, /whole number/, /steps_max: 80/],
    [
      'permissions misspelt',
      agent('permissions: alow'),
      'wrong-value',
      4,
      18,
      /the nearest is "allow"/,
      /ask, allow, deny/,
    ],
    [
      'permissions as a list',
      agent('permissions: [Read]'),
      'wrong-type',
      4,
      18,
      /one of ask, allow, deny, or a mapping/,
      /permissions: ask/,
    ],
    [
      'a rule that is a number',
      agent('permissions: { allow: [7] }'),
      'wrong-type',
      4,
      28,
      /permissions\.allow\.0 must be text/,
      /- "7"/,
    ],
    [
      'inherit misspelt',
      agent('inherit: [instruction]'),
      'wrong-value',
      4,
      15,
      /"instruction"; the nearest is "instructions"/,
      /mcp_servers/,
    ],
    [
      'inherit as a word',
      agent('inherit: everything'),
      'wrong-value',
      4,
      14,
      /inherit cannot be "everything"/,
      /all, none/,
    ],
    [
      'an unknown tool',
      agent('tools: [aether_report, aether_memory_sarch]'),
      'unknown-tool',
      4,
      28,
      /"aether_memory_sarch"; the nearest is "aether_memory_search"/,
      /aether_mail_send/,
    ],
    [
      'a tool without its prefix',
      agent('tools: [report]'),
      'unknown-tool',
      4,
      13,
      /"report"/,
      /aether_report/,
    ],
    [
      'tools as true',
      agent('tools: true'),
      'wrong-type',
      4,
      12,
      /one of all, none, or a list/,
      /aether_memory_search/,
    ],
    [
      'a runtime misspelt',
      'agents:\n  a:\n    runtime: claude_code\n',
      'unknown-runtime',
      3,
      14,
      /"claude_code"; the nearest is "claude-code"/,
      /claude-code, openclaw, builtin, command/,
    ],
    [
      'openclaw in another spelling',
      'agents:\n  a:\n    runtime: open-claw\n',
      'unknown-runtime',
      3,
      14,
      /"open-claw"; the nearest is "openclaw"/,
      /claude-code, openclaw, builtin, command/,
    ],
    [
      'no runtime',
      'agents:\n  a:\n    goal: x\n',
      'missing-key',
      2,
      3,
      /agents\.a has no `runtime`/,
      /runtime: claude-code/,
    ],
    ['NUL in a value', agent('goal: "a\\0b"'), 'wrong-value', 4, 11, /NUL/, /goal/],
    ['NUL in env', agent('env: { A: "a\\0b" }'), 'env-value', 4, 15, /NUL/, /Remove/],
  ])('%s', (_name, text, code, line, column, message, next) => {
    const error = refusal(text);
    expect(error).toMatchObject({ code: `config.${code}`, line, column });
    expect(error.message).toMatch(message);
    expect(error.next).toMatch(next);
    expect(error.problems).toHaveLength(1);
  });
});

describe('agents', () => {
  it.each<Case>([
    [
      'a name with capitals',
      'agents:\n  My Writer: { runtime: claude-code }\n',
      'agent-name',
      2,
      3,
      /"My Writer" cannot be an agent/,
      /`my-writer:`/,
    ],
    [
      'a name that begins with -',
      'agents:\n  -a: { runtime: claude-code }\n',
      'agent-name',
      2,
      3,
      /cannot be an agent/,
      /`a:`/,
    ],
    [
      'a name of 64 characters',
      `agents:\n  ${'a'.repeat(64)}: { runtime: claude-code }\n`,
      'agent-name',
      2,
      3,
      /1 to 63/,
      /a{63}:/,
    ],
    [
      'an empty name',
      'agents:\n  "": { runtime: claude-code }\n',
      'agent-name',
      2,
      3,
      /cannot be an agent/,
      /writer:/,
    ],
    [
      '__proto__',
      'agents:\n  __proto__: { runtime: claude-code }\n',
      'unknown-key',
      2,
      3,
      /cannot be a key/,
      /another name/,
    ],
    [
      'the name operator',
      'agents:\n  operator: { runtime: claude-code }\n',
      'reserved-name',
      2,
      3,
      /Aether uses itself/,
      /my-operator/,
    ],
    [
      'the name host',
      'agents:\n  host: { runtime: claude-code }\n',
      'reserved-name',
      2,
      3,
      /Aether uses itself/,
      /my-host/,
    ],
    [
      'a missing command',
      'agents:\n  a:\n    runtime: command\n',
      'command-missing',
      2,
      3,
      /no `command`/,
      /command: \[/,
    ],
    [
      'a command for claude-code',
      agent('command: [top]'),
      'command-unused',
      4,
      5,
      /only for runtime command/,
      /runtime: command/,
    ],
    [
      'a setup to inherit, for openclaw',
      'agents:\n  a:\n    runtime: openclaw\n    model: anthropic/x\n    inherit: [skills]\n',
      'inherit-unused',
      5,
      5,
      /agents\.a\.inherit has no meaning for runtime openclaw: it takes nothing of your own/,
      /Remove `inherit`.*`role:`.*`trust: true`/,
    ],
    [
      'an unknown template',
      agent('template: resercher'),
      'unknown-template',
      4,
      15,
      /"resercher"; the nearest is "researcher"/,
      /coder, researcher, reviewer/,
    ],
    [
      'a template that is a path',
      agent('template: ../coder'),
      'unknown-template',
      4,
      15,
      /no template/,
      /coder/,
    ],
    [
      'builtin without a model',
      'agents:\n  a:\n    runtime: builtin\n',
      'missing-key',
      2,
      3,
      /builtin but no `model`/,
      /replay:FILE/,
    ],
    [
      'builtin with a bare model',
      'agents:\n  a:\n    runtime: builtin\n    model: opus\n',
      'model',
      4,
      12,
      /"opus" is not a model of the builtin/,
      /anthropic:NAME/,
    ],
    [
      'a provider misspelt',
      'agents:\n  a:\n    runtime: builtin\n    model: antropic:x\n',
      'model',
      4,
      12,
      /nearest provider is "anthropic"/,
      /anthropic:NAME/,
    ],
    [
      'a replay for claude-code',
      agent('model: replay:x.json'),
      'model',
      4,
      12,
      /only the builtin runtime plays/,
      /runtime: builtin/,
    ],
    [
      'two forms of auth',
      agent('auth: { env: A, file: b }'),
      'auth',
      4,
      5,
      /exactly one of .* it has 2/,
      /Keep one/,
    ],
    ['no form of auth', agent('auth: {}'), 'auth', 4, 5, /it has 0/, /auth: \{ env/],
    [
      'auth as a reference',
      agent('auth: ${ANTHROPIC_API_KEY}'),
      'auth',
      4,
      11,
      /not the name of an environment variable/,
      /without \$/,
    ],
    ['auth as a path', agent('auth: ~/key'), 'auth', 4, 11, /not the name/, /auth: \{ file/],
    [
      'auth with an unknown provider',
      agent('auth: { provider: azure }'),
      'wrong-value',
      4,
      23,
      /cannot be "azure"/,
      /bedrock, vertex/,
    ],
    [
      'OAuth for builtin',
      'agents:\n  a:\n    runtime: builtin\n    model: openai:x\n    auth: { oauth_env: X }\n',
      'auth',
      5,
      5,
      /cannot have this form with runtime builtin/,
      /API key/,
    ],
    [
      'auth for a replay',
      'agents:\n  a:\n    runtime: builtin\n    model: replay:x\n    auth: X\n',
      'auth',
      5,
      5,
      /takes no log-in/,
      /Remove/,
    ],
    [
      'a key file for a command',
      'agents:\n  a:\n    runtime: command\n    command: [sh]\n    auth: { file: x }\n',
      'auth',
      5,
      5,
      /cannot have this form/,
      /env:/,
    ],
    [
      'a variable of ours',
      agent('env: { AETHER_HOME: x }'),
      'env-name',
      4,
      12,
      /set by Aether/,
      /another name/,
    ],
    [
      'a variable with a hyphen',
      agent('env:', '  MY-VAR: x'),
      'env-name',
      5,
      7,
      /"MY-VAR" cannot be the name/,
      /letters, digits and _/,
    ],
    [
      'an open reference',
      agent('env:', '  A: "${HOME"'),
      'env-value',
      5,
      10,
      /not closed with \}/,
      /\$\{NAME\}/,
    ],
    [
      'a reference with a default',
      agent('env:', '  A: "${HOME:-x}"'),
      'env-value',
      5,
      10,
      /default values are not supported/,
      /\$\{NAME\}/,
    ],
    [
      'a home of somebody else',
      agent('workspace: ~bob/x'),
      'path',
      4,
      16,
      /not a usable path/,
      /Write the path out/,
    ],
    ['a variable in a path', agent('workspace: "${HOME}/x"'), 'path', 4, 16, /not a usable path/, /~\//],
    [
      'a workspace of two agents',
      'agents:\n  a: { runtime: claude-code, workspace: site }\n  b: { runtime: claude-code, workspace: ./x/../site }\n',
      'workspace-taken',
      3,
      41,
      /same workspace as agents\.a/,
      /shared: true/,
    ],
    [
      'a workspace inside another',
      'agents:\n  a: { runtime: claude-code, workspace: site }\n  b: { runtime: claude-code, workspace: site/sub, shared: true }\n',
      'workspace-taken',
      3,
      41,
      /agents\.b has a workspace inside that of agents\.a/,
      /shared: true/,
    ],
    [
      'a workspace around another',
      'agents:\n  a: { runtime: claude-code, workspace: site/sub }\n  b: { runtime: claude-code, workspace: site }\n',
      'workspace-taken',
      3,
      41,
      /agents\.b has a workspace that holds that of agents\.a/,
      /for both/,
    ],
    [
      'a workspace that one of two shares',
      'agents:\n  a: { runtime: claude-code, workspace: site, shared: true }\n  b: { runtime: claude-code, workspace: site }\n',
      'workspace-taken',
      3,
      41,
      /same workspace/,
      /for both/,
    ],
  ])('%s', (_name, text, code, line, column, message, next) => {
    const error = refusal(text);
    expect(error).toMatchObject({ code: `config.${code}`, line, column });
    expect(error.message).toMatch(message);
    expect(error.next).toMatch(next);
    expect(error.problems).toHaveLength(1);
  });

  it('a workspace reached through a link', () => {
    const dir = tempDir();
    mkdirSync(join(dir, 'site'));
    symlinkSync(join(dir, 'site'), join(dir, 'link'));
    // The end does not exist yet: what is compared is where it would be.
    const text =
      'agents:\n  a: { runtime: claude-code, workspace: site/new }\n  b:\n    runtime: claude-code\n    workspace: link/new\n';
    expect(refusal(text, dir)).toMatchObject({ code: 'config.workspace-taken', line: 5, column: 16 });
  });

  it.each([
    ['itself', 'notes.txt'],
    ['on the way', 'notes.txt/deeper/still'],
  ])('a workspace that is a file: %s', (_name, workspace) => {
    const dir = tempDir();
    writeFileSync(join(dir, 'notes.txt'), '');
    const error = refusal(agent(`workspace: ${workspace}`), dir);
    expect(error).toMatchObject({ code: 'config.workspace', line: 4, column: 16 });
    expect(error.message).toContain(`${join(dir, 'notes.txt')} is a file`);
  });

  it.each(['.aether', './.aether/agents/x', 'link/agents'])(
    'a workspace in the state directory: %s',
    (workspace) => {
      const dir = tempDir();
      mkdirSync(join(dir, '.aether'));
      symlinkSync('.aether', join(dir, 'link'));
      const error = refusal(agent(`workspace: ${workspace}`), dir);
      expect(error).toMatchObject({ code: 'config.workspace', line: 4, column: 16 });
      expect(error.message).toContain(`lies in ${join(dir, '.aether')}, where Aether keeps its state`);
    },
  );

  it('a workspace that is a link to nothing', () => {
    const dir = tempDir();
    symlinkSync('nowhere', join(dir, 'dangling'));
    const error = refusal('agents: { a: { runtime: claude-code, workspace: ./dangling/sub } }\n', dir);
    expect(error).toMatchObject({ code: 'config.workspace', line: 1 });
    expect(error.message).toContain(`${join(dir, 'dangling')} is a link to nothing`);
  });

  it('a workspace behind a link that leads back to itself', () => {
    const dir = tempDir();
    symlinkSync(join(dir, 'loop'), join(dir, 'loop'));
    const error = refusal(agent('workspace: loop/x'), dir);
    expect(error).toMatchObject({ code: 'config.workspace', line: 4, column: 16 });
    expect(error.message).toContain('leads back to itself');
  });

  it('a workspace whose name no file system takes', () => {
    const error = refusal(agent(`workspace: ${'w'.repeat(300)}`));
    expect(error).toMatchObject({ code: 'config.workspace', line: 4, column: 16 });
  });

  it('more agents than a host runs', () => {
    const names = Array.from({ length: 501 }, (_, index) => `  a${index}: { runtime: claude-code }\n`);
    const error = refusal(`agents:\n${names.join('')}`);
    expect(error).toMatchObject({ code: 'config.too-many-agents', line: 502, column: 3 });
    expect(load(`agents:\n${names.slice(1).join('')}`).agents).toHaveLength(500);
  });
});

describe('secrets in the file', () => {
  const secret = 'sk-ant-api03-VerySecretIndeed0123456789';
  it.each([
    [`auth: ${secret}`],
    [`auth: { env: ${secret} }`],
    [`auth: { file: ${secret} }`],
    [`auth: { oauth_env: ${secret} }`],
    ['auth: Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MEFCQ0RFRg'],
  ])('%s is refused and not repeated', (line) => {
    const error = refusal(agent(line));
    expect(error.code).toBe('config.secret-in-file');
    expect(error.line).toBe(4);
    expect(error.next).toMatch(/auth: ANTHROPIC_API_KEY/);
    expect(JSON.stringify(error)).not.toMatch(/VerySecret|Zm9vYmFy/);
  });

  it.each([
    [agent(`runtim: ${secret}`)],
    [agent(`${secret}: x`)],
    [agent(`auth: [${secret}]`)],
    [agent(`env: ${secret}`)],
    [agent(`env: { A: [${secret}] }`)],
    [agent(`auth: { provider: ${secret} }`)],
    [agent(`shared: ${secret}`)],
    [agent(`auth: "${secret}`)],
    [`agents: !${secret} {}\n`],
    [`agents:\n  a: *${secret}\n`],
  ])('no other error repeats it either: %#', (text) => {
    expect(JSON.stringify(refusal(text))).not.toContain('VerySecretIndeed');
  });
});

describe('several problems', () => {
  it('are all listed in the order of the file, the first one leading', () => {
    const error = refusal(
      `agents:
  a: { runtime: claude-code, modle: x, shared: maybe }
  operator:
    runtime: command
  c: { runtime: open-claw }
  d: { runtime: claude-code }
  d: { runtime: claude-code }
console: { prot: 1 }
`,
    );
    expect(error.problems.map(({ code, line, column }) => `${code} ${line}:${column}`)).toEqual([
      'config.unknown-key 2:30',
      'config.wrong-type 2:48',
      'config.reserved-name 3:3',
      'config.command-missing 3:3',
      'config.unknown-runtime 5:17',
      'config.duplicate-agent 7:3',
      'config.unknown-key 8:12',
    ]);
    expect(error.message.split('\n')).toHaveLength(7);
    expect(error.message).toContain('\n  also 8:12: console has an unknown key "prot"');
  });

  it('of one agent are found in one go', () => {
    const error = refusal(
      agent('modle: x', 'shared: maybe', 'tools: [a, b]', 'permissions: { mode: x, y: 1 }'),
    );
    expect(error.problems.map(({ path, line }) => [path, line])).toEqual([
      ['agents.writer.modle', 4],
      ['agents.writer.shared', 5],
      ['agents.writer.tools.0', 6],
      ['agents.writer.tools.1', 6],
      ['agents.writer.permissions.mode', 7],
      ['agents.writer.permissions.y', 7],
    ]);
  });

  it('are bounded', () => {
    const lines = Array.from({ length: 57 }, (_, index) => `key${index}: x`);
    const error = refusal(agent(...lines));
    expect(error.problems).toHaveLength(20);
    expect(error.more).toBe(37);
    expect(error.message).toMatch(/\n {2}and 37 more\.$/);
  });
});

describe('files', () => {
  it('missing: says how to get one', () => {
    const file = join(tempDir(), 'aether.yaml');
    const error = refusalOf(file, () => loadConfig(file));
    expect(error).toMatchObject({ code: 'config.missing', line: 1, column: 1 });
    expect(error.next).toContain('aether init');
  });

  it('a directory', () => {
    const dir = tempDir();
    expect(refusalOf(dir, () => loadConfig(dir)).code).toBe('config.not-a-file');
  });

  it('unreadable', () => {
    const file = writeConfig('agents: {}\n');
    chmodSync(file, 0o000);
    // Root may read everything: then the test is somebody else for a moment.
    const root = process.geteuid?.() === 0;
    if (root) process.seteuid?.(65_534);
    try {
      const error = refusalOf(file, () => loadConfig(file));
      expect(error.code).toBe('config.unreadable');
      expect(error.next).toContain('chmod u+r');
    } finally {
      if (root) process.seteuid?.(0);
    }
  });

  it.each([
    ['UTF-16', Buffer.from('\u{feff}agents: {}\n', 'utf16le'), 1, 1],
    ['UTF-16 without a mark', Buffer.from('agents: {}\n', 'utf16le'), 1, 2],
    ['Latin-1', Buffer.from('# fur\n# \xff f\xfcr\nagents: {}\n', 'latin1'), 2, 3],
    ['Latin-1 behind UTF-8', Buffer.concat([Buffer.from('# €\n# ü \ufffd '), Buffer.from([0xfc])]), 2, 7],
    ['binary', Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 0, 1]), 1, 5],
  ])('not UTF-8: %s', (_name, bytes, line, column) => {
    expect(refusal(bytes)).toMatchObject({ code: 'config.not-text', line, column });
  });
});
