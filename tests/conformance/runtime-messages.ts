/** Messages to a working engine: their order, their receipts, and the interrupt. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Capabilities } from '../../src/runtimes/runtime.ts';
import type { DrivenEngine } from '../support/drive.ts';
import { ALLOW, type Bench } from './runtime-bench.ts';

const STAGES = ['delivered', 'seen', 'acted'] as const;

export function messageConformance(bench: Bench, { receipts, turns }: Capabilities): void {
  const known = STAGES.slice(0, STAGES.indexOf(receipts) + 1);
  const second = turns!.second.is;

  describe('messages', () => {
    // That it is taken up is no stage of the receipt.
    const stages = (engine: DrivenEngine, id: string) =>
      engine.observed.events.flatMap((e) =>
        e.kind === 'inject' && e.injectId === id && e.stage !== 'taken' ? [e.stage] : [],
      );

    it(`carry a receipt, as far as it is known: ${known.join(', ')}`, async () => {
      const engine = await bench.work(null);
      const id = engine.say('are you there? [[say yes]]');
      await engine.observed.waitFor('inject', (e) => e.injectId === id && e.stage === receipts);
      await bench.ended(engine);
      expect(stages(engine, id)).toEqual(known);
      expect(engine.observed.find('message', (m) => m.injectId === id)?.text).toContain('are you there?');
    });

    if (second === 'folded')
      it('of priority next are folded in after the running tool', () => foldedIn(bench));
    if (second === 'queued')
      it('of priority next wait for the end of the turn', () => waitsForTheEnd(bench, 'next'));
    if (second === 'cancels') it('end the turn that runs, whatever their priority', () => endsTheTurn(bench));
    else it('of priority later wait for the end of the turn', () => waitsForTheEnd(bench, 'later'));

    it('of priority now end the running tool', async () => {
      const tool = bench.subject.shell(`sleep 20; echo done > ${join(bench.desk.workspace, 'never')}`);
      const engine = await bench.work(tool, ALLOW);
      await engine.observed.waitFor('tool-call');
      const began = Date.now();
      const id = engine.say('drop it [[say dropped]]', 'now');
      await engine.observed.waitFor('message', (m) => m.text === 'dropped');
      expect(Date.now() - began).toBeLessThan(10_000);
      await engine.observed.waitFor('inject', (e) => e.injectId === id && e.stage === receipts);
      expect(bench.written('never')).toBe(false);
    });
  });

  describe('interrupt', () => {
    it('ends the turn, not the process', async () => {
      const engine = await bench.work('[[slow 50 one two three]] [[hang interrupted]] [[say never]]');
      await engine.observed.waitFor('activity', (a) => a.activity === 'thinking');
      await bench.subject.modelSaw('[[hang interrupted]]');
      engine.write(bench.runtime.interrupt!('stop-1'));
      expect(await engine.observed.waitFor('interrupted')).toMatchObject({ requestId: 'stop-1' });
      expect((await bench.ended(engine)).outcome).toBe('interrupted');
      await engine.observed.waitFor('activity', (a) => a.activity === 'idle');
      const from = engine.observed.events.length;
      engine.say('[[say alive]]');
      expect((await bench.ended(engine, from)).outcome).toBe('done');
      expect(engine.observed.find('message', (m) => m.text === 'alive')).toBeDefined();
    });
  });
}

async function foldedIn(bench: Bench): Promise<void> {
  const tool = bench.subject.shell(`sleep 2; echo done > ${join(bench.desk.workspace, 'tool-done')}`);
  const engine = await bench.work(`${tool} [[say the tool was run]]`, ALLOW);
  await engine.observed.waitFor('tool-call');
  const id = engine.say('FOLDED-IN without a script');
  await engine.observed.waitFor('inject', (e) => e.injectId === id && e.stage === 'seen');
  expect(bench.written('tool-done')).toBe(true);
  await bench.subject.modelSaw('FOLDED-IN');
  expect((await bench.ended(engine)).outcome).toBe('done');
  const seen = engine.observed.indexOf('inject', (e) => e.injectId === id && e.stage === 'seen');
  expect(seen).toBeGreaterThan(engine.observed.indexOf('tool-result'));
  expect(seen).toBeLessThan(engine.observed.indexOf('turn-ended'));
}

async function waitsForTheEnd(bench: Bench, priority: 'next' | 'later'): Promise<void> {
  const engine = await bench.work(`${bench.subject.shell('sleep 1')} [[say first turn]]`, ALLOW);
  await engine.observed.waitFor('tool-call');
  const id = engine.say('[[say second turn]]', priority);
  await engine.observed.waitFor('message', (m) => m.text === 'second turn');
  const seen = engine.observed.indexOf('inject', (e) => e.injectId === id && e.stage === 'seen');
  const firstEnd = engine.observed.indexOf('turn-ended');
  expect(seen).toBeGreaterThan(firstEnd);
  // Whoever only watches the activity sees a second turn.
  const after = engine.observed.find('activity', (a) => a.activity === 'thinking', firstEnd);
  expect(after).toBeDefined();
}

/** The host keeps those of other priorities back. */
async function endsTheTurn(bench: Bench): Promise<void> {
  const tool = bench.subject.shell(`sleep 20; echo done > ${join(bench.desk.workspace, 'cut-short')}`);
  const engine = await bench.work(tool, ALLOW);
  await engine.observed.waitFor('tool-call');
  engine.say('[[say instead]]', 'later');
  expect((await bench.ended(engine)).outcome).toBe('interrupted');
  await engine.observed.waitFor('message', (m) => m.text === 'instead');
  expect(bench.written('cut-short')).toBe(false);
}
