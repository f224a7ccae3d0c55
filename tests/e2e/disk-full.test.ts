/**
 * A disk that is full, under the state directory of a real host with real shims. What cannot be made durable is
 * refused in a sentence, nothing that was accepted is lost, nobody crashes or spins, and all goes on by itself when
 * there is space again. Needs the right to mount a small tmpfs.
 */
import fs from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { afterEach, expect, test } from 'vitest';
import { systemClock } from '../../src/host/clock.ts';
import { Events } from '../../src/host/events/events.ts';
import { randomIds } from '../../src/host/ids.ts';
import { openLog } from '../../src/host/log.ts';
import { JournalReader } from '../../src/host/shim/client/reader.ts';
import { RecordType } from '../../src/host/shim/shim-protocol.ts';
import { Store } from '../../src/host/store/store.ts';
import { eventually } from '../support/eventually.ts';
import { journalLength } from '../support/journal.ts';
import { LiveFleet, running } from '../support/live-fleet.ts';
import { mayMount, SmallDisk } from '../support/small-disk.ts';

/** Numbered lines without end, some 100 KB a second: a disk of a few MB is full in the middle of one. */
const NUMBERED = `let n = 0; setInterval(() => { let text = ''; for (let i = 0; i < 50; i += 1) text += String(++n).padStart(99, '0') + '\\n'; process.stdout.write(text); }, 50)`;

let fleet: LiveFleet;
let disk: SmallDisk | null = null;
let client: Client | null = null;

afterEach(async () => {
  disk?.relieve();
  await client?.close();
  client = null;
  const down = await fleet.cli(['down']);
  // With the disk goes the list of runs by which the fleet would find what is left of them.
  const left = await fleet.leftovers();
  for (const { pid } of left) process.kill(pid, 'SIGKILL');
  disk?.close();
  disk = null;
  await fleet.close();
  if (down.code !== 0) throw new Error(`aether down: ${down.stderr}`);
  expect(left).toEqual([]);
});

/** Ticks of processor time so far. */
function ticks(pid: number): number {
  const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

/** What a run's first process printed, whole. */
function printed(run: string): string {
  const reader = new JournalReader(join(fleet.stateDir, 'runs', run, 'journal'));
  const parts: Buffer[] = [];
  for (let records = reader.read(); records.length > 0; records = reader.read())
    for (const { type, payload } of records) if (type === RecordType.out) parts.push(payload);
  reader.close();
  return Buffer.concat(parts).toString().replaceAll('\r', '');
}

/** The length of its journal, which is asked again and again: cheaper than what it printed. */
const written = (run: string) => journalLength(join(fleet.stateDir, 'runs', run, 'journal'));

interface Answer {
  error: string | null;
}

async function remember(text: string): Promise<Answer> {
  const result = await client!.callTool({
    name: 'aether_memory_store',
    arguments: { text, scope: 'shared' },
  });
  const said = (result.content as { text?: string }[]).map((part) => part.text ?? '').join(' ');
  return { error: result.isError === true ? said : null };
}

if (!mayMount) console.warn('LEFT OUT: a full disk cannot be made here; run as root to test it.');

test.runIf(mayMount)(
  'a full disk refuses, loses nothing, and heals by itself',
  async () => {
    fleet = await LiveFleet.make({
      agents: {
        talker: { runtime: 'command', command: ['node', '-e', NUMBERED] },
        mortal: { runtime: 'command', command: ['sleep', '600'], restart: 'always' },
      },
    });
    disk = new SmallDisk(fleet.stateDir, 16);
    await fleet.up();
    const host = fleet.hostPid;
    client = new Client({ name: 'tester', version: '1' }, { versionNegotiation: { mode: 'auto' } });
    const [command, ...args] = fleet.program;
    await client.connect(
      new StdioClientTransport({
        command: command!,
        args: [...args, 'mcp', '--as', 'tester', '--state', fleet.stateDir],
        env: { ...fleet.env, PATH: process.env.PATH ?? '' },
      }),
    );
    const accepted: string[] = [];
    const refused: string[] = [];
    const say = async (text: string): Promise<Answer> => {
      const answer = await remember(text);
      (answer.error === null ? accepted : refused).push(text);
      return answer;
    };
    expect(await say('before')).toEqual({ error: null });
    const talker = await fleet.agent('talker');
    const mortal = await fleet.agent('mortal');
    await eventually('it prints', () => written(talker.run!) > 100_000);

    /* Full: the host says so to whoever wants something stored. */
    disk.fill();
    await eventually(
      'a memory is refused',
      async () => (await say(`filler ${accepted.length + refused.length} ${'x'.repeat(4_000)}`)).error,
    );
    disk.fill();
    const answer = await say('while it is full');
    expect(answer.error).toContain(fleet.stateDir);
    expect(answer.error).toMatch(/is full.*Free space/s);
    const stop = await fleet.cli(['restart', 'talker']);
    expect(stop.code).toBe(1);
    expect(stop.stderr).toMatch(/The disk of .* is full: this could not be stored and was not done/);
    expect((await fleet.agent('talker')).run).toBe(talker.run);

    /* An agent dies meanwhile, as its host may: neither is forgotten. */
    process.kill(mortal.pid!, 'SIGKILL');
    await eventually('the shim waits for the disk', async () => {
      const length = written(talker.run!);
      await sleep(300);
      return written(talker.run!) === length;
    });
    const before = ticks(host);
    await sleep(3_000);
    expect(running(host)).toBe(true);
    // 100 ticks a second: a host that spins takes 300 of them.
    expect(ticks(host) - before).toBeLessThan(90);
    // Reading is as good as ever.
    await fleet.ok('ps');

    /* Space again: nobody has to be told. */
    disk.relieve();
    await eventually('memories are taken again', async () => (await say('after')).error === null, 15_000);
    const reborn = await fleet.until(
      'mortal',
      'started again',
      (view) => view.state === 'running' && view.run !== mortal.run,
      30_000,
    );
    expect(reborn.restarts).toBe(1);
    const length = written(talker.run!);
    await eventually('the program prints on', () => written(talker.run!) > length + 100_000, 15_000);
    expect(running(host)).toBe(true);
    expect(fleet.hostPid).toBe(host);
    expect(await fleet.ok('restart', 'talker')).toContain('running');

    /* Nothing is missing, nothing is there twice, nothing that was refused happened. */
    const lines = printed(talker.run!).split('\n');
    const wrong = lines.slice(0, -1).findIndex((line, index) => Number(line) !== index + 1);
    expect(wrong).toBe(-1);
    await client.close();
    client = null;
    await fleet.ok('down');
    const store = new Store(join(fleet.stateDir, 'aether.db'));
    const events = new Events({ store, clock: systemClock, ids: randomIds, log: openLog(undefined) });
    expect(events.verify()).toMatchObject({ broken: null });
    const texts = store.db.prepare<[], string>('SELECT text FROM memories ORDER BY rowid').pluck().all();
    store.close();
    expect(texts).toEqual(accepted);
    expect(texts).not.toContain('while it is full');
    await fleet.up();
  },
  120_000,
);

test.runIf(mayMount)(
  'facts that the database cannot take wait in the journal; a host that dies meanwhile says why it cannot start',
  async () => {
    fleet = await LiveFleet.make({
      agents: {
        talker: { runtime: 'command', command: ['node', '-e', NUMBERED] },
        mortal: { runtime: 'command', command: ['sleep', '600'], restart: 'never' },
        again: { runtime: 'command', command: ['sleep', '600'], restart: 'always' },
      },
    });
    disk = new SmallDisk(fleet.stateDir, 8);
    // Journals elsewhere: the shims go on, and only the host has no room.
    const runs = join(fleet.root, 'runs');
    fs.mkdirSync(runs);
    fs.symlinkSync(runs, join(fleet.stateDir, 'runs'));
    await fleet.up();
    const talker = await fleet.agent('talker');
    const mortal = await fleet.agent('mortal');
    const again = await fleet.agent('again');
    await fillDatabase();

    process.kill(mortal.pid!, 'SIGKILL');
    process.kill(again.pid!, 'SIGKILL');
    const exitIn = (run: string) =>
      fs
        .readdirSync(join(runs, run, 'journal'))
        .some((name) => fs.readFileSync(join(runs, run, 'journal', name)).includes('"cause":"exited"'));
    await eventually('their ends are in their journals', () => exitIn(mortal.run!) && exitIn(again.run!));
    const host = fleet.hostPid;
    const before = ticks(host);
    await sleep(3_000);
    expect(running(host)).toBe(true);
    expect(ticks(host) - before).toBeLessThan(90);
    // It does not claim what it could not note down.
    expect((await fleet.agent('mortal')).state).not.toBe('exited');
    const log = fs.readFileSync(join(fleet.stateDir, 'host.log'), 'utf8');
    expect(log.length).toBeLessThan(100_000);

    disk.relieve();
    await fleet.until('mortal', 'ended', (view) => view.exit?.signal === 'SIGKILL', 15_000);
    const back = await fleet.until(
      'again',
      'back',
      // The restart is counted once the launch is through.
      (view) => view.run !== again.run && view.pid !== null && view.restarts > 0,
      20_000,
    );
    expect(back.restarts).toBe(1);
    const exits = await fleet.events({ topics: ['run.exited'] });
    expect(exits.map(({ run }) => run).sort()).toEqual([mortal.run, again.run].sort());

    /* The next host cannot begin without room, says so, and harms nobody. */
    await fillDatabase();
    await fleet.killHost();
    const up = await fleet.cli(['up', '--detach']);
    expect(up.code).toBe(1);
    expect(up.stderr).toContain(`The disk of ${fleet.stateDir} is full`);
    expect(running(talker.pid!)).toBe(true);
    disk.relieve();
    // Its exit says whether the failure of `mortal` was stored before the disk was full.
    await fleet.cli(['up', '--detach']);
    expect(await fleet.agent('talker')).toMatchObject({ run: talker.run, pid: talker.pid });
    const length = written(talker.run!);
    await eventually('it prints on', () => written(talker.run!) > length + 10_000);
    await fleet.act('stop', 'talker');
    const lines = printed(talker.run!).split('\n');
    expect(lines.slice(0, -1).findIndex((line, index) => Number(line) !== index + 1)).toBe(-1);
  },
  120_000,
);

/** Until the host refuses: it may have a little room left in files that it has already. */
async function fillDatabase(): Promise<void> {
  await eventually('the host has no room', async () => {
    disk!.fill();
    const refused = await fleet.act('stop', 'mortal').then(
      () => null,
      (error: Error) => error.message,
    );
    if (refused?.includes('is full')) return true;
    await fleet.act('start', 'mortal').catch(() => undefined);
    return false;
  });
}
