/**
 * What a box could break of any engine: it is told something, stands still, has another host, is taken over and is
 * stopped. Without a box the host's own tests show it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { isAlive } from '../../src/host/process/proc.ts';
import { ticksOf, treeOf } from '../support/run-tree.ts';
import type { Bench, Subject, TerminalSubject } from './runtime-bench.ts';
import { fleetOf, screen } from './runtime-terminal.ts';

const STILL_MS = 1_000;
const WORDS = 'one two three four five six seven eight nine ten';

/** Taking it over is part of the suite (handoverConformance). */
export function engineBoxConformance(bench: Bench<Subject>): void {
  it('in its box it is told something, stands still in mid-turn, has another host and is stopped', async () => {
    const engine = await bench.startBoxed();
    await engine.observed.waitFor('ready');
    const id = engine.say(`Begin. [[slow 50 ${WORDS}]]`);
    await engine.observed.waitFor('inject', (e) => e.injectId === id && e.stage === 'seen');
    const still = await engine.pause();
    expect(still.ticks).toBe(0);
    const tree = await engine.tree();
    const before = ticksOf(tree);
    const seen = engine.observed.events.length;
    await sleep(STILL_MS);
    expect([ticksOf(tree) - before, engine.observed.events.length]).toEqual([0, seen]);
    await engine.resume();
    expect((await bench.ended(engine)).outcome).toBe('done');
    expect(engine.observed.find('message', (m) => m.text.trim() === WORDS)).toBeDefined();
    const { receipts } = bench.runtime.capabilities;
    await engine.observed.waitFor('inject', (e) => e.injectId === id && e.stage === receipts);

    const { observed } = engine;
    expect((await engine.adopt()).events).toEqual(observed.events);
    const from = observed.events.length;
    engine.say('Go on. [[hang busy]]');
    await bench.subject.modelSaw('[[hang busy]]');
    await observed.waitFor('activity', (a) => a.activity === 'thinking', { from });
    const left = await engine.tree();
    expect(left.length).toBeGreaterThanOrEqual(3);
    expect(['stdin', 'SIGTERM']).toContain((await engine.stop()).step);
    expect(left.filter((entry) => isAlive(entry))).toEqual([]);
  });
}

export function terminalBoxConformance(bench: Bench<TerminalSubject>): void {
  it('in its box it stands still, has another host, is taken over, is told something and is stopped', async () => {
    const fleet = await fleetOf(bench, {
      reader: 'echo ready; while read -r line; do echo "<$line>"; done',
    });
    await fleet.up();
    await screen(fleet, 'reader', 'ready');
    const { run, pid } = await fleet.agent('reader');
    await fleet.ok('pause', 'reader');
    const tree = treeOf(run!);
    expect(tree.length).toBeGreaterThanOrEqual(3);
    await fleet.killHost();
    await fleet.up();
    expect(await fleet.agent('reader')).toMatchObject({ run, pid, activity: 'paused' });
    await fleet.ok('resume', 'reader');
    const lease = await fleet.withHost(async (client) => {
      const taken = await client.call('takeover', {
        ...{ agent: 'reader', when: 'boundary', cols: 80, rows: 24 },
      });
      const data = 'by hand\r';
      await client.call('terminalWrite', { agent: 'reader', generation: taken.generation, data });
      return taken;
    });
    await screen(fleet, 'reader', '<by hand>');
    await fleet.withHost((client) =>
      client.call('handback', { agent: 'reader', generation: lease.generation }),
    );
    await fleet.ok('inject', 'reader', 'by message', '--wait', 'delivered');
    await screen(fleet, 'reader', '<by message>');
    expect(await fleet.agent('reader')).toMatchObject({ run, pid, restarts: 0 });
    await fleet.ok('stop', 'reader');
    expect(tree.filter((entry) => isAlive(entry))).toEqual([]);
    expect((await fleet.agent('reader')).state).toBe('stopped');
  });
}
