/**
 * Error codes have one style, `noun.problem` in kebab-case, and what matches on a code matches one that exists.
 * Read from the sources, so that a new code is held to it without being listed.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BY_CODE } from '../../src/console/failures.ts';

const SRC = new URL('../../src', import.meta.url).pathname;
const WORD = '[a-z][a-z0-9]*(?:-[a-z0-9]+)*';
const CODE = new RegExp(`^${WORD}\\.${WORD}$`);
const PROBLEM = new RegExp(`^${WORD}$`);

/** Here a code is the second half: `config.` or `shim.` goes before it where it becomes an error. */
const HALVES = ['host/config/', 'host/shim/process/', 'runtimes/'];

interface Found {
  file: string;
  code: string;
  /** It stands in an AetherError. */
  whole?: boolean;
}

/** Codes that are given (`code: 'x'`, `new Refused('x'`) in the text of a file. */
function given(file: string, text: string): Found[] {
  const pattern = /(AetherError\(\s*\{\s*)?\bcode: (?:'([^']*)'|`([^`]*)`)|\bnew Refused\(\s*'([^']*)'/g;
  return [...text.matchAll(pattern)].map(([, error, plain, template, refused]) => ({
    file,
    code: plain ?? template ?? refused!,
    whole: error !== undefined,
  }));
}

/** Codes that are asked for: `.code === 'x'`, and the table of statuses. */
function asked(file: string, text: string): Found[] {
  return [...text.matchAll(/\bcode\)? [!=]== '([^']*)'/g)].map(([, code]) => ({ file, code: code! }));
}

/** A template's variable stands for any one word. */
function faults({ file, code, whole }: Found): string[] {
  // Node's and the system's: EPIPE, SQLITE_FULL, ERR_…
  if (/^[A-Z_]+$/.test(code)) return [];
  const text = code.replaceAll(/\$\{[^}]*\}/g, 'x');
  if (CODE.test(text)) return [];
  if (!whole && PROBLEM.test(text) && HALVES.some((place) => file.includes(place))) return [];
  return [`${file}: ${code}`];
}

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.(ts|tsx|cts)$/.test(file))
  .map((file) => ({ file, text: readFileSync(join(SRC, file), 'utf8') }));
const all = files.flatMap(({ file, text }) => given(file, text));

describe('error codes', () => {
  it('are noun.problem in kebab-case', () => {
    expect(all.length).toBeGreaterThan(150);
    expect(all.flatMap(faults)).toEqual([]);
  });

  it.each(['agent.notRunning', 'shim-fenced', 'mail', 'Mail.full', 'verb.hold.illegal', 'mail.', 'mail.-x'])(
    'would catch %s',
    (code) => {
      expect(given('host/new.ts', `code: '${code}',`).flatMap(faults)).toEqual([`host/new.ts: ${code}`]);
    },
  );

  it('would catch half a code in an error of a runtime', () => {
    const text = "throw new AetherError({\n  code: 'missing',";
    expect(given('runtimes/new/runtime.ts', text).flatMap(faults)).toEqual([
      'runtimes/new/runtime.ts: missing',
    ]);
  });

  it('that are asked for exist', () => {
    const known = all.map(
      ({ code }) => new RegExp(`^${code.replace('.', '\\.').replaceAll(/\$\{[^}]*\}/g, '.+')}$`),
    );
    const wanted = [
      ...files.flatMap(({ file, text }) => asked(file, text)),
      ...Object.keys(BY_CODE).map((code) => ({ file: 'console/failures.ts', code })),
    ];
    const unknown = wanted
      .filter(({ code }) => code.includes('.'))
      .filter(({ code }) => !known.some((pattern) => pattern.test(code)));
    expect(unknown).toEqual([]);
  });
});
