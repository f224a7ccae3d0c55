/**
 * Three agents flood their output at once: lines of 30 MB, a line of 40 MB, a terminal full of escape sequences. The
 * host answers all the while, the journals are read on, what was left out is told, and each can be stopped.
 */
import fs from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { listSegments } from '../../src/host/shim/format.ts';
import { claudeBinary } from '../support/engines.ts';
import { eventually } from '../support/eventually.ts';
import { LiveFleet } from '../support/live-fleet.ts';

const PROGRAM = fileURLToPath(new URL('../fixtures/programs/flood-output.mjs', import.meta.url));
const ANSWERS = 10;
/** One second on a machine that is otherwise quiet; other tests take their part of it. */
const COMMAND_MS = 6_000;
const FLOODS = ['emoji', 'endless', 'escapes'];

let fleet: LiveFleet;

beforeAll(async () => {
  fleet = await LiveFleet.make({ agents: {} });
  const program = join(fleet.root, 'claude');
  const flood = `exec ${process.execPath} ${PROGRAM} "$FLOOD"`;
  fs.writeFileSync(
    program,
    `#!/bin/sh\nif [ -n "$FLOOD" ]; then ${flood}; fi\nexec ${claudeBinary()} "$@"\n`,
    { mode: 0o700 },
  );
  fleet.env.AETHER_CLAUDE_BINARY = program;
  fleet.configure({
    agents: {
      emoji: { runtime: 'claude-code', goal: 'Flood.', env: { FLOOD: 'emoji' } },
      endless: { runtime: 'claude-code', goal: 'Flood.', env: { FLOOD: 'endless' } },
      escapes: { runtime: 'command', command: [process.execPath, PROGRAM, 'escapes'] },
    },
  });
  await fleet.up();
}, 60_000);
afterAll(() => fleet.close(), 60_000);

/** Bytes that the shim of this agent has written by now. */
async function printed(agent: string): Promise<number> {
  const dir = join(fleet.stateDir, 'runs', (await fleet.agent(agent)).run!, 'journal');
  const last = listSegments(dir).at(-1)!;
  return last.start + fs.statSync(last.path).size;
}

test('the host answers while three agents flood at once, and reads on', { timeout: 120_000 }, async () => {
  await fleet.event('message.assistant', ({ agent }) => agent === 'emoji');
  const [cut] = await fleet.events({ agent: 'emoji', topics: ['message.assistant'] });
  expect(cut!.data.text).toMatch(
    /^🚀{1000,}\n… \d{8} more bytes of this text are in the journal of the run$/u,
  );
  const left = await fleet.event('record.quarantined', ({ agent }) => agent === 'endless');
  expect(left).toMatchObject({
    grade: 'observed',
    data: { of: 'line', excerpt: expect.stringMatching(/^x+/) },
  });

  const before = await Promise.all(FLOODS.map(printed));
  const times: number[] = [];
  for (let at = 0; at < ANSWERS; at += 1) {
    const began = performance.now();
    if (at % 5 === 0) await fleet.ok('ps');
    else await fleet.withHost((client) => client.call('agents'));
    times.push(performance.now() - began);
  }
  expect(Math.max(...times)).toBeLessThan(COMMAND_MS);
  for (const [at, flood] of FLOODS.entries())
    await eventually(`${flood} prints on`, async () => (await printed(flood)) > before[at]!);
});

test('each of them can be stopped in the middle of it', { timeout: 60_000 }, async () => {
  for (const flood of FLOODS) {
    await fleet.act('stop', flood);
    expect(await fleet.agent(flood)).toMatchObject({ pid: null, exit: { cause: 'stopped' } });
  }
});
