/** What is known of one runtime is in its folder: outside it, no file of the source names a runtime. */
import { globSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseSync, Visitor } from 'vite';
import { describe, expect, it } from 'vitest';
import { RUNTIMES } from '../../src/runtimes/installed.ts';
import { readSource } from './imports.ts';

const SRC = fileURLToPath(new URL('../../src', import.meta.url));
const NAMES = RUNTIMES.map(({ name }) => name);

const QUOTED = new RegExp(`['"\`](?:${NAMES.join('|')})['"\`]`);

/** Files in which such a word means something else. */
const OTHER_MEANING: Record<string, string[]> = {
  // The argument of a shell tool, as engines call it.
  'host/shown/tool-line.ts': ['command'],
  // The style of a command line.
  'console/web/live/tool-view.tsx': ['command'],
  // Words of shells.
  'host/shown/shell-runs.ts': ['command', 'builtin'],
  // A kind of hook of that engine.
  'runtimes/claude-code/settings.ts': ['command'],
};

/** Names of runtimes among the string literals of a file. */
function namesIn(file: string, source: string): string[] {
  if (!QUOTED.test(source)) return []; // no tree, which costs several times the parsing
  const found: string[] = [];
  const take = (text: unknown) => {
    if (typeof text === 'string' && NAMES.includes(text)) found.push(text);
  };
  new Visitor({
    Literal: (node) => take(node.value),
    TemplateElement: (node) => take(node.value.cooked),
  }).visit(parseSync(file, source, { sourceType: file.endsWith('.cts') ? 'commonjs' : 'module' }).program);
  return found;
}

describe('names of runtimes', () => {
  const files = globSync('**/*.{ts,tsx,cts}', { cwd: SRC }).filter((file) => !file.endsWith('.d.ts'));

  it('stand only in the folders of their runtimes', () => {
    const found = files.flatMap((file) =>
      namesIn(file, readSource(SRC, file))
        .filter((name) => !file.startsWith(join('runtimes', name, '/')))
        .filter((name) => !(OTHER_MEANING[file] ?? []).includes(name))
        .map((name) => `${file}: '${name}'`),
    );
    expect(found).toEqual([]);
  });

  it('are found where they stand', () => {
    const source = "const a = name === 'builtin'; type B = 'claude-code'; f(`command`); g('a command');";
    expect(namesIn('host/x.ts', source)).toEqual(['builtin', 'claude-code', 'command']);
    expect(files).toContain('host/cli/verbs/doctor.ts');
  });

  it('come with definitions that load no code of an engine', () => {
    const loaded = new Set<string>();
    const load = (file: string): void => {
      if (loaded.has(file)) return;
      loaded.add(file);
      new Visitor({
        ImportDeclaration(node) {
          const { value } = node.source;
          if (node.importKind !== 'type' && value.startsWith('.')) load(join(dirname(file), value));
        },
      }).visit(parseSync(file, readSource(SRC, file), { sourceType: 'module' }).program);
    };
    load('runtimes/installed.ts');
    expect([...loaded].filter((file) => file.endsWith('/runtime.ts'))).toEqual([]);
    for (const name of NAMES) expect([...loaded]).toContain(`runtimes/${name}/definition.ts`);
  });

  it('are those of their folders', () => {
    const folders = new Set(
      globSync('runtimes/*/definition.ts', { cwd: SRC }).map((file) => dirname(file).split('/').at(-1)),
    );
    expect(new Set(NAMES)).toEqual(folders);
  });
});
