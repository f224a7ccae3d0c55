/** Writing where an agent writes too: whatever it puts in the way, nothing lands elsewhere. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import {
  emptyBeneath,
  isFileBeneath,
  listBeneath,
  makeBeneath,
  readBeneath,
  readFromBeneath,
  sizeBeneath,
  writeBeneath,
} from '../../src/host/beneath.ts';
import { placeFiles } from '../../src/host/operations/launch/run-files.ts';
import { BINARY_VARIABLE } from '../../src/runtimes/claude-code/binary.ts';
import { claudeCodeRuntime } from '../../src/runtimes/claude-code/runtime.ts';
import { Desk } from '../support/drive.ts';
import { eventually } from '../support/eventually.ts';
import { LiveFleet } from '../support/live-fleet.ts';

let base: string;
let root: string;
let victim: string;
beforeEach(() => {
  base = fs.mkdtempSync(join(tmpdir(), 'beneath-'));
  root = join(base, 'root');
  victim = join(base, 'victim');
  fs.mkdirSync(root);
  fs.mkdirSync(victim);
  fs.writeFileSync(join(victim, 'f'), 'mine');
});
afterEach(() => fs.rmSync(base, { recursive: true, force: true }));

const untouched = () => {
  expect(fs.readdirSync(victim)).toEqual(['f']);
  expect(fs.readFileSync(join(victim, 'f'), 'utf8')).toBe('mine');
};
const write = (path = 'a/b/f', text = 'text') => writeBeneath(root, path, text, 0o600);

describe('writeBeneath', () => {
  it('makes directories and the file, for their owner only, and replaces what was written before', () => {
    write();
    write('a/b/f', 'again');
    expect(fs.readFileSync(join(root, 'a/b/f'), 'utf8')).toBe('again');
    expect(fs.statSync(join(root, 'a/b/f')).mode & 0o777).toBe(0o600);
    expect(fs.statSync(join(root, 'a')).mode & 0o777).toBe(0o700);
    expect(fs.readdirSync(join(root, 'a/b'))).toEqual(['f']);
  });

  it.each([
    ['a link', (file: string) => fs.symlinkSync(join(victim, 'f'), file)],
    ['a link to nowhere', (file: string) => fs.symlinkSync(join(victim, 'made'), file)],
    ['a second name of another file', (file: string) => fs.linkSync(join(victim, 'f'), file)],
    ['a pipe', (file: string) => void execFileSync('mkfifo', [file])],
  ])('replaces %s by the file', (_what, plant) => {
    makeBeneath(root, 'a/b');
    plant(join(root, 'a/b/f'));
    write();
    expect(fs.lstatSync(join(root, 'a/b/f')).isFile()).toBe(true);
    expect(fs.readFileSync(join(root, 'a/b/f'), 'utf8')).toBe('text');
    untouched();
  });

  it.each([
    ['the directory is a link', 'a/b', (at: string) => fs.symlinkSync(victim, at)],
    ['the directory is a relative link', 'a/b', (at: string) => fs.symlinkSync('../../victim', at)],
    ['a directory above is a link', 'a', (at: string) => fs.symlinkSync(victim, at)],
    ['a directory is a link to nowhere', 'a', (at: string) => fs.symlinkSync(join(base, 'made'), at)],
    ['a directory is a file', 'a', (at: string) => fs.writeFileSync(at, '')],
    ['a directory is a pipe', 'a', (at: string) => void execFileSync('mkfifo', [at])],
    ['the file is a directory', 'a/b/f', (at: string) => fs.mkdirSync(join(at, 'x'), { recursive: true })],
  ])('refuses where %s', (_what, at, plant) => {
    makeBeneath(root, join('x', at, '..'));
    fs.mkdirSync(join(root, at, '..'), { recursive: true });
    plant(join(root, at));
    expect(() => write()).toThrow(expect.objectContaining({ code: 'path.in-the-way', who: 'user' }));
    untouched();
    expect(fs.existsSync(join(base, 'made'))).toBe(false);
    const left = fs.readdirSync(root, { recursive: true, encoding: 'utf8' });
    expect(left.filter((name) => name.endsWith('.new'))).toEqual([]);
  });

  it('takes no path that leads out, and a root that is a link', () => {
    for (const path of ['../f', 'a/../../f', '/f', '', '.', 'a//f', 'a/\0'])
      expect(() => write(path), path).toThrow(/not a path below/);
    fs.symlinkSync(root, join(base, 'linked'));
    writeBeneath(join(base, 'linked'), 'f', 'text', 0o600);
    expect(fs.readFileSync(join(root, 'f'), 'utf8')).toBe('text');
  });

  it('lands nowhere else while its directory is swapped with a link all the time', async () => {
    makeBeneath(root, 'a/b');
    const swapper = spawn(process.execPath, [
      '-e',
      `const fs = require('fs');
       process.chdir(${JSON.stringify(join(root, 'a'))});
       const attempt = (act) => { try { act(); return true; } catch { return false; } };
       console.log('on');
       for (;;) {
         attempt(() => fs.renameSync('b', 'c'));
         attempt(() => fs.symlinkSync(${JSON.stringify(victim)}, 'b'));
         attempt(() => fs.unlinkSync('b'));
         // Meanwhile the directory may have been made again.
         if (!attempt(() => fs.renameSync('c', 'b'))) attempt(() => fs.rmSync('b', { recursive: true, force: true }));
       }`,
    ]);
    try {
      await once(swapper.stdout, 'data');
      const seen = { written: 0, refused: 0 };
      for (let count = 0; seen.written < 200 || seen.refused < 20; count++) {
        try {
          write(`a/b/${count}`);
          seen.written += 1;
        } catch (error) {
          if ((error as { code?: string }).code === 'path.in-the-way') seen.refused += 1;
        }
      }
      untouched();
    } finally {
      swapper.kill('SIGKILL');
      await once(swapper, 'close');
    }
  });
});

describe('reading beneath', () => {
  const kinds: [string, (file: string) => void][] = [
    ['a link', (file) => fs.symlinkSync(join(victim, 'f'), file)],
    ['a pipe', (file) => void execFileSync('mkfifo', [file])],
    ['a directory', (file) => fs.mkdirSync(file)],
    ['a device', (file) => fs.symlinkSync('/dev/zero', file)],
  ];

  it('reads what is there, and says nothing of what is not', () => {
    write('d/e/f');
    expect(readBeneath(root, 'd/e/f', 100)?.toString()).toBe(fs.readFileSync(join(root, 'd/e/f'), 'utf8'));
    expect(readFromBeneath(root, 'd/e/f', 1, 2)).toHaveLength(2);
    expect([sizeBeneath(root, 'd/e/f') > 0, isFileBeneath(root, 'd/e/f')]).toEqual([true, true]);
    expect(listBeneath(root, 'd')).toEqual(['e']);
    expect([readBeneath(root, 'd/x/f', 100), listBeneath(root, 'x'), sizeBeneath(root, 'x/y')]).toEqual([
      null,
      null,
      0,
    ]);
    fs.truncateSync(join(root, 'd/e/f'), 10 * 1024 ** 3);
    expect(() => readBeneath(root, 'd/e/f', 100)).toThrow('larger than 100');
  });

  it.each(kinds)('refuses %s in place of the file', (_what, plant) => {
    fs.mkdirSync(join(root, 'd'));
    plant(join(root, 'd/f'));
    expect(() => readBeneath(root, 'd/f', 100)).toThrow();
    expect(() => readFromBeneath(root, 'd/f', 0, 100)).toThrow();
    expect([sizeBeneath(root, 'd/f'), isFileBeneath(root, 'd/f')]).toEqual([0, false]);
  });

  it('follows no link on the way, and takes no path that leads out', () => {
    fs.symlinkSync(victim, join(root, 'd'));
    expect(() => readBeneath(root, 'd/f', 100)).toThrow('it is a link');
    expect(() => listBeneath(root, 'd')).toThrow('it is a link');
    expect([sizeBeneath(root, 'd/f'), isFileBeneath(root, 'd/f')]).toEqual([0, false]);
    expect(() => readBeneath(root, '../victim/f', 100)).toThrow('is not a path below');
  });
});

describe('emptyBeneath', () => {
  it('removes what is there but for what is kept, and follows no link', async () => {
    write('r/journal/1');
    write('r/settings.json');
    write('r/deep/er/f');
    fs.symlinkSync(victim, join(root, 'r/deep/link'));
    await emptyBeneath(root, 'r', ['journal']);
    expect(fs.readdirSync(join(root, 'r'), { recursive: true })).toEqual(['journal', 'journal/1']);
    untouched();
    await emptyBeneath(root, 'gone', []);
    fs.symlinkSync(victim, join(root, 'linked'));
    await expect(emptyBeneath(root, 'linked', [])).rejects.toMatchObject({ code: 'path.in-the-way' });
    untouched();
  });
});

test('the files of an engine stay in its directories, though the agent has replaced one by a link', async () => {
  const desk = new Desk();
  const before = process.env[BINARY_VARIABLE];
  process.env[BINARY_VARIABLE] = '/bin/true';
  try {
    desk.place.agentDir = join(desk.root, 'agents', 'tester');
    desk.place.runDir = join(desk.root, 'runs', 'r_test');
    for (const dir of [desk.place.agentDir, desk.place.runDir]) fs.mkdirSync(dir, { recursive: true });
    const auth = { ANTHROPIC_API_KEY: 'sk-ant-dummy-0123456789abcdefghijklmnopqrstuv' };
    const agent = desk.agent(claudeCodeRuntime, { auth });
    const launch = await claudeCodeRuntime.prepare(agent, desk.place, null, null);
    await placeFiles(desk.root, launch);
    for (const file of launch.files) expect(fs.existsSync(file.path), file.path).toBe(true);
    fs.rmSync(join(desk.place.agentDir, 'claude'), { recursive: true });
    fs.symlinkSync(victim, join(desk.place.agentDir, 'claude'));
    await expect(placeFiles(desk.root, launch)).rejects.toThrow(/Nothing was written to .*claude/);
    untouched();
    const none = { cleared: [], uses: { read: [], write: [] } };
    launch.files.push({ path: join(desk.root, 'elsewhere'), mode: 0o600, content: '' });
    await expect(
      placeFiles(desk.root, { ...launch, ...none, files: launch.files.slice(-1) }),
    ).rejects.toThrow(/lies in no/);
  } finally {
    if (before === undefined) delete process.env[BINARY_VARIABLE];
    else process.env[BINARY_VARIABLE] = before;
    desk.remove();
  }
});

test('an agent that replaces its directory, or a file of the host, by a link fails alone and changes nothing there', async () => {
  const fleet = await LiveFleet.make({
    agents: {
      shell: { runtime: 'command', command: ['sleep', '1000'] },
      other: { runtime: 'command', command: ['sleep', '1000'] },
    },
  });
  try {
    fs.mkdirSync(join(fleet.stateDir, 'agents'), { recursive: true });
    const own = join(fleet.stateDir, 'agents', 'shell');
    fs.symlinkSync(victim, own);
    for (const name of ['host.pid', 'aether.schema.json'])
      fs.symlinkSync(join(victim, 'f'), join(fleet.stateDir, name));
    const result = await fleet.cli(['up', '--detach']);
    expect(result.stdout + result.stderr).toContain(`Nothing was written to ${own}`);
    await fleet.until('other', 'running', ({ state }) => state === 'running');
    untouched();
    expect(fs.lstatSync(join(fleet.stateDir, 'host.pid')).isFile()).toBe(true);
    // Its run's directory, in which the host cleans up when the run ends.
    const other = await fleet.agent('other');
    const run = join(fleet.stateDir, 'runs', other.run!);
    fs.renameSync(run, `${run}-before`);
    fs.symlinkSync(victim, run);
    await fleet.act('stop', 'other');
    untouched();
    fs.unlinkSync(run);
    fs.renameSync(`${run}-before`, run);
    fs.rmSync(own);
    await fleet.act('start', 'shell');
    await eventually('it runs', async () => (await fleet.agent('shell')).state === 'running');
  } finally {
    await fleet.close();
  }
}, 60_000);
