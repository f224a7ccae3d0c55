/** Counts and refusals on virtual time: who gets a place, what a refused loop costs, and how often it is reported. */
import { beforeEach, describe, expect, it } from 'vitest';
import { ceilingOf } from '../../../src/host/doors/descriptors.ts';
import { PeerCounts } from '../../../src/host/doors/peer-counts.ts';
import {
  FLOOD_OVER_MS,
  FLOOD_REPORT_MS,
  REFUSALS_ANSWERED_MAX,
  REFUSED_OPEN_MAX,
  type RefusalReport,
  Refusals,
} from '../../../src/host/doors/refusals.ts';
import { VirtualClock } from '../../support/clock.ts';

describe('places', () => {
  it('one peer fills its share and not the door', () => {
    const counts = new PeerCounts({ connections_max: 4, connections_per_peer_max: 2 });
    expect([counts.enter('a'), counts.enter('a'), counts.enter('a')]).toEqual([null, null, 'peer-full']);
    expect([counts.enter('b'), counts.enter('c'), counts.enter('d')]).toEqual([null, null, 'door-full']);
    counts.leave('a');
    expect([counts.total, counts.enter('d'), counts.total]).toEqual([3, null, 4]);
    counts.leave('never came');
    expect(counts.total).toBe(4);
  });

  it('descriptors are kept for the operator, of a small limit a quarter', () => {
    expect([ceilingOf(20_000), ceilingOf(1_024), ceilingOf(256)]).toEqual([19_744, 768, 192]);
  });
});

describe('refusals', () => {
  let clock: VirtualClock;
  let reports: RefusalReport[];
  let refusals: Refusals;
  beforeEach(() => {
    clock = new VirtualClock();
    reports = [];
    refusals = new Refusals('control', clock, (report) => reports.push(report));
  });

  it('answers the first, delays the next, drops the rest, and starts over once it was quiet', () => {
    const treatments = Array.from({ length: 100 }, () => refusals.note('part of alpha', 7));
    expect(treatments.slice(0, REFUSALS_ANSWERED_MAX)).toEqual(Array(REFUSALS_ANSWERED_MAX).fill('answer'));
    expect(treatments.filter((one) => one === 'delay')).toHaveLength(16);
    expect(treatments.at(-1)).toBe('drop');
    for (const treatment of treatments) refusals.done(treatment);
    expect(refusals.note('part of alpha', 7)).toBe('delay');
    // Another cause is not made to pay for it.
    expect(refusals.note('part of beta', 8)).toBe('answer');
    clock.advance(2 * FLOOD_OVER_MS);
    expect(refusals.note('part of alpha', 7)).toBe('answer');
  });

  it('keeps few refused connections open, whatever their causes', () => {
    const treatments = Array.from({ length: 200 }, (_, index) => refusals.note(`cause ${index}`, index));
    expect(treatments.filter((one) => one !== 'drop')).toHaveLength(REFUSED_OPEN_MAX);
    // Each cause is reported, but not without bound.
    expect(reports.length).toBeLessThanOrEqual(64 + 3);
  });

  it('reports the beginning, the flood once a minute, and the end', () => {
    for (let ms = 0; ms < 2.5 * FLOOD_REPORT_MS; ms += 100) {
      refusals.done(refusals.note('part of alpha', 7));
      clock.advance(100);
    }
    clock.advance(2 * FLOOD_OVER_MS);
    expect(reports.map(({ phase }) => phase)).toEqual(['first', 'flood', 'flood', 'flood', 'over']);
    expect(reports.reduce((sum, { refused }) => sum + refused, 0)).toBe(1_500);
    expect(reports[0]).toMatchObject({ door: 'control', why: 'part of alpha', pid: 7, refused: 1 });
  });

  it('a single refusal is one report', () => {
    refusals.done(refusals.note('part of alpha', 7));
    clock.advance(10 * FLOOD_OVER_MS);
    refusals.close();
    expect(reports).toHaveLength(1);
  });
});
