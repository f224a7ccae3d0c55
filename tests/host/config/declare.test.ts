/** An agent is added to a file that a person wrote: every other line of it stays. */
import { chmodSync, lstatSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { declareAgent } from '../../../src/host/config/declare.ts';
import { loadConfig } from '../../../src/host/config/load.ts';
import { tempDir } from './support.ts';

const ENTRY = ['  fixer:', '    runtime: claude-code', '    workspace: .'];

function declared(text: string, more: { workspace?: string } = {}): string {
  const directory = tempDir();
  const file = join(directory, 'aether.yaml');
  writeFileSync(file, text);
  declareAgent({ file, name: 'fixer', runtime: 'claude-code', workspace: directory, ...more });
  expect(loadConfig(file).agents.find(({ name }) => name === 'fixer')?.runtime).toBe('claude-code');
  return readFileSync(file, 'utf8');
}

const lines = (...all: string[]) => all.map((line) => `${line}\n`).join('');
const other = ['agents:', '  watcher: # keeps an eye on it', '    runtime: command', '    command: [date]'];

test.each<[string, string, string]>([
  ['the last thing of the file', lines(...other), lines(...other, ...ENTRY)],
  ['without an end of line', lines(...other).trimEnd(), lines(...other, ...ENTRY)],
  [
    'before what follows',
    lines(...other, '', '# The page', 'console: { port: 0 }'),
    lines(...other, ...ENTRY, '', '# The page', 'console: { port: 0 }'),
  ],
  [
    'behind a remark of the last agent',
    lines(...other, '    # goal: later', '', '    # or never', '# end'),
    lines(...other, '    # goal: later', '', '    # or never', ...ENTRY, '# end'),
  ],
  [
    'no agent yet',
    lines('agents: {}', 'console: { port: 0 }'),
    lines('agents:', ...ENTRY, 'console: { port: 0 }'),
  ],
  [
    'another depth, and a text of several lines at its end',
    lines(
      'agents:',
      '    one:',
      '        runtime: builtin',
      '        model: anthropic:x',
      '        goal: |',
      '            Do this.',
      '',
    ),
    lines(
      ...[
        'agents:',
        '    one:',
        '        runtime: builtin',
        '        model: anthropic:x',
        '        goal: |',
        '            Do this.',
      ],
      ...['    fixer:', '        runtime: claude-code', '        workspace: .', ''],
    ),
  ],
])('%s', (_what, before, after) => {
  expect(declared(before)).toBe(after);
});

test('line ends stay as they are', () => {
  const dos = (text: string) => text.replaceAll('\n', '\r\n');
  expect(declared(dos(lines(...other)))).toBe(dos(lines(...other, ...ENTRY)));
});

test('its workspace is written as short as it can be, and quoted where it has to be', () => {
  const directory = tempDir();
  expect(declared(lines(...other), { workspace: directory })).toContain(`    workspace: ${directory}\n`);
  const odd = join(directory, 'a: b #c');
  mkdirSync(odd);
  expect(declared(lines(...other), { workspace: odd })).toContain(`workspace: "${odd}"\n`);
});

test('what cannot be added without a change of other lines is refused, and the file stays', () => {
  for (const text of [
    'agents: { watcher: { runtime: command, command: [date] } }\n',
    '{ agents: { watcher: { runtime: command, command: [date] } } }\n',
    'agents: {} # none yet\n',
  ]) {
    const directory = tempDir();
    const file = join(directory, 'aether.yaml');
    writeFileSync(file, text);
    expect(() => declareAgent({ file, name: 'fixer', runtime: 'claude-code', workspace: directory })).toThrow(
      expect.objectContaining({ code: 'config.undeclarable', next: expect.stringContaining('  fixer:\n') }),
    );
    expect(readFileSync(file, 'utf8')).toBe(text);
  }
});

test('what would be no valid configuration is not written: a directory of another agent, the directory of the state', () => {
  const directory = tempDir();
  const file = join(directory, 'aether.yaml');
  const text = lines(...other, '    workspace: .');
  writeFileSync(file, text);
  for (const workspace of [directory, join(directory, '.aether', 'x')])
    expect(() => declareAgent({ file, name: 'fixer', runtime: 'claude-code', workspace })).toThrow(
      /agents\.fixer/,
    );
  expect(readFileSync(file, 'utf8')).toBe(text);
});

test('a link to the file stays one, and its mode stays', () => {
  const directory = tempDir();
  const real = join(directory, 'fleet.yaml');
  writeFileSync(real, lines(...other));
  chmodSync(real, 0o640);
  const file = join(directory, 'aether.yaml');
  symlinkSync(real, file);
  declareAgent({ file, name: 'fixer', runtime: 'claude-code', workspace: directory });
  expect(lstatSync(file).isSymbolicLink()).toBe(true);
  expect(statSync(real).mode & 0o777).toBe(0o640);
  expect(readFileSync(real, 'utf8')).toBe(lines(...other, ...ENTRY));
});
