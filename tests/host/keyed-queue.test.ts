/** Jobs of one key, one after the other, and work that is shared: on virtual time, in every order of ending. */
import { beforeEach, describe, expect, it } from 'vitest';
import { KeyedQueue } from '../../src/host/keyed-queue.ts';
import { SingleFlight } from '../../src/host/single-flight.ts';
import { VirtualClock } from '../support/clock.ts';

let clock: VirtualClock;
let log: string[];
beforeEach(() => {
  clock = new VirtualClock();
  log = [];
});

/** A job that takes so long, and then succeeds or fails. */
const job =
  (name: string, ms: number, fails = false) =>
  async (): Promise<void> => {
    log.push(`${name} begins`);
    await new Promise<void>((resolve) => clock.after(ms, resolve));
    log.push(`${name} ends`);
    if (fails) throw new Error(`${name} failed`);
  };

/** Lets everything happen that needs no time, then some time pass. */
async function pass(ms: number): Promise<void> {
  await settled();
  for (let left = ms; left > 0; left -= 10) {
    clock.advance(Math.min(10, left));
    await settled();
  }
}
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('a keyed queue', () => {
  it('runs jobs of one key in order, and those of another beside them', async () => {
    const queue = new KeyedQueue('agent', 10);
    void queue.run('a', job('a1', 100));
    void queue.run('a', job('a2', 10));
    void queue.run('b', job('b1', 50));
    expect(log).toEqual([]);
    await pass(60);
    expect(log).toEqual(['a1 begins', 'b1 begins', 'b1 ends']);
    await pass(100);
    expect(log.slice(3)).toEqual(['a1 ends', 'a2 begins', 'a2 ends']);
    expect([queue.pending('a'), queue.pending('b')]).toEqual([0, 0]);
  });

  it('goes on after a job that fails, whose caller alone is told', async () => {
    const queue = new KeyedQueue('agent', 10);
    const failed = queue.run('a', job('a1', 10, true));
    const next = queue.run('a', async () => 'done');
    const outcome = expect(failed).rejects.toThrow('a1 failed');
    await pass(20);
    await outcome;
    expect(await next).toBe('done');
  });

  it('refuses one job too many of a key, and takes it once there is room', async () => {
    const queue = new KeyedQueue('agent', 2);
    const taken = [1, 2, 3].map((number) => queue.run('a', job(`a${number}`, 10)));
    await expect(queue.run('a', job('a4', 10))).rejects.toMatchObject({
      code: 'queue.full',
      who: 'user',
      message: '2 requests already wait for the agent a.',
    });
    void queue.run('b', job('b1', 10));
    await pass(10);
    expect(queue.pending('a')).toBe(2);
    taken.push(queue.run('a', job('a5', 10)));
    await pass(40);
    await Promise.all(taken);
    expect(log.filter((line) => line.endsWith('ends'))).toHaveLength(5);
    expect(log).not.toContain('a4 begins');
  });

  it('a repeat joins the one that has not begun, never the one that has', async () => {
    const queue = new KeyedQueue('agent', 1);
    let count = 0;
    const deliver = () => {
      count += 1;
      return job(`delivery ${count}`, 10)();
    };
    const first = queue.runOnce('a', deliver);
    expect(queue.runOnce('a', deliver)).toBe(first);
    await pass(5);
    const second = queue.runOnce('a', deliver);
    expect(second).not.toBe(first);
    for (let more = 0; more < 1_000; more += 1) expect(queue.runOnce('a', deliver)).toBe(second);
    await pass(50);
    expect([count, queue.pending('a')]).toEqual([2, 0]);
  });

  it('a job may give another of its key without waiting for it', async () => {
    const queue = new KeyedQueue('agent', 2);
    await queue.run('a', async () => {
      log.push('outer');
      void queue.run('a', async () => void log.push('inner'));
    });
    await settled();
    expect(log).toEqual(['outer', 'inner']);
  });
});

describe('a single flight', () => {
  it('shares what is under way, its failure too, and begins again afterwards', async () => {
    const flight = new SingleFlight();
    const first = flight.run('a', job('a1', 10, true));
    expect(log).toEqual(['a1 begins']);
    const joined = flight.run('a', job('never', 10));
    void flight.run('b', job('b1', 10));
    const outcome = Promise.all([first, joined].map((one) => expect(one).rejects.toThrow('a1 failed')));
    await pass(20);
    await outcome;
    const again = flight.run('a', job('a2', 10));
    await pass(10);
    await again;
    expect(log.filter((line) => line.endsWith('begins'))).toEqual(['a1 begins', 'b1 begins', 'a2 begins']);
  });
});
