/** The shim as it is published: compiled, in an awkwardly long project path, and small. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundle } from '../../../src/build/bundle.mjs';
import { environmentOf, everyProcess, type ProcessIdentity } from '../../../src/host/process/proc.ts';
import { runtimeDirectory, socketPath } from '../../../src/host/process/sockets.ts';
import { launchShim, startShim } from '../../../src/host/shim/client/launch.ts';
import type { ShimStart } from '../../../src/host/shim/shim-protocol.ts';
import { program, ShimLab, until } from '../../support/shim.ts';

const REPOSITORY = resolve(import.meta.dirname, '../../..');
const lab = new ShimLab();
let launch: (start: ShimStart) => Promise<ProcessIdentity>;

beforeAll(async () => {
  const dist = join(lab.directory(), 'dist');
  await bundle(join(REPOSITORY, 'src'), dist);
  writeFileSync(join(dist, 'package.json'), '{"type":"module"}');
  symlinkSync(join(REPOSITORY, 'node_modules'), join(dist, 'node_modules'));
  launch = (start) => launchShim(start, { program: join(dist, 'host/shim/process/main.cjs') });
});
afterAll(() => lab.clean());

/** Memory in KB that only this process has. */
function privateMemory(pid: number): number {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const kb = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(rollup)?.[1]);
  return kb('Private_Clean') + kb('Private_Dirty');
}

test.each([false, true])('the compiled shim works and stays small (terminal: %s)', async (pty) => {
  const project = join(lab.directory(), 'p'.repeat(100), 'q'.repeat(100), '.aether');
  mkdirSync(project, { recursive: true });
  const sockets = runtimeDirectory(project);
  const start = lab.startLine({
    dir: join(project, 'journal'),
    socket: socketPath(sockets, 'run_abcdefghijkl.sock'),
  });
  const identity = await launch(start);
  lab.adopt(identity);
  expect(readFileSync(`/proc/${identity.pid}/cmdline`, 'utf8')).toMatch(/^aether-shim tester/);
  const client = await lab.connect(start.socket, 1);
  const shim = lab.watch(start, identity, client);
  await client.start('s1', program('echo.mjs', [], { pty }));
  await shim.printed(0, 'ready');
  const idle = privateMemory(identity.pid);
  await client.write(0, 'f1', 'exit 3\n');
  expect(await shim.over()).toMatchObject({ code: 3 });
  console.log(`private memory of a compiled shim (terminal: ${pty}): ${(idle / 1024).toFixed(1)} MB`);
  expect(idle).toBeLessThan(20 * 1024);
  rmSync(sockets, { recursive: true });
});

test('memory stays flat under a flood', async () => {
  const start = lab.startLine({ journal_segment_bytes: 8 << 20, journal_bytes_max: 32 << 20 });
  const identity = await launch(start);
  lab.adopt(identity);
  const client = await lab.connect(start.socket, 1);
  const { journal } = lab.watch(start, identity, client);
  let read = 0;
  client.onNotice(() => {
    journal.read();
    read = journal.offset;
    journal.records.length = 0;
    void client.ack(read);
  });
  await client.start('s1', program('flood.sh'));
  const deadline = performance.now() + 15_000;
  while (read < 300e6 && performance.now() < deadline) await new Promise((done) => setTimeout(done, 20));
  expect(read).toBeGreaterThan(300e6);
  const loaded = privateMemory(identity.pid);
  console.log(
    `private memory after ${Math.round(read / 1e6)} MB of output: ${(loaded / 1024).toFixed(1)} MB`,
  );
  expect(loaded).toBeLessThan(30 * 1024);
  await client.stop('x', { term_ms: 0, kill_ms: 5_000 }, 'test');
});

test('what goes wrong at the start is told to the launcher', async () => {
  const taken = lab.startLine();
  writeFileSync(taken.socket, 'no socket, so it is not replaced');
  await expect(launch(taken)).rejects.toMatchObject({
    code: 'shim.start-failed',
    message: expect.stringContaining('EADDRINUSE'),
  });
  const file = join(lab.directory(), 'file');
  writeFileSync(file, '');
  await expect(launch(lab.startLine({ dir: join(file, 'journal') }))).rejects.toMatchObject({
    message: expect.stringContaining('ENOTDIR'),
  });
  // One that waits ends when it is not needed, and with its host, whose end of the pipe goes with it.
  const waiting = startShim('run_test_waiting');
  waiting.abandon();
  await until(
    'nothing waits',
    () => !everyProcess().some(({ pid }) => environmentOf(pid)?.includes('AETHER_RUN=run_test_waiting')),
  );
  // Without its start line it says so and does not linger.
  const main = join(REPOSITORY, 'src/host/shim/process/main.ts');
  expect(spawnSync(process.execPath, [main], { input: '' }).status).toBe(1);
  const lonely = spawnSync(process.execPath, [main], { input: '{"run":"x"}', encoding: 'utf8' });
  expect(lonely.status).toBe(1);
  expect(lonely.stderr).toContain('lacks agent');
});
