/** The gate of an engine that has one: no answer, no tool — whatever else happens to it. */
import { describe, expect, it } from 'vitest';
import type { AgentSpec } from '../../src/runtimes/runtime.ts';
import type { DrivenEngine } from '../support/drive.ts';
import { ALLOW, type Bench, NEVER_READ } from './runtime-bench.ts';

export function gateConformance(bench: Bench): void {
  const closed = async (goal: string, permissions = ALLOW): Promise<DrivenEngine> => {
    const engine = await bench.work(goal, permissions);
    engine.gateOpen = false;
    return engine;
  };

  describe('the gate', () => {
    it('holds back what the rules allow, and lets it pass once', async () => {
      const engine = await closed(`${bench.shellWriting('a')} ${bench.shellWriting('b')} [[say done]]`);
      const asked = await engine.observed.waitFor('gate-asked');
      expect(asked).toMatchObject({ tool: bench.subject.shellTool, toolUseId: expect.any(String) });
      expect(engine.observed.find('tool-call')?.toolUseId).toBe(asked.toolUseId);
      expect(bench.runtime.callFacts!(asked.tool, asked.input)).toMatchObject({
        aether: null,
        looks: null,
        shell: true,
        subject: expect.stringContaining('written'),
      });
      await bench.readsOn(engine);
      expect(bench.written('a')).toBe(false);
      const from = engine.observed.events.length;
      engine.answerGate(asked.requestId, 'pass');
      const next = await engine.observed.waitFor('gate-asked', () => true, { from });
      expect([bench.written('a'), bench.written('b')]).toEqual([true, false]);
      engine.answerGate(next.requestId, 'pass');
      expect((await bench.ended(engine)).outcome).toBe('done');
      expect(bench.written('b')).toBe(true);
      expect(engine.observed.find('gate-withdrawn')).toBeUndefined();
    });

    it('keeps a call that it lets pass, whatever is to be folded in meanwhile', async () => {
      const engine = await closed(`${bench.shellWriting('kept')} [[say done]]`);
      const { requestId } = await engine.observed.waitFor('gate-asked');
      const id = engine.say('FOLDED-IN-AT-THE-GATE', 'next');
      await bench.readsOn(engine);
      engine.answerGate(requestId, 'pass');
      await engine.observed.waitFor('inject', (e) => e.injectId === id && e.stage === 'seen');
      expect(bench.written('kept')).toBe(true);
      expect(engine.observed.find('tool-result')?.isError).toBe(false);
      await engine.observed.waitFor('inject', (e) => e.injectId === id && e.stage === 'acted');
    });

    if (!bench.employed)
      it('is asked for aether tools too, and for what only looks', async () => {
        const engine = await closed(`[[call ${bench.subject.echoTool} {"text":"ping"}]] [[say done]]`);
        const asked = await engine.observed.waitFor('gate-asked');
        expect(bench.runtime.callFacts!(asked.tool, asked.input).aether).toBe('aether_echo');
        await bench.readsOn(engine);
        expect(engine.observed.find('tool-result')).toBeUndefined();
        engine.answerGate(asked.requestId, 'pass');
        expect((await engine.observed.waitFor('tool-result')).text).toBe('echo: ping');
      });

    if (!bench.employed)
      it('passes on to the rules; allowed by a person, only a rule that denies still counts', async () => {
        const tool = bench.subject.shellTool;
        const goal = `${bench.shellWriting('ruled')} [[say heard {{result}}]]`;
        const judged = async (permissions: AgentSpec['permissions'], verdict: 'pass' | 'allow') => {
          const engine = await closed(goal, permissions);
          // An engine may not even offer a tool that a rule denies.
          const first = await Promise.race([engine.observed.waitFor('gate-asked'), bench.ended(engine)]);
          if (first.kind === 'gate-asked') engine.answerGate(first.requestId, verdict);
          await bench.ended(engine);
          return engine.observed.find('tool-result')?.isError === false;
        };
        expect(await judged({ mode: 'deny', allow: [], deny: [] }, 'pass')).toBe(false);
        expect(await judged({ mode: 'ask', allow: [], deny: [] }, 'allow')).toBe(true);
        expect(await judged({ mode: 'allow', allow: [], deny: [tool] }, 'allow')).toBe(false);
      });

    it('refuses with a word for the model, and the turn goes on', async () => {
      const engine = await closed(`${bench.shellWriting('denied')} [[say heard {{result}}]]`);
      engine.answerGate((await engine.observed.waitFor('gate-asked')).requestId, 'deny', 'not in this turn');
      await engine.observed.waitFor('message', (m) => m.text.includes('not in this turn'));
      expect(engine.observed.find('tool-result')?.isError).toBe(true);
      expect(bench.written('denied')).toBe(false);
    });

    it('ends the turn without another model request, and the conversation goes on', async () => {
      const engine = await closed(`${bench.shellWriting('stopped')} [[say NEVER-SAID]]`);
      engine.answerGate((await engine.observed.waitFor('gate-asked')).requestId, 'stop', 'held');
      expect((await bench.ended(engine)).outcome).toBe('interrupted');
      const from = engine.observed.events.length;
      engine.say('[[say still here]]');
      expect((await bench.ended(engine, from)).outcome).toBe('done');
      expect(engine.observed.find('message', (m) => m.text === 'NEVER-SAID')).toBeUndefined();
      expect(bench.written('stopped')).toBe(false);
    });

    it('is left when the turn is cancelled, and a late answer opens nothing', async () => {
      const engine = await closed(bench.shellWriting('late'));
      const { requestId } = await engine.observed.waitFor('gate-asked');
      engine.write(bench.runtime.interrupt!('cancel-1'));
      expect(await engine.observed.waitFor('gate-withdrawn')).toMatchObject({ requestId });
      expect((await bench.ended(engine)).outcome).toBe('interrupted');
      engine.answerGate(requestId, 'pass');
      const from = engine.observed.events.length;
      engine.say('[[say the next turn]]');
      expect((await bench.ended(engine, from)).outcome).toBe('done');
      expect(bench.written('late')).toBe(false);
    });

    it('takes a message that waits back out of the queue', async () => {
      const engine = await closed(`${bench.shellWriting('meanwhile')} [[say done]]`);
      const { requestId } = await engine.observed.waitFor('gate-asked');
      await bench.readsOn(engine);
      engine.answerGate(requestId, 'pass');
      await bench.ended(engine);
      const from = engine.observed.events.length;
      engine.say('[[say the end]]');
      await bench.ended(engine, from);
      expect(bench.subject.lastRequest()).not.toContain(NEVER_READ);
    });

    if (!bench.employed)
      it('stays closed when nobody is left to answer', async () => {
        const engine = await closed(`${bench.shellWriting('alone')} [[say done]]`);
        await engine.observed.waitFor('gate-asked');
        engine.abandon();
        await engine.exited;
        expect(bench.written('alone')).toBe(false);
      });
  });
}
