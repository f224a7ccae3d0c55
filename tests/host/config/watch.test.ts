/** Editors, tools and people change the file in every way there is; what it means arrives, once. */
import { mkdirSync, renameSync, rmSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/host/config/load.ts';
import type { Config } from '../../../src/host/config/types.ts';
import { type ConfigWatch, type WatchOptions, watchConfig } from '../../../src/host/config/watch.ts';
import { AetherError } from '../../../src/host/errors.ts';
import { VirtualClock } from '../../support/clock.ts';
import { eventually } from '../../support/eventually.ts';
import { tempDir, writeConfig } from './support.ts';

const watches: ConfigWatch[] = [];

afterEach(async () => {
  for (const watch of watches.splice(0)) await watch.close();
});

const fleet = (...names: string[]) =>
  `agents: { ${names.map((name) => `${name}: { runtime: claude-code }`).join(', ')} }\n`;

async function begin(file: string, options: WatchOptions = {}) {
  const heard: (Config | AetherError)[] = [];
  // Quick, but for the rest real: files, events and clock.
  const watch = watchConfig(file, (result) => heard.push(result), {
    settle_ms: 20,
    look_ms: 60_000,
    ...options,
  });
  watches.push(watch);
  await watch.ready;
  const words = () =>
    heard.map((result) =>
      result instanceof AetherError ? result.code : result.agents.map(({ name }) => name).join(' '),
    );
  return {
    words,
    watch,
    until: (...expected: string[]) =>
      eventually(
        `to hear ${expected.join(' | ')}, not ${words().join(' | ')}`,
        () => JSON.stringify(words()) === JSON.stringify(expected),
      ),
  };
}

describe('watchConfig', () => {
  it('hears an edit in place', async () => {
    const file = writeConfig(fleet('a'));
    const { until } = await begin(file);
    writeFileSync(file, fleet('a', 'b'));
    await until('a b');
    writeFileSync(file, fleet('b'));
    await until('a b', 'b');
  });

  it('hears an editor that writes beside it and renames, again and again', async () => {
    const file = writeConfig(fleet('a'));
    const { until } = await begin(file);
    const expected: string[] = [];
    for (const name of ['b', 'c', 'd']) {
      writeFileSync(`${file}.swp`, fleet(name));
      renameSync(`${file}.swp`, file);
      expected.push(name);
      await until(...expected);
    }
  });

  it('hears an editor that moves the file away first', async () => {
    const file = writeConfig(fleet('a'));
    const { until } = await begin(file);
    renameSync(file, `${file}~`);
    writeFileSync(file, fleet('b'));
    await until('b');
  });

  it('passes the error of a broken edit, and the Config when it is mended', async () => {
    const file = writeConfig(fleet('a'));
    const { until } = await begin(file);
    writeFileSync(file, 'agents: { a: { runtim: x } }\n');
    await until('config.unknown-key');
    writeFileSync(file, fleet('a'));
    await until('config.unknown-key', 'a');
  });

  it('hears that the file is gone, and that it is back', async () => {
    const file = writeConfig(fleet('a'));
    const { until } = await begin(file);
    unlinkSync(file);
    await until('config.missing');
    writeFileSync(file, fleet('a'));
    await until('config.missing', 'a');
  });

  it('survives that its directory goes and comes back', async () => {
    const dir = join(tempDir(), 'project');
    mkdirSync(dir);
    const file = writeConfig(fleet('a'), dir);
    const { until } = await begin(file, { look_ms: 50 });
    rmSync(dir, { recursive: true });
    await until('config.missing');
    mkdirSync(dir);
    writeFileSync(file, fleet('b'));
    await until('config.missing', 'b');
    // And goes on to watch it.
    writeFileSync(file, fleet('c'));
    await until('config.missing', 'b', 'c');
  });

  it('begins where there is no file yet, nor a directory', async () => {
    const file = join(tempDir(), 'not-yet', 'aether.yaml');
    const { until } = await begin(file, { look_ms: 50 });
    mkdirSync(dirname(file));
    writeFileSync(file, fleet('a'));
    await until('a');
  });

  it('says nothing of edits that mean nothing', async () => {
    const file = writeConfig(fleet('a'));
    const clock = new VirtualClock();
    const { words } = await begin(file, { clock, settle_ms: 10, look_ms: 100 });
    const looked = () => clock.advance(200);
    for (const edit of [
      () => writeFileSync(file, `# a comment\n\n${fleet('a')}`),
      () => utimesSync(file, new Date(), new Date(1_000)),
      () => writeFileSync(join(dirname(file), 'other.yaml'), 'x'),
    ]) {
      edit();
      looked();
    }
    expect(words()).toEqual([]);
    writeFileSync(file, fleet('b'));
    looked();
    expect(words()).toEqual(['b']);
  });

  it('does not miss an edit between the load and the watch', async () => {
    const file = writeConfig(fleet('a'));
    const last = loadConfig(file);
    writeFileSync(file, fleet('b'));
    const { until } = await begin(file, { last });
    await until('b');
  });

  it('reads once, when the file has come to rest', async () => {
    const file = writeConfig(fleet('a'));
    const clock = new VirtualClock();
    const { words } = await begin(file, { clock, settle_ms: 500, look_ms: 100 });
    for (const name of ['b', 'c', 'd']) {
      writeFileSync(file, fleet(name));
      // Found by the slow look, whether or not an event has come yet.
      clock.advance(100);
    }
    clock.advance(400);
    expect(words()).toEqual([]);
    clock.advance(100);
    expect(words()).toEqual(['d']);
  });

  it('is silent once it is closed', async () => {
    const file = writeConfig(fleet('a'));
    const clock = new VirtualClock();
    const { words, watch } = await begin(file, { clock });
    await watch.close();
    writeFileSync(file, fleet('b'));
    clock.advance(3_600_000);
    expect(words()).toEqual([]);
  });
});
