/** Holding the real engine at its gate: nothing it calls runs, whatever becomes of the host, the engine or its settings. */
import fs from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { EventView } from '../../src/host/api.ts';
import { call, LiveFleet } from '../support/live-fleet.ts';
import { saidIn } from '../support/model-server/server.ts';

let fleet: LiveFleet;
afterEach(() => fleet.close());

const workspace = () => join(fleet.project, 'workspaces', 'worker');
const made = (name: string) => fs.existsSync(join(workspace(), name));
const touch = (name: string) => call('Bash', { command: `touch ${name}`, description: name });

async function make(agent: Record<string, unknown>): Promise<void> {
  fleet = await LiveFleet.make({
    agents: { worker: { runtime: 'claude-code', permissions: 'allow', ...agent } },
  });
  await fleet.up();
}

const held = () => fleet.until('worker', 'held', (view) => view.activity === 'held');
const topics = async (prefix: string) =>
  (await fleet.events({ agent: 'worker', topics: [prefix] })).map((event: EventView) => event.topic);

test('stops before the next tool, says how it knows, and goes on where it stood', async () => {
  await make({ goal: `[[hang first]] ${touch('a')} ${touch('b')} [[say done]]` });
  await fleet.until('worker', 'thinking', (view) => view.activity === 'thinking');
  const asked = await fleet.withHost((host) => host.call('hold', 'worker'));
  expect(asked).toMatchObject({ activity: 'thinking', requested: 'hold' });
  expect(asked.verbs.hold).toMatch(/held already/);
  fleet.model.release('first');
  const view = await held();
  expect(view.requested).toBeNull();
  expect(view.activityEvidence).toMatchObject({ source: 'gate', grade: 'enforced' });
  expect(view.activityEvidence?.what).toContain('Bash stands at the gate');
  // What is said meanwhile waits, and what changes meanwhile is told.
  await fleet.ok('inject', 'worker', 'A word while you are held.');
  fs.writeFileSync(join(workspace(), 'changed-by-hand.txt'), 'new');
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  expect(made('a')).toBe(false);
  expect((await fleet.agent('worker')).activity).toBe('held');
  expect(fleet.model.requests.filter((request) => request.conversation !== null)).toHaveLength(1);

  await fleet.ok('resume', 'worker');
  await fleet.turns('worker', 1);
  expect([made('a'), made('b')]).toEqual([true, true]);
  const last = saidIn(fleet.model.requests.at(-1)!);
  expect(last).toContain('A word while you are held.');
  expect(last).toMatch(/\[aether\] The operator held you for \d+ s; now you may go on\./);
  expect(last).toContain('changed-by-hand.txt');
  expect(await topics('hold.')).toEqual(['hold.requested', 'hold.held', 'hold.ended']);
}, 60_000);
