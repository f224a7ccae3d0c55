/** A person's terminal stands beside the engine, which goes on: both are in the same conversation. */
import { describe, expect, it } from 'vitest';
import type { Bench } from './runtime-bench.ts';

const SIZE = { cols: 120, rows: 40 };

export function besideConformance(bench: Bench): void {
  describe('a terminal beside the engine', () => {
    it('shows the conversation, is typed into, and leaves it to the engine, nothing lost, nothing told twice', async () => {
      const engine = await bench.work('BEFORE [[say said before]]');
      await bench.ended(engine);
      const { observed } = engine;
      const from = observed.events.length;
      const terminal = await bench.terminalBeside(engine, SIZE);
      await terminal.shows(bench.subject.terminalReady);
      await terminal.shows('said before');
      await terminal.type('TYPED by a human [[say answered the human]]');
      await observed.waitFor('message', (m) => m.role === 'user' && m.text.includes('TYPED'), { from });
      await observed.waitFor('message', (m) => m.text === 'answered the human', { from });
      expect((await bench.ended(engine, from)).outcome).toBe('done');
      await terminal.shows('answered the human');
      await terminal.stop();
      expect(engine.running).toBe(true);

      engine.say('HANDED-BACK [[say took over]]');
      await observed.waitFor('message', (m) => m.text === 'took over');
      for (const text of ['BEFORE', 'TYPED by a human', 'answered the human', 'HANDED-BACK'])
        expect(bench.subject.lastRequest()).toContain(text);
      const keys = observed.events.flatMap((e) => (e.kind === 'message' ? [e.key] : []));
      expect(keys).not.toContain(undefined);
      expect(new Set(keys).size).toBe(keys.length);
    });
  });
}
