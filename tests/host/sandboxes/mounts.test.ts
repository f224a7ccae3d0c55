/** What a box shows, in which order: what decides about each path. */
import { expect, test } from 'vitest';
import { mountsOf, shows } from '../../../src/host/sandboxes/mounts.ts';
import type { BoxSpec } from '../../../src/host/store/run-sandbox.ts';

const spec = (more: Partial<BoxSpec>): BoxSpec => ({
  ...{ run: 'r_1', name: 'engine', read: [], write: [], network: 'shared' as const },
  ...more,
});
const paths = (more: Partial<BoxSpec>) => mountsOf(spec(more)).map(({ path, how }) => `${how} ${path}`);

test('what lies deeper comes later and decides', () => {
  const mounts = mountsOf(spec({ write: ['/w'], read: ['/w/.git'], hidden: ['/w/.aether'] }));
  expect(mounts.map(({ path, how }) => `${how} ${path}`)).toEqual([
    'write /w',
    'read /w/.git',
    'hide /w/.aether',
  ]);
  expect(
    ['/w/a', '/w/.git/x', '/w/.aether/db', '/etc/shadow', '/usr/bin/sh'].map((path) => shows(mounts, path)),
  ).toEqual([...[true, true, false, false, true]]);
});

test('a program in a directory of programs is there with it: as a link it could not be mounted once more', () => {
  expect(paths({ read: ['/home/u/bin', '/home/u/bin/claude', '/opt/claude/claude'] })).toEqual([
    'read /home/u/bin',
    'read /opt/claude/claude',
  ]);
  expect(paths({ write: ['/home/u'], read: ['/home/u/bin'] })).toEqual(['write /home/u', 'read /home/u/bin']);
  expect(paths({ read: ['/a', '/a/b/c'], write: ['/a/b'] })).toEqual([
    'read /a',
    'write /a/b',
    'read /a/b/c',
  ]);
});

test('a directory that only holds a mount is mounted on itself', () => {
  expect(paths({ write: ['/w'], read: ['/w/a/b/aether.yaml'] })).toEqual([
    'write /w',
    'write /w/a',
    'write /w/a/b',
    'read /w/a/b/aether.yaml',
  ]);
});
