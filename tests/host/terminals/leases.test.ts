import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { limits } from '../../../src/host/limits.ts';
import { LeaseTable } from '../../../src/host/store/leases.ts';
import { Store } from '../../../src/host/store/store.ts';
import { Leases } from '../../../src/host/terminals/leases.ts';
import { VirtualClock } from '../../support/clock.ts';

let dir: string;
let store: Store;
let clock: VirtualClock;
let leases: Leases;
const open = () => new Leases({ store, table: new LeaseTable(store), clock });
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'aether-leases-'));
  store = new Store(join(dir, 'aether.db'));
  clock = new VirtualClock();
  leases = open();
});
afterEach(() => {
  store.close();
  rmSync(dir, { recursive: true });
});

function held(holder: string): number {
  const { generation } = leases.take('a', 'run', holder, {});
  leases.change('a', generation, (lease) => {
    lease.phase = 'held';
  });
  return generation;
}

test('a generation is never given out twice, not even after a restart of the host', () => {
  const first = held('ann');
  leases.release('a');
  leases = open();
  const second = held('bob');
  expect(second).toBeGreaterThan(first);
  expect(() => leases.require('a', first)).toThrow(/bob does/);
  expect(leases.require('a', second).holder).toBe('bob');
});

test('a holder that goes silent keeps the lease five minutes; one beat gives it back', () => {
  const generation = held('ann');
  clock.advance(31_000);
  expect(leases.sweep()).toEqual([]);
  expect(leases.find('a')?.expires_ms).toBe(clock.now() + limits.lease_vanished_ms);
  leases.beat('a', generation);
  expect(leases.find('a')?.expires_ms).toBeNull();
  clock.advance(31_000);
  leases.sweep();
  clock.advance(limits.lease_vanished_ms);
  expect(leases.sweep().map((lease) => lease.generation)).toEqual([generation]);
});

test('the beat of an old holder does not keep the lease of a new one alive', () => {
  const old = held('ann');
  leases.release('a');
  held('bob');
  clock.advance(31_000);
  leases.beat('a', old);
  leases.sweep();
  expect(leases.find('a')?.expires_ms).not.toBeNull();
});

test('a wall clock that jumps takes no lease away, and keeps none for ever', () => {
  const generation = held('ann');
  clock.jump(365 * 24 * 3_600_000);
  expect(leases.sweep()).toEqual([]);
  expect(leases.find('a')?.expires_ms).toBeNull();
  clock.jump(-2 * 365 * 24 * 3_600_000);
  clock.advance(31_000);
  leases.sweep();
  clock.jump(3_600_000);
  expect(leases.sweep()).toEqual([]);
  clock.jump(-7_200_000);
  clock.advance(limits.lease_vanished_ms);
  expect(leases.sweep().map((lease) => lease.generation)).toEqual([generation]);
});

test('what is left of a silent holder’s time outlives the host, and is never more than the whole of it', () => {
  const generation = held('ann');
  clock.advance(31_000);
  leases.sweep();
  clock.advance(limits.lease_vanished_ms - 10_000);
  leases = open();
  expect(leases.sweep()).toEqual([]);
  clock.advance(10_000);
  expect(leases.sweep().map((lease) => lease.generation)).toEqual([generation]);
  // The clock was set back meanwhile: what stands in the database is a year ahead.
  clock.jump(-365 * 24 * 3_600_000);
  leases = open();
  clock.advance(limits.lease_vanished_ms);
  expect(leases.sweep().map((lease) => lease.generation)).toEqual([generation]);
});
