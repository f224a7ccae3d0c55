/**
 * Agents that print whatever could harm the host that reads them. Each is still read to its end and can be stopped,
 * and none delays its siblings or the next host.
 */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { limits } from '../../src/host/limits.ts';
import { claudeBinary } from '../support/engines.ts';
import { eventually } from '../support/eventually.ts';
import { CLAUDE, hostileLines } from '../support/hostile-lines.ts';
import { call, LiveFleet, sandboxShowing } from '../support/live-fleet.ts';
import { shimOf } from '../support/run-tree.ts';

let fleet: LiveFleet;
let turns = 1;
afterAll(() => fleet.close(), 60_000);

/** A host that waits for one run only waits this long; loaded machines are slower. */
const AT_ONCE_MS = 15_000;

const DAMAGED = ['damaged', 'gone', 'pipe'];
const talks = {
  runtime: 'command',
  command: ['sh', '-c', 'while :; do echo line; sleep 0.1; done'],
  autostart: false,
};
const sleeps = { runtime: 'command', command: ['sleep', '600'] };

/** The claude program, or for the agent with LINES one that prints them, says no more and leaves when stdin ends. */
beforeAll(async () => {
  fleet = await LiveFleet.make({ agents: {} });
  const lines = join(fleet.root, 'lines');
  fs.writeFileSync(lines, [...hostileLines(CLAUDE)].map((line) => `${line}\n`).join(''));
  const program = join(fleet.root, 'claude');
  fs.writeFileSync(
    program,
    `#!/bin/sh\nif [ -n "$LINES_FILE" ]; then cat "$LINES_FILE"; exec cat >/dev/null; fi\nexec ${claudeBinary()} "$@"\n`,
    { mode: 0o700 },
  );
  fleet.env.AETHER_CLAUDE_BINARY = program;
  const env = { LINES_FILE: lines };
  fleet.configure({
    defaults: { sandbox: sandboxShowing(lines) },
    agents: {
      bad: { runtime: 'claude-code', goal: 'Harm.', env },
      loud: { runtime: 'command', command: ['sh', '-c', 'cat "$LINES_FILE"; exec sleep 600'], env },
      ...Object.fromEntries(DAMAGED.map((name) => [name, talks])),
      ...{ silent: sleeps, babble: sleeps },
      sibling: {
        runtime: 'builtin',
        model: 'anthropic:scripted',
        auth: 'ANTHROPIC_API_KEY',
        env: { ANTHROPIC_BASE_URL: fleet.model.url },
        goal: 'Say hello.',
      },
    },
  });
  await fleet.up();
  await fleet.turns('sibling', turns);
}, 90_000);

const journalOf = (run: string) => join(fleet.stateDir, 'runs', run, 'journal');

async function siblingWorks(): Promise<void> {
  turns += 1;
  await fleet.inject('sibling', call('aether_report', { summary: `turn ${turns}`, status: 'progress' }));
  await fleet.turns('sibling', turns);
}

test('engines print hundreds of hostile lines: siblings work, they can be stopped, the next host takes them back', {
  timeout: 120_000,
}, async () => {
  let told = 0;
  const often = () => ++told >= limits.quarantine_events_max;
  await fleet.event('record.quarantined', ({ agent }) => agent === 'bad' && often(), 30_000);
  await siblingWorks();
  const before = await fleet.agent('bad');
  expect(before.state).toBe('running');

  await fleet.killHost();
  const began = performance.now();
  await fleet.up();
  expect(performance.now() - began).toBeLessThan(AT_ONCE_MS);
  expect((await fleet.agent('bad')).run).toBe(before.run);
  await siblingWorks();
  await fleet.act('stop', 'bad');
  await fleet.act('stop', 'loud');
  expect(await fleet.agent('bad')).toMatchObject({ pid: null, exit: { cause: 'stopped' } });
});

test('a journal that is damaged, one that is gone and one that is a pipe: only their own runs are affected', {
  timeout: 120_000,
}, async () => {
  for (const name of DAMAGED) await fleet.act('start', name);
  const runs = Object.fromEntries(
    await Promise.all(DAMAGED.map(async (name) => [name, (await fleet.agent(name)).run!] as const)),
  );
  await fleet.killHost();
  const first = (name: string) => join(journalOf(runs[name]!), '0000000000000000.journal');
  // What no host has read yet; the shim goes on behind it.
  const { size } = fs.statSync(first('damaged'));
  await eventually('it prints on', () => fs.statSync(first('damaged')).size > size + 400);
  const fd = fs.openSync(first('damaged'), 'r+');
  fs.writeSync(fd, Buffer.alloc(300, 0xff), 0, 300, size + 10);
  fs.closeSync(fd);
  fs.rmSync(journalOf(runs.gone!), { recursive: true });
  fs.rmSync(first('pipe'));
  execFileSync('mkfifo', [first('pipe')]);

  const began = performance.now();
  await fleet.up();
  expect(performance.now() - began).toBeLessThan(AT_ONCE_MS);
  await siblingWorks();
  await fleet.event('journal.damaged', ({ agent }) => agent === 'damaged');
  await fleet.event('journal.unreadable', ({ agent }) => agent === 'gone');
  await fleet.event('journal.unreadable', ({ agent }) => agent === 'pipe');
  for (const name of DAMAGED) await fleet.act('stop', name);
  expect(await fleet.agent('damaged')).toMatchObject({ pid: null, exit: { cause: 'stopped' } });
});

test('a shim that is silent, and a socket on which somebody else talks: the host starts at once and serves the others', {
  timeout: 120_000,
}, async () => {
  const sockets = fs.readFileSync(join(fleet.stateDir, 'sockets'), 'utf8').trim();
  const socketOf = async (name: string) => join(sockets, `${(await fleet.agent(name)).run!}.shim.sock`);
  const [silent, babble] = [await socketOf('silent'), await socketOf('babble')];
  const shims = [await fleet.agent('silent'), await fleet.agent('babble')].map(({ run }) => shimOf(run!)!);
  // A shim that runs makes its socket again.
  for (const pid of shims) process.kill(pid, 'SIGSTOP');
  await fleet.killHost();
  const servers = [
    createServer(() => undefined),
    createServer((socket) => {
      socket.on('error', () => undefined);
      for (const line of [
        'null',
        '5',
        '"x"',
        '[]',
        '{"notice":"journal","offset":"x"}',
        '{"id":1,"ok":true,"result":null}',
      ])
        socket.write(`${line}\n`);
    }),
  ];
  for (const [at, file] of [silent, babble].entries()) {
    fs.renameSync(file, join(dirname(file), 'moved'));
    await new Promise<void>((resolve) => servers[at]!.listen(file, resolve));
  }
  try {
    const began = performance.now();
    const up = await fleet.cli(['up', '--detach']);
    expect(performance.now() - began).toBeLessThan(AT_ONCE_MS);
    expect(up.stdout).toContain('babble failed: it is unknown');
    await siblingWorks();
    await fleet.act('kill', 'silent');
    await fleet.act('kill', 'babble');
  } finally {
    for (const server of servers) server.close();
  }
});
