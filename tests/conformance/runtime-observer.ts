/** The observer: the same answer to the same line, whatever the line. */
import { describe, expect, it } from 'vitest';
import type { ObservedEvent } from '../../src/runtimes/runtime.ts';
import { ALLOW, type Bench } from './runtime-bench.ts';

export function observerConformance(bench: Bench): void {
  describe('the observer', () => {
    it('is pure, and survives lines that are cut, foreign or huge', async () => {
      const engine = await bench.work(`[[think hm]] ${bench.shellWriting('pure')} [[say done]]`, ALLOW);
      await bench.ended(engine);
      // From its first line on: of all the tests that it has worked for.
      const parts = [...engine.before, engine.observed];
      const lines = parts.flatMap((part) => part.lines);
      expect(lines.length).toBeGreaterThan(5);
      const { observer } = bench.runtime;
      const replay = (): { events: ObservedEvent[]; state: unknown } => {
        const events: ObservedEvent[] = [];
        let state = deepFreeze(observer.initial(null));
        for (const line of lines) {
          const result = observer.line(state, 'out', line);
          state = deepFreeze(JSON.parse(JSON.stringify(result.state)));
          events.push(...result.events);
        }
        return { events, state };
      };
      const once = replay();
      expect(replay()).toEqual(once);
      const seen = parts.flatMap(({ events }) => events);
      // Of what it prints to its second stream notes are made, too.
      const told = (events: ObservedEvent[]) => events.filter(({ kind }) => kind !== 'note');
      expect(told(once.events)).toEqual(told(seen));
      const bad = lines.flatMap((line) => [
        line.slice(0, line.length >> 1),
        line.slice(1),
        line.replaceAll(/:"[^"]*"/g, ':null'),
        line.replaceAll(/:\{/g, ':[{').replaceAll(/\}/g, '}]'),
      ]);
      bad.push('', 'null', '[]', '"text"', '{}', '\u0000', '{"type":"brand_new"}', 'x'.repeat(4_000_000));
      for (const line of bad) {
        for (const source of ['out', 'err'] as const) {
          const { state, events } = observer.line(deepFreeze(observer.initial('s')), source, line);
          expect(JSON.parse(JSON.stringify(state))).toEqual(state);
          for (const event of events) {
            if (event.kind === 'note') expect(event.text.length).toBeLessThan(10_000);
          }
        }
      }
      const notes = observer.line(observer.initial(null), 'out', 'this is not JSON').events;
      expect(notes).toMatchObject([{ kind: 'note', text: expect.stringContaining('this is not JSON') }]);
    });
  });
}

function deepFreeze<T>(value: T): T {
  if (value !== null && typeof value === 'object') {
    for (const inner of Object.values(value)) deepFreeze(inner);
    Object.freeze(value);
  }
  return value;
}
