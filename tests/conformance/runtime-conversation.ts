/** The conversation outlives its process: killed, resumed, handed to a human and back; and the end of a process. */
import { describe, expect, it } from 'vitest';
import type { Capabilities } from '../../src/runtimes/runtime.ts';
import { Observed } from '../support/drive.ts';
import type { Bench } from './runtime-bench.ts';

const SIZE = { cols: 120, rows: 40 };

export function conversationConformance(bench: Bench, { turns }: Capabilities): void {
  describe('the conversation', () => {
    it('goes on after the process was killed in mid-turn', async () => {
      const engine = await bench.work('REMEMBER-ME [[say noted]]');
      await bench.ended(engine);
      engine.say('[[hang killed]]');
      await bench.subject.modelSaw('[[hang killed]]');
      await engine.kill();
      const { session } = engine.observed.state;
      expect(session).toBeTruthy();
      // A new run knows the conversation's name and nothing else.
      const spec = await bench.runtime.prepare(
        bench.agent({ goal: 'GOAL-AGAIN' }),
        bench.desk.place,
        { session },
        {
          note: 'YOU-WERE-AWAY [[say back again]]',
        },
      );
      const again = bench.run(spec, new Observed(bench.runtime, { session }));
      await again.observed.waitFor('message', (m) => m.text === 'back again');
      expect(again.observed.state.session).toBe(session);
      const told = bench.subject.lastRequest();
      for (const text of ['REMEMBER-ME', 'YOU-WERE-AWAY']) expect(told).toContain(text);
      expect(told).not.toContain('GOAL-AGAIN');
      expect(again.observed.find('message', (m) => m.text.includes('REMEMBER-ME'))).toBeUndefined();
    });

    if (turns!.conversation.is === 'locked')
      it('is refused to a second process, and the first goes on', async () => {
        const engine = await bench.work('[[say noted]]');
        await bench.ended(engine);
        const { session } = engine.observed.state;
        const note = { note: '[[say two of us]]' };
        const spec = await bench.runtime.prepare(bench.agent(), bench.desk.place, { session }, note);
        const observed = new Observed(bench.runtime, { session });
        const second = bench.second(spec, observed);
        expect((await second.exited).code).not.toBe(0);
        expect(observed.find('ready')).toBeUndefined();
        engine.say('[[say still the only one]]');
        await engine.observed.waitFor('message', (m) => m.text === 'still the only one');
      });

    it('ends politely when it is idle, and says nothing on resume when there is nothing to say', async () => {
      const engine = await bench.work('[[say noted]]');
      await bench.ended(engine);
      expect(await engine.stop()).toMatchObject({ code: 0, signal: null });
      const spec = await bench.runtime.prepare(bench.agent(), bench.desk.place, engine.observed.state, {
        note: '',
      });
      const again = bench.run(spec, new Observed(bench.runtime, engine.observed.state));
      await again.observed.waitFor('ready');
      await again.observed.waitFor('activity', (a) => a.activity === 'idle');
      again.say('[[say spoken to]]');
      await again.observed.waitFor('message', (m) => m.text === 'spoken to');
      expect(again.observed.events.filter((e) => e.kind === 'message' && e.role === 'user')).toHaveLength(1);
    });
  });
}

/** A person takes the engine's place, and gives it back. */
export function handoverConformance(bench: Bench): void {
  describe('the conversation', () => {
    it('is handed to a human in a terminal and back, nothing lost, nothing told twice', async () => {
      const engine = await bench.work('BEFORE [[say said before]]');
      await bench.ended(engine);
      await engine.stop();
      const { observed } = engine;
      const before = observed.events.length;

      const terminal = await bench.terminal(observed, SIZE);
      await terminal.shows(bench.subject.terminalReady);
      await terminal.shows('said before');
      await terminal.type('TYPED by a human [[say answered the human]]');
      await observed.waitFor('message', (m) => m.role === 'user' && m.text.includes('TYPED'), {
        from: before,
      });
      await observed.waitFor('message', (m) => m.text === 'answered the human', { from: before });
      expect((await observed.waitFor('turn-ended', () => true, { from: before })).outcome).toBe('done');
      await terminal.stop();

      const spec = await bench.runtime.prepare(bench.agent(), bench.desk.place, observed.state, {
        note: 'HANDED-BACK [[say took over]]',
      });
      bench.run(spec, observed);
      await observed.waitFor('message', (m) => m.text === 'took over');
      for (const text of ['BEFORE', 'TYPED by a human', 'answered the human', 'HANDED-BACK']) {
        expect(bench.subject.lastRequest()).toContain(text);
      }
      const keys = observed.events.flatMap((e) => (e.kind === 'message' ? [e.key] : []));
      expect(keys).not.toContain(undefined);
      expect(new Set(keys).size).toBe(keys.length);
    });
  });
}

export function endConformance(bench: Bench): void {
  describe('the end', () => {
    it('comes in time to a busy one', async () => {
      const engine = await bench.work('[[hang busy]]');
      await bench.subject.modelSaw('[[hang busy]]');
      const { close_stdin_ms = 0, term_ms } = engine.spec.stop;
      const began = Date.now();
      expect(['stdin', 'SIGTERM']).toContain((await engine.stop()).step);
      expect(Date.now() - began).toBeLessThan(close_stdin_ms + term_ms + 500);
    });
  });
}
