/** The ways through a lease that are not the straight one: in a hurry, changed one's mind, lost one's window. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { ControlClient } from '../../src/host/control/client.ts';
import type { WireError } from '../../src/host/errors.ts';
import { Client } from '../support/console-client.ts';
import { LiveFleet } from '../support/live-fleet.ts';

let fleet: LiveFleet;
let client: ControlClient | null = null;
beforeAll(async () => {
  fleet = await LiveFleet.make({
    agents: {
      writer: {
        runtime: 'claude-code',
        permissions: { mode: 'allow' },
        goal: 'Go. [[call Bash {"command":"for i in $(seq 1 40); do sleep 1; done"}]] [[say over]]',
      },
      sh: { runtime: 'command', command: ['/bin/sh'] },
    },
  });
  await fleet.up();
}, 60_000);
afterEach(() => {
  client?.close();
  client = null;
});
afterAll(() => fleet.close(), 60_000);

const size = { cols: 80, rows: 24 };

/** Another operator: a browser that is signed in to the console. */
async function takeOverInBrowser(agent: string): Promise<string> {
  const bob = await Client.signIn((await fleet.ok('console')).trim());
  const { run, state, lease } = await fleet.agent(agent);
  const basis = { run, state, lease: lease?.generation ?? null };
  const { body } = await bob.call<{ error: WireError }>('takeover', { agent, when: 'now', ...size }, basis);
  return body.error.message;
}

test('who waits for the boundary may give up, or stop waiting; others are told who waits', async () => {
  await fleet.until('writer', 'in the tool', (view) => view.activity === 'tool');
  client = await fleet.connect();

  const first = client.call('takeover', { agent: 'writer', ...size, when: 'boundary' });
  const refused = expect(first).rejects.toMatchObject({ code: 'lease.stale' });
  const pending = await fleet.until('writer', 'pending', (view) => view.lease?.waitingFor != null);
  expect(await takeOverInBrowser('writer')).toContain(`${pending.lease!.holder} waits for it already`);
  await client.call('handback', { agent: 'writer', generation: pending.lease!.generation });
  await refused;
  expect((await fleet.agent('writer')).lease).toBeNull();
  expect((await fleet.agent('writer')).activity).toBe('tool');
  expect(
    (await fleet.events({ topics: ['lease.'] })).map(({ topic, principal }) => [topic, principal]),
  ).toEqual([
    ['lease.requested', 'operator'],
    ['lease.cancelled', 'operator'],
  ]);
  expect(await fleet.ok('logs', 'writer')).toContain(
    `${pending.lease!.holder} gave up the take-over before it began`,
  );

  const second = client.call('takeover', { agent: 'writer', ...size, when: 'boundary' });
  await fleet.until('writer', 'pending', (view) => view.lease?.waitingFor != null);
  const hurried = await client.call('takeover', { agent: 'writer', ...size, when: 'now' });
  expect(hurried).toMatchObject({ phase: 'held', generation: (await second).generation });
  await client.call('handback', { agent: 'writer', generation: hurried.generation });
  await fleet.act('stop', 'writer');
});

test('a holder whose host died takes the same terminal again, and the old window is fenced', async () => {
  client = await fleet.connect();
  const before = await client.call('takeover', { agent: 'sh', ...size, when: 'boundary' });
  await expect(client.call('takeover', { agent: 'sh', ...size, when: 'boundary' })).rejects.toThrow(
    / holds sh/,
  );
  client.close();
  await fleet.killHost();
  await fleet.up();

  client = await fleet.connect();
  expect(await takeOverInBrowser('sh')).toContain(`${before.holder} holds sh`);
  const again = await client.call('takeover', { agent: 'sh', ...size, when: 'boundary' });
  expect(again.generation).toBeGreaterThan(before.generation);
  await expect(
    client.call('terminalWrite', { agent: 'sh', generation: before.generation, data: 'x' }),
  ).rejects.toMatchObject({
    code: 'lease.stale',
  });
  await client.call('terminalWrite', {
    agent: 'sh',
    generation: again.generation,
    data: 'echo still-mine\r',
  });
  await client.call('handback', { agent: 'sh', generation: again.generation });

  // An end that nobody decided is the host's word, and is not called a hand-back.
  const last = await client.call('takeover', { agent: 'sh', ...size, when: 'boundary' });
  await fleet.act('kill', 'sh');
  const ended = await fleet.event('lease.ended', ({ data }) => data.generation === last.generation);
  expect(ended).toMatchObject({ principal: 'host', data: { holder: last.holder, why: 'the run ended' } });
  expect(await fleet.events({ topics: ['lease.expired'] })).toEqual([]);
});
