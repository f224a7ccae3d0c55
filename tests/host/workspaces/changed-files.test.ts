/** What changed in a workspace, however large that is: the host does other things meanwhile. */
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { changedFiles } from '../../../src/host/workspaces/changed-files.ts';

/** Looked at in portions of 64, also within one directory. */
const FILES = process.env.AETHER_LONG ? 200_000 : 20_000;
/** What the host promises of its event loop under load, as p99; here it holds for the longest single delay too. */
const DELAY_MS_MAX = 30;
const NEVER_MS = 60_000;

let workspace: string;
beforeEach(() => {
  workspace = fs.mkdtempSync(join(tmpdir(), 'aether-changed-'));
});
afterEach(() => fs.rmSync(workspace, { recursive: true }));

/** Files that are older than an hour in the eyes of whoever asks: nothing sets a ctime, so the asker moves on. */
function grow(directory: string, files: number): void {
  fs.mkdirSync(directory, { recursive: true });
  for (let file = 0; file < files; file += 1) fs.closeSync(fs.openSync(join(directory, `f${file}`), 'w'));
}

async function looking<T>(
  look: () => Promise<T>,
): Promise<{ found: T; took_ms: number; p99: number; max: number }> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const began = performance.now();
  const found = await look();
  const took_ms = Math.round(performance.now() - began);
  delay.disable();
  return { found, took_ms, p99: delay.percentile(99) / 1e6, max: delay.max / 1e6 };
}

test(`${FILES} files: all of them are looked at, and the event loop goes on`, async () => {
  for (let index = 0; index < FILES / 2_000; index += 1)
    grow(join(workspace, `d${index % 7}`, `e${index}`), 1_000);
  // And half of them in one place.
  grow(join(workspace, 'flat'), FILES / 2);
  // Nothing of it is young any more when the next tick of the file system's clock has come.
  const since_ms = fs.statSync(join(workspace, 'flat', `f${FILES / 2 - 1}`)).ctimeMs + 50;
  while (Date.now() < since_ms + 50) await new Promise((resolve) => setTimeout(resolve, 10));
  for (const name of ['d3/e3/f999', 'flat/f7777']) fs.appendFileSync(join(workspace, name), 'changed');
  fs.writeFileSync(join(workspace, 'd0', 'new'), '');

  const { found, took_ms, p99, max } = await looking(() => changedFiles(workspace, since_ms, NEVER_MS));
  console.log(
    `${FILES} files in ${took_ms} ms; event loop delay p99 ${p99.toFixed(1)} ms, longest ${max.toFixed(1)} ms`,
  );
  expect(found).toEqual(['d0/new', 'd3/e3/f999', 'flat/f7777']);
  expect(p99).toBeLessThan(DELAY_MS_MAX);
}, 120_000);

test('when the time is up it says that there may be more', async () => {
  for (let index = 0; index < 20; index += 1) grow(join(workspace, `d${index}`), 100);
  const found = await changedFiles(workspace, Date.now() + 60_000, 1);
  expect(found).toEqual([expect.stringContaining('not all of it was looked at')]);
});

test('more than can be named are counted', async () => {
  grow(join(workspace, 'many'), 1_000);
  const found = await changedFiles(workspace, 0, NEVER_MS);
  expect(found).toHaveLength(41);
  expect(found.slice(0, 2)).toEqual(['many/f0', 'many/f1']);
  expect(found.at(-1)).toBe('and 960 more');
});

test('links are not followed, nothing is opened, and what is not ours to read or gone is left out', async () => {
  fs.symlinkSync('..', join(workspace, 'up'));
  fs.symlinkSync('/', join(workspace, 'root'));
  for (const skipped of ['.git', 'node_modules', '.aether']) grow(join(workspace, skipped), 1);
  grow(join(workspace, 'deep', 'node_modules'), 1);
  fs.writeFileSync(join(workspace, 'a\nb'), '');
  expect(await changedFiles(workspace, 0, NEVER_MS)).toEqual(['a\nb', 'root', 'up']);
  expect(await changedFiles(join(workspace, 'nowhere'), 0, NEVER_MS)).toEqual([]);
});
