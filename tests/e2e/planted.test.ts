/**
 * An agent puts pipes, links, directories and sparse files where the host expects files of its engine. The host of
 * that time stays free, and so does the next.
 */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { claudeBinary } from '../support/engines.ts';
import { eventually } from '../support/eventually.ts';
import { LiveFleet } from '../support/live-fleet.ts';
import { LONG } from '../support/run-tree.ts';

let fleet: LiveFleet;
afterEach(() => fleet.close());

/** Answers within this on a loaded machine; a host that is blocked never does. */
const FREE_MS = 5_000;

async function free(): Promise<void> {
  const began = performance.now();
  await fleet.ok('ps');
  expect(performance.now() - began).toBeLessThan(FREE_MS);
}

/** What is planted in the place of a file, as a shell writes it: each costs three starts of the engine. */
const KINDS = {
  pipe: 'mkfifo "$F"',
  sparse: 'truncate -s 10G "$F"',
  ...(LONG
    ? { device: 'ln -s /dev/zero "$F"', link: 'ln -s /etc/passwd "$F"', directory: 'mkdir "$F"' }
    : {}),
};

test('pipes, links and sparse files in place of notes and conversations of an engine', {
  timeout: 120_000,
}, async () => {
  const agents = Object.fromEntries(
    Object.keys(KINDS).map((name) => [name, { runtime: 'claude-code', goal: 'Say hello.' }]),
  );
  fleet = await LiveFleet.make({ agents });
  /* The real engine writes the files; of what is started beside planted ones only the host counts, and an engine may
     read a device for as long as it lives. */
  const [program, planted] = [join(fleet.root, 'claude'), join(fleet.root, 'planted')];
  const script = `#!/bin/sh\nif [ -e ${planted} ]; then exec sleep 600; fi\nexec ${claudeBinary()} "$@"\n`;
  fs.writeFileSync(program, script, { mode: 0o700 });
  fleet.env.AETHER_CLAUDE_BINARY = program;
  await fleet.up();
  for (const name of Object.keys(KINDS)) await fleet.turns(name, 1);
  const sessions = new Map<string, string>();
  for (const [name, plant] of Object.entries(KINDS)) {
    const config = join(fleet.stateDir, 'agents', name, 'claude');
    const conversations = join(config, 'projects', 'conversation');
    const session = fs.readdirSync(conversations)[0]!.replace('.jsonl', '');
    sessions.set(name, session);
    const note = join(config, 'aether-moves', `${session}.json`);
    for (const file of [note, join(conversations, `${session}.jsonl`)])
      execFileSync('sh', ['-c', `rm -rf "$F"; ${plant}`], { env: { F: file, PATH: process.env.PATH } });
  }
  fs.writeFileSync(planted, '');
  await free();
  // A takeover looks for the conversation, and reads it while somebody types.
  await Promise.all(
    Object.keys(KINDS).map((name) =>
      fleet.withHost((client) =>
        client.call('takeover', { agent: name, cols: 80, rows: 24, when: 'now' }).catch(() => undefined),
      ),
    ),
  );
  await free();

  await fleet.killHost();
  // Engines may refuse what they find; that is between them and their agents.
  const up = fleet.begin(['up', '--detach']).ended;
  await eventually('the next host answers', async () => (await fleet.cli(['ps'])).code === 0, 20_000);
  await free();
  for (const name of Object.keys(KINDS)) await fleet.act('stop', name);
  await eventually('all are stopped', async () =>
    (await Promise.all(Object.keys(KINDS).map((name) => fleet.agent(name)))).every(({ pid }) => pid === null),
  );
  await up;
});
