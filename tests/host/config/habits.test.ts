// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${NAME} is the syntax of the file.
/** What people write into aether.yaml out of habit, from compose files, YAML 1.1, Windows and editors. */
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { publishedJsonSchema } from '../../../src/host/config/json-schema.ts';
import { load, refusal, tempDir } from './support.ts';

const command = (...lines: string[]) =>
  `agents:\n  a:\n    runtime: command\n    command: [sleep, '1']\n${lines.map((line) => `    ${line}\n`).join('')}`;

describe('x- keys', () => {
  const FILE = `x-env: &env { A: one }
x-note: [anything, { at: [all] }, 1.10, ~]
x-base: &base
  runtime: command
  command: [sleep, '1']
  x-nested: here
  restart: { policy: always, x-why: it is a server }
defaults: { x-of-defaults: 1, sandbox: { kind: none, x-in: 2 } }
console: { port: 0, x-port: 7300 }
agents:
  a: { <<: *base, env: *env, x-own: { deep: er } }
  x-b: { <<: *base }
`;

  it('hold anchors and notes, and are in nothing that is made of the file', () => {
    const config = load(FILE);
    expect(config.agents.map(({ name }) => name)).toEqual(['a', 'x-b']);
    expect(config.agents[0]).toMatchObject({ env: { A: 'one' }, restart: { policy: 'always' } });
    const { positions, file: _file, ...rest } = config;
    expect(JSON.stringify(rest).replaceAll('x-b', '')).not.toContain('x-');
    expect(JSON.stringify(rest)).not.toMatch(/anything|a server|deep/);
    expect(positions['agents.a']).toEqual({ line: 11, column: 3 });
  });

  it('are not for a name of `env`, nor beside the one key of `auth`; any other strange key is refused as before', () => {
    expect(refusal(command('env: { x-A: b }')).message).toMatch(/"x-A" cannot be the name of an environment/);
    expect(refusal(command('auth: { env: KEY, x-b: c }')).message).toMatch(/unknown key "x-b"/);
    expect(refusal(command('X-a: b')).message).toMatch(/unknown key "X-a"/);
    expect(refusal(command('x_a: b')).message).toMatch(/unknown key "x_a"/);
  });

  it('are in the published schema at the same places', () => {
    interface Json {
      type?: string;
      properties?: Record<string, Json>;
      additionalProperties?: Json | false;
      patternProperties?: Record<string, Json>;
      maxProperties?: number;
    }
    let objects = 0;
    const walk = (node: unknown): void => {
      if (typeof node !== 'object' || node === null) return;
      const { properties, additionalProperties, patternProperties, maxProperties } = node as Json;
      if (properties !== undefined && additionalProperties === false) {
        objects += 1;
        expect(Object.keys(patternProperties ?? {})).toEqual(maxProperties === undefined ? ['^x-'] : []);
      }
      for (const value of Object.values(node)) walk(value);
    };
    walk(JSON.parse(publishedJsonSchema()));
    expect(objects).toBeGreaterThan(8);
  });
});

describe('the mend for an unquoted value has the text of the file', () => {
  test.each([
    ['1.10', '"1.10"'],
    ['0644', '"0644"'],
    ['0xFF', '"0xFF"'],
    ['0o17', '"0o17"'],
    ['1e3', '"1e3"'],
    ['+1', '"+1"'],
    ['.5', '".5"'],
    ['.inf', '".inf"'],
    ['-.INF', '"-.INF"'],
    ['.nan', '".nan"'],
    ['12345678901234567890', '"12345678901234567890"'],
    ['0.30000000000000004000', '"0.30000000000000004000"'],
    ['TRUE', '"TRUE"'],
    ['False', '"False"'],
    ['~', '"~"'],
    ['null', '"null"'],
    ['NULL', '"NULL"'],
  ])('%s', (written, mend) => {
    expect(refusal(command(`env: { VER: ${written} }`)).next).toBe(`Put it in quotes: \`VER: ${mend}\`.`);
    expect(refusal(command(`goal: &g ${written}`, 'role: *g')).problems.map(({ next }) => next)).toEqual([
      `Put it in quotes: \`goal: ${mend}\`.`,
      `Put it in quotes: \`role: ${mend}\`.`,
    ]);
    if (written !== '~' && !/null/i.test(written))
      expect(refusal(command(`goal: ${written}`)).message).toContain(` ${written}.`);
  });

  test.each([
    'yes',
    'no',
    'on',
    'off',
    'y',
    '2024-01-02',
    '2024-01-02T03:04:05Z',
    '12:30:45',
    '1_000',
    '0b11',
    '1.2.3',
  ])('%s is text here, as it stands', (written) => {
    expect(load(command(`env: { A: ${written} }`)).agents[0]!.env).toEqual({ A: written });
  });

  it('says what an empty value is, quotes no secret, and offers no quotes where text does not fit either', () => {
    expect(refusal(command('env:', '  A:')).next).toBe(
      'For an empty text write `A: ""`, or remove the line.',
    );
    expect(refusal(command('env: { MY_TOKEN: 0123 }')).next).toBe('Put it in quotes: `MY_TOKEN: "…"`.');
    expect(refusal(command('env: { MY_TOKEN: 0123 }')).message).not.toContain('0123');
    expect(refusal(command('watchdog: { after: 10 }')).next).toBe('For example: `after: 10m`.');
    expect(refusal(command('restart: { attempts: "5" }')).next).toBe(
      'Write it without quotes: `attempts: 5`.',
    );
  });
});

describe('paths that something else would have expanded', () => {
  test.each([
    ['C:\\Users\\me\\site', /path of Windows/, /\/mnt\/c\/Users\/me\/site/],
    ['d:/site', /path of Windows/, /\/mnt\/d\/site/],
    ['\\\\server\\share', /holds \\/, /Linux and macOS/],
    ['.\\site', /holds \\/, /Linux and macOS/],
    ['$HOME/site', /holds \$HOME, which nothing expands/, /begin it with ~\//],
    ['${HOME}/site', /holds \$\{HOME\}/, /begin it with ~\//],
    ['$(pwd)/site', /holds \$\(pwd/, /Write the path out/],
    ['${workspaceFolder}/site', /holds \$\{workspaceFolder\}, which this client/, /Clients differ/],
    ['%USERPROFILE%/site', /holds %USERPROFILE%/, /Write the path out/],
    ['~bob/site', /another user/, /Write the path out/],
    ['file:///srv/site', /an address/, /path of a file/],
    [' ', /is empty/, /Write the path out/],
    ['site\r', /line break/, /Windows line ends/],
  ])('%j', (path, why, next) => {
    const quoted = JSON.stringify(path);
    for (const [at, line] of [
      ['workspace', `workspace: ${quoted}`],
      ['sandbox.read.0', `sandbox: { read: [${quoted}] }`],
      ['sandbox.write.0', `sandbox: { write: [${quoted}] }`],
    ] as const) {
      const refused = refusal(command(line));
      expect(refused.problems[0]).toMatchObject({ code: 'config.path', path: `agents.a.${at}` });
      expect(refused.message).toMatch(why);
      expect(refused.next).toMatch(next);
    }
    const file = refusal(`agents: { a: { runtime: claude-code, auth: { file: ${quoted} } } }`);
    expect(file.message).toMatch(why);
    const program = refusal(`agents: { a: { runtime: command, command: [${quoted}] } }`);
    expect(program.message).toMatch(why);
    const replay = refusal(`agents: { a: { runtime: builtin, model: ${JSON.stringify(`replay:${path}`)} } }`);
    expect(replay.message).toMatch(why);
  });

  it('~ is the home, in each of them', () => {
    const dir = tempDir();
    const [agent] = load(command('workspace: ~/w', 'sandbox: { read: [~/r], write: ["~/x"] }'), dir).agents;
    expect(agent).toMatchObject({
      workspace: join(dir, 'home/w'),
      sandbox: { read: [join(dir, 'home/r')], write: [join(dir, 'home/x')] },
    });
  });

  it('of editors in env: the form that is meant is named', () => {
    expect(refusal(command('env: { A: "${env:TOKEN}" }')).message).toMatch(
      /\$\{env:TOKEN\} is a form of editors; here that variable is \$\{TOKEN\}/,
    );
    expect(refusal(command('env: { A: "${input:token}" }')).message).toMatch(
      /something other than a variable/,
    );
  });
});

describe('files of other editors', () => {
  const text = command('goal: |', '  one', '  two');

  it.each([
    ['a byte order mark', `\ufeff${text}`],
    ['CRLF', text.replaceAll('\n', '\r\n')],
    ['both', `\ufeff${text.replaceAll('\n', '\r\n')}`],
  ])('%s changes nothing', (_what, written) => {
    expect(load(written).agents[0]!.goal).toBe('one\ntwo\n');
  });

  it.each([
    ['UTF-16 with a mark', Buffer.from(`\ufeff${text}`, 'utf16le'), /is UTF-16 text/, /iconv -f UTF-16/],
    ['UTF-16, the other order', Buffer.from(`\ufeff${text}`, 'utf16le').swap16(), /is UTF-16 text/, /iconv/],
    ['UTF-16 without a mark', Buffer.from(text, 'utf16le'), /NUL bytes/, /not UTF-16/],
    ['a tab', text.replace('    runtime', '\t\truntime'), /[Tt]ab/, /Correct them|spaces/],
  ])('%s is named', (_what, written, message, next) => {
    const refused = refusal(written);
    expect(refused.message).toMatch(message);
    expect(refused.next).toMatch(next);
  });
});
