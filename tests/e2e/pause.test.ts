/** Standing still: nothing of an agent runs, whatever becomes of the host meanwhile, and then it goes on. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { InjectionView } from '../../src/host/api.ts';
import { isAlive } from '../../src/host/process/proc.ts';
import { BOX_PROCESSES, HELD_GRADE, LiveFleet } from '../support/live-fleet.ts';
import { saidIn } from '../support/model-server/server.ts';
import { CONTAINMENTS, groupsLeft, LONG, ticksOf, treeOf, USUAL_CONTAINMENTS } from '../support/run-tree.ts';
import { PROGRAMS, until } from '../support/shim.ts';

let fleet: LiveFleet;

/** In a box also those that make it. */
const ALL = 3 + BOX_PROCESSES;

/** What the host has told the agent. */
async function notesOf(agent: string): Promise<InjectionView[]> {
  const all = await fleet.withHost((client) => client.call('injections', { agent }));
  return all.filter(({ principal }) => principal === 'host');
}

const spinning = { runtime: 'command', command: [join(PROGRAMS, 'spin.sh')] };

describe.each(CONTAINMENTS)('$name', ({ name, env }) => {
  const usual = USUAL_CONTAINMENTS.some((one) => one.name === name);

  beforeAll(async () => {
    const later = { ...spinning, autostart: false };
    const agents = { spinner: spinning, stop: later, kill: later };
    fleet = await LiveFleet.make({ agents }, { env });
    await fleet.up();
  }, 60_000);
  afterAll(() => fleet.close(), 60_000);

  test('a spinning tree uses no processor while it is paused, over the death of its host', async () => {
    const { run, containment } = await fleet.until('spinner', 'runs', (view) => view.state === 'running');
    expect(containment === 'descent').toBe(env.AETHER_NO_CGROUP === '1');
    await until('its whole tree', () => treeOf(run!).length === ALL);

    expect(await fleet.ok('pause', 'spinner')).toContain(`all ${ALL} processes are frozen`);
    const paused = await fleet.agent('spinner');
    expect(paused).toMatchObject({
      state: 'running',
      activity: 'paused',
      activityEvidence: { source: 'shim', grade: HELD_GRADE },
      verbs: { resume: null, stop: null, kill: null, pause: 'spinner is paused already.' },
    });
    const before = ticksOf(treeOf(run!));
    await sleep(LONG ? 10_000 : 2_000);
    expect(ticksOf(treeOf(run!)) - before).toBe(0);

    // What is said to it meanwhile waits where it can still be taken back.
    const said = await fleet.json<InjectionView>('inject', 'spinner', 'hello');
    expect(said.state).toBe('queued');

    await fleet.killHost();
    await fleet.up();
    const adopted = await fleet.agent('spinner');
    expect(adopted).toMatchObject({ run, activity: 'paused', activityEvidence: paused.activityEvidence });
    expect(ticksOf(treeOf(run!)) - before).toBe(0);
    expect((await fleet.withHost((client) => client.call('injection', { id: said.id }))).state).toBe(
      'queued',
    );

    await fleet.act('resume', 'spinner');
    const stood = treeOf(run!).map((one) => ({ one, ticks: ticksOf([one]) }));
    // What makes a box only waits.
    const goOn = () => stood.filter(({ one, ticks }) => ticksOf([one]) > ticks).length;
    await until('everybody to go on', () => goOn() >= ALL - BOX_PROCESSES);
    await fleet.event('inject.delivered', ({ data }) => data.inject === said.id);
    expect((await fleet.agent('spinner')).activity).not.toBe('paused');
    const told = await fleet.events({ agent: 'spinner', topics: ['run.paused', 'run.resumed'] });
    expect(told.map(({ topic, data }) => [topic, data.by])).toEqual([
      ['run.paused', 'operator'],
      ['run.resumed', 'operator'],
    ]);
    expect(told[0]!.data).toMatchObject({ processes: ALL, ticks: 0 });
    await fleet.act('kill', 'spinner');
  }, 90_000);

  test.each(usual ? (['stop', 'kill'] as const) : (['kill'] as const))(
    'a paused agent can be ended: %s',
    async (verb) => {
      await fleet.act('start', verb);
      const { run } = await fleet.until(verb, 'runs', (view) => view.state === 'running');
      await until('its whole tree', () => treeOf(run!).length === ALL);
      const tree = treeOf(run!);
      await fleet.act('pause', verb);
      await fleet.ok(verb, verb);
      expect(await fleet.agent(verb)).toMatchObject({ state: 'stopped', exit: { cause: 'stopped' } });
      for (const entry of tree) expect(isAlive(entry)).toBe(false);
      // The shim, on its way out, looks for a moment like anybody else of the run.
      await until('nothing to be left', () => treeOf(run!).length === 0, 2_000);
      await until('its group to go', () => !groupsLeft(fleet.stateDir).some((group) => group.includes(run!)));
    },
    60_000,
  );
});

describe.each(USUAL_CONTAINMENTS)('$name', ({ env }) => {
  afterAll(() => fleet.close(), 60_000);

  test('claude in mid-stream is paused, and ends its turn as if nothing had been', async () => {
    const words = Array.from({ length: 30 }, (_, index) => `word${index}`).join(' ');
    fleet = await LiveFleet.make({ agents: { writer: { runtime: 'claude-code' } } }, { env });
    await fleet.up();
    await fleet.idle('writer');
    await fleet.ok('inject', 'writer', `Write. [[slow 100 ${words}]]`, '--wait', 'seen');
    await fleet.until('writer', 'in its turn', (view) => view.activity === 'thinking');
    await fleet.act('pause', 'writer');
    const { run } = await fleet.agent('writer');
    const before = ticksOf(treeOf(run!));
    const { workspace } = await fleet.agent('writer');
    writeFileSync(join(workspace, 'changed-meanwhile.txt'), 'by somebody else\n');
    await sleep(LONG ? 10_000 : 3_000);
    expect(ticksOf(treeOf(run!)) - before).toBe(0);
    await fleet.act('resume', 'writer');

    const ended = await fleet.event('turn.ended', ({ agent }) => agent === 'writer');
    expect(ended.data).toMatchObject({ outcome: 'done', text: words });
    // A turn of its own, right after: told by the host, once.
    await until('it to be told', () =>
      fleet.model.requests.some((request) => saidIn(request).includes('were paused for')),
    );
    await fleet.turns('writer', 2);
    const notes = await notesOf('writer');
    expect(notes).toHaveLength(1);
    expect(notes[0]).toMatchObject({ priority: 'later' });
    expect(notes[0]!.text).toMatch(/were paused for \d+ s; .*\n.*changed-meanwhile\.txt/);

    // Too short to be worth a word.
    await fleet.act('pause', 'writer');
    await fleet.act('resume', 'writer');
    const resumed = await fleet.events({ agent: 'writer', topics: ['run.resumed'] });
    expect(resumed).toHaveLength(2);
    expect(resumed[1]!.data.paused_ms).toBeLessThan(2_000);
    expect(await notesOf('writer')).toHaveLength(1);
  }, 90_000);
});
