/** Slow or stuck, on numbers and a clock that moves when the test says so. */
import { describe, expect, it } from 'vitest';
import { cpuSince, type Look, type Quiet, stillQuiet } from '../../../src/host/runs/stuck.ts';
import { VirtualClock } from '../../support/clock.ts';

const LOOK_MS = 30_000;
const AFTER_MS = 600_000;

/** A turn that is looked at; `change` says what is seen next. */
class Turn {
  readonly clock = new VirtualClock();
  seen: Omit<Look, 'at_ms'> = {
    heard_ms: 1,
    tools: ['Bash call-1'],
    processes: new Map([
      ['10:1', 50],
      ['11:2', 5],
    ]),
    engine: '10:1',
  };
  quiet: Quiet | null = null;

  look(passed_ms: number, change: Partial<Omit<Look, 'at_ms'>> = {}): number {
    this.clock.advance(passed_ms);
    this.seen = { ...this.seen, ...change };
    this.quiet = stillQuiet(this.quiet, { at_ms: this.clock.now(), ...this.seen }, LOOK_MS);
    return this.clock.now() - this.quiet.since.at_ms;
  }

  /** CPU that the engine and the other process have used since the last look. */
  used(engine: number, other: number): Partial<Look> {
    const [e = 0, o = 0] = [...this.seen.processes.values()];
    return {
      processes: new Map([
        ['10:1', e + engine],
        ['11:2', o + other],
      ]),
    };
  }
}

describe('a turn', () => {
  it('is stuck only when nothing has moved for the whole time', () => {
    const turn = new Turn();
    turn.look(0);
    let quiet_ms = 0;
    // What an engine that waits uses by itself is no sign of life.
    while (quiet_ms < AFTER_MS) quiet_ms = turn.look(LOOK_MS, turn.used(33, 0));
    expect(quiet_ms).toBe(AFTER_MS);
    expect(cpuSince(turn.quiet!, { at_ms: 0, ...turn.seen })).toEqual({ engine: 660, others: 0 });
  });

  it.each([
    ['the engine printed', (): Partial<Look> => ({ heard_ms: 2 })],
    ['a tool was done', (): Partial<Look> => ({ tools: [] })],
    ['another tool was begun', (): Partial<Look> => ({ tools: ['Bash call-1', 'Read call-2'] })],
    [
      'a process came',
      (turn: Turn): Partial<Look> => ({ processes: new Map([...turn.seen.processes, ['12:3', 0]]) }),
    ],
    ['a process went', (): Partial<Look> => ({ processes: new Map([['10:1', 50]]) })],
    [
      'a process was replaced under the same pid',
      (): Partial<Look> => ({
        processes: new Map([
          ['10:1', 50],
          ['11:9', 5],
        ]),
      }),
    ],
    ['a tool computes', (turn: Turn) => turn.used(0, 9)],
    ['the engine computes', (turn: Turn) => turn.used(LOOK_MS / 10, 0)],
    ['another engine has the floor', (): Partial<Look> => ({ engine: '11:2' })],
  ])('is slow, not stuck: %s', (_what, change) => {
    const turn = new Turn();
    turn.look(0);
    expect(turn.look(LOOK_MS)).toBe(LOOK_MS);
    expect(turn.look(LOOK_MS, change(turn))).toBe(0);
    expect(turn.look(LOOK_MS)).toBe(LOOK_MS);
  });

  it('is slow when a tool uses a little all the time', () => {
    const turn = new Turn();
    turn.look(0);
    for (let look = 0; look < 40; look += 1)
      expect(turn.look(LOOK_MS, turn.used(30, 4))).toBeLessThan(5 * LOOK_MS);
  });

  it('is not judged over a time in which nobody looked', () => {
    const turn = new Turn();
    turn.look(0);
    turn.look(LOOK_MS);
    // The host was suspended, or stopped: whatever happened meanwhile, nobody saw that it did not.
    expect(turn.look(8 * 3_600_000)).toBe(0);
    expect(turn.look(2 * LOOK_MS)).toBe(2 * LOOK_MS);
  });

  it('is not judged by a clock that was set back', () => {
    const turn = new Turn();
    turn.look(0);
    const now = turn.clock.now() - 3_600_000;
    expect(stillQuiet(turn.quiet, { at_ms: now, ...turn.seen }, LOOK_MS).since.at_ms).toBe(now);
  });
});
