/** Messages to a working engine: their order, their receipts, and the interrupt. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { DrivenEngine } from '../support/drive.ts';
import { ALLOW, type Bench } from './runtime-bench.ts';

export function messageConformance(bench: Bench): void {
  describe('messages', () => {
    const stages = (engine: DrivenEngine, id: string) =>
      engine.observed.events.flatMap((e) => (e.kind === 'inject' && e.injectId === id ? [e.stage] : []));

    it('carry a receipt from delivered over seen to acted', async () => {
      const engine = await bench.work(null);
      const id = engine.say('are you there? [[say yes]]');
      await engine.observed.waitFor('inject', (e) => e.injectId === id && e.stage === 'acted');
      expect(stages(engine, id)).toEqual(['delivered', 'seen', 'acted']);
      expect(engine.observed.find('message', (m) => m.injectId === id)?.text).toContain('are you there?');
    });

    it('of priority next are folded in after the running tool', async () => {
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
    });

    it('of priority later wait for the end of the turn', async () => {
      const engine = await bench.work(`${bench.subject.shell('sleep 1')} [[say first turn]]`, ALLOW);
      await engine.observed.waitFor('tool-call');
      const id = engine.say('[[say second turn]]', 'later');
      await engine.observed.waitFor('message', (m) => m.text === 'second turn');
      const seen = engine.observed.indexOf('inject', (e) => e.injectId === id && e.stage === 'seen');
      const firstEnd = engine.observed.indexOf('turn-ended');
      expect(seen).toBeGreaterThan(firstEnd);
      // Whoever only watches the activity sees a second turn.
      const after = engine.observed.find('activity', (a) => a.activity === 'thinking', firstEnd);
      expect(after).toBeDefined();
    });

    it('of priority now end the running tool', async () => {
      const tool = bench.subject.shell(`sleep 20; echo done > ${join(bench.desk.workspace, 'never')}`);
      const engine = await bench.work(tool, ALLOW);
      await engine.observed.waitFor('tool-call');
      const began = Date.now();
      const id = engine.say('drop it [[say dropped]]', 'now');
      await engine.observed.waitFor('message', (m) => m.text === 'dropped');
      expect(Date.now() - began).toBeLessThan(10_000);
      await engine.observed.waitFor('inject', (e) => e.injectId === id && e.stage === 'acted');
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
