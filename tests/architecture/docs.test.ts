/** docs/architecture.md is about this house: each path in it exists, and each room of the law is in it. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { rooms } from './law.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const LINES_MAX = 250;
/** Stands for the name of what is added. */
const NAME = 'NAME';
const text = readFileSync(join(ROOT, 'docs/architecture.md'), 'utf8');

/** What stands between backticks, outside of blocks. */
function quoted(markdown: string): string[] {
  const prose = markdown.replace(/^```[\s\S]*?^```/gm, '');
  return [...prose.matchAll(/`([^`]+)`/g)].map((match) => match[1]!);
}

function missingPaths(markdown: string): string[] {
  return quoted(markdown)
    .filter((word) => /^(?:src|tests|docs|templates)\//.test(word))
    .filter((path) => !existsSync(join(ROOT, path.includes(NAME) ? dirname(path) : path)));
}

it('names no path that does not exist', () => {
  expect(missingPaths(text)).toEqual([]);
  expect(
    missingPaths('`src/host/main.ts` `src/host/gone.ts` `src/host/store/NAME.ts` `src/gone/NAME.ts`'),
  ).toEqual(['src/host/gone.ts', 'src/gone/NAME.ts']);
});

it('names every room of the law', () => {
  const named = new Set(quoted(text));
  const general = (room: string) => room.replace(/^runtime-(?!list$).*?(-definition)?$/, `runtime-${NAME}$1`);
  expect(rooms.map(({ name }) => general(name)).filter((room) => !named.has(room))).toEqual([]);
});

it('stays short', () => {
  expect(text.trimEnd().split('\n').length).toBeLessThanOrEqual(LINES_MAX);
});
